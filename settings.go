package yroom

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/worker"
	"github.com/yroom/yroom/yjs"
)

// Settings are those of the rooms of a row: see RowOf. A zero field stands for its
// default.
type Settings struct {
	// RemoveDelay is how long a room stays in memory after its last connection
	// has left. Default: 30 s. A millisecond removes it practically at once.
	RemoveDelay time.Duration `yaml:"remove_delay"`
	// AutosaveDelay is how long after the last edit the log of a room is compacted to
	// one snapshot. Default: 1 minute. During steady typing, it is compacted after ten
	// times that delay. It is also compacted when it has grown much, and when the room is
	// removed. A longer delay loses nothing, but makes loading take longer.
	AutosaveDelay time.Duration `yaml:"autosave_delay"`
	// Pace is how long a room with many connections waits after it has sent edits or awareness
	// to all of them. What arrives meanwhile is sent as one. An edit that arrives later is sent
	// at once. A room with up to 25 connections never waits, and one with 50 or more waits the
	// whole time. While only awareness is sent, it waits twice as long. Default: 16 ms, the time
	// between two frames of a screen. With layer/djangolayer, rooms with up to 5 connections never
	// wait, those with 10 or more wait the whole time, and the default is 50 ms. A microsecond is
	// practically none.
	Pace time.Duration `yaml:"pace"`
	// ServerStartSync says whether the server sends the first message when a
	// client connects, as y-websocket servers do. Default: true.
	ServerStartSync Switch `yaml:"server_start_sync"`
	// UpdateVersion is the encoding of updates on the wire, 1 or 2. Stock clients use 1;
	// only a client that was written for it can use 2. The setting may be changed at any
	// time, because stored documents can be read with either. Default: 1.
	UpdateVersion int `yaml:"update_version"`
	// GC says whether deleted content is dropped. If it is off, a document keeps
	// everything that was ever in it, for clients that show snapshots of earlier versions;
	// these clients must keep it, too. Default: true.
	GC Switch `yaml:"gc"`
	// AwarenessTimeout is how long a client that sends nothing counts as present. Default: 30 s.
	AwarenessTimeout time.Duration `yaml:"awareness_timeout"`
	// Channel is the channel of these rooms: the workers that serve it run them. See
	// Channels. It is 1 to 100 letters, digits, hyphens, underscores and dots. Default:
	// yroom.
	Channel string `yaml:"channel"`
	// Limits bound what clients can make the server hold.
	Limits Limits `yaml:"limits"`
	// Store keeps these rooms, in place of Config.Store. Default: Config.Store.
	Store store.Store `yaml:"-"`
}

// Switch is a setting that is on, off, or left at its default. As text it is
// true or false.
type Switch uint8

// The values of a Switch.
const (
	SwitchDefault Switch = 0
	SwitchOn      Switch = 1
	SwitchOff     Switch = 2
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Switch) UnmarshalText(text []byte) error {
	switch string(text) {
	case "true":
		*s = SwitchOn
	case "false":
		*s = SwitchOff
	default:
		return fmt.Errorf("%.100q is not true or false", text)
	}
	return nil
}

// Limits bound what clients can make the server hold. A zero field means its default.
type Limits struct {
	// Message bounds one message of a client. Default: 16 MiB. Past it: close 1009.
	Message Bytes `yaml:"message"`
	// Document bounds what a document takes in memory: its encoded size, and some bytes more
	// for each block, deletion and client. Default: 256 MiB. Past it, updates that don't
	// make the document smaller are refused: close 1008.
	Document Bytes `yaml:"document"`
	// Pending bounds the updates that a room holds until the updates on which they depend
	// arrive. Default: 16 MiB. Past it: close 1008.
	Pending Bytes `yaml:"pending"`
	// Clients bounds how many Yjs client ids may have written in a document. A client has
	// a new id each time it opens a document. Default: 65,536. Past it, updates with
	// a new client id are refused: close 1008.
	Clients int `yaml:"clients"`
	// AwarenessIDs bounds how many client ids of one connection may have states. Default:
	// 16. Past it: close 1008.
	AwarenessIDs int `yaml:"awareness_ids"`
	// AwarenessSize bounds the state of one client id. Default: 64 KiB. Past it: close 1008.
	AwarenessSize Bytes `yaml:"awareness_size"`
	// RoomAwareness bounds the states of all client ids of a room, with about 128 bytes for
	// each in addition. The last half is for connections whose states take 1 KiB at most.
	// Default: 2 MiB. Past it, further states are ignored: their clients edit without being
	// shown to others.
	RoomAwareness Bytes `yaml:"room_awareness"`
	// Outbox bounds the data that waits for a client that reads slowly. Default: 4 MiB.
	// Past it the client is sent one diff once it reads again.
	Outbox Bytes `yaml:"outbox"`
	// MailboxInputs and MailboxSize bound the inputs that wait for a room. Defaults: 4,096
	// and 32 MiB. Past them, its connections are no longer read, and are closed with 1013
	// after a while.
	MailboxInputs int   `yaml:"mailbox_inputs"`
	MailboxSize   Bytes `yaml:"mailbox_size"`
	// User and Address bound what one user, whom Admission.User names, and one address do at a
	// Server. All rooms count together that have such a bound, each with its own. See
	// consumer.Quota.
	User    Quota `yaml:"user"`
	Address Quota `yaml:"address"`
}

// Quota bounds what one user or one address does at a Server. A zero field is no bound.
type Quota struct {
	// Connections bounds the connections that are open at once. Past it: HTTP 429, or 1013
	// for a document of a Hocuspocus client. Default: none.
	Connections int `yaml:"connections"`
	// RoomsPerMinute bounds how many rooms are opened in which the Server has no connection.
	// Past it: as for Connections. Default: none.
	RoomsPerMinute int `yaml:"rooms_per_minute"`
	// BytesPerSecond bounds what is sent to the Server. Past it, the connections are read more
	// slowly. Default: none.
	BytesPerSecond Bytes `yaml:"bytes_per_second"`
}

// or returns q, with the fields of base in place of those that q doesn't set.
func (q Quota) or(base Quota) Quota {
	return Quota{
		Connections:    cmp.Or(q.Connections, base.Connections),
		RoomsPerMinute: cmp.Or(q.RoomsPerMinute, base.RoomsPerMinute),
		BytesPerSecond: cmp.Or(q.BytesPerSecond, base.BytesPerSecond),
	}
}

func (q Quota) consumer() consumer.Quota {
	return consumer.Quota{Connections: q.Connections, RoomsPerMinute: q.RoomsPerMinute, BytesPerSecond: int(q.BytesPerSecond)}
}

// Bytes is a size in bytes: 64 << 20 is 64 MiB.
type Bytes int

// or returns s, with the fields of base in place of those that s doesn't set.
func (s Settings) or(base Settings) Settings {
	l, b := s.Limits, base.Limits
	if s.Store == nil { // cmp.Or would compare stores, which may panic
		s.Store = base.Store
	}
	return Settings{
		RemoveDelay:      cmp.Or(s.RemoveDelay, base.RemoveDelay),
		AutosaveDelay:    cmp.Or(s.AutosaveDelay, base.AutosaveDelay),
		Pace:             cmp.Or(s.Pace, base.Pace),
		ServerStartSync:  cmp.Or(s.ServerStartSync, base.ServerStartSync),
		UpdateVersion:    cmp.Or(s.UpdateVersion, base.UpdateVersion),
		GC:               cmp.Or(s.GC, base.GC),
		AwarenessTimeout: cmp.Or(s.AwarenessTimeout, base.AwarenessTimeout),
		Channel:          cmp.Or(s.Channel, base.Channel),
		Limits: Limits{
			Message:       cmp.Or(l.Message, b.Message),
			Document:      cmp.Or(l.Document, b.Document),
			Pending:       cmp.Or(l.Pending, b.Pending),
			Clients:       cmp.Or(l.Clients, b.Clients),
			AwarenessIDs:  cmp.Or(l.AwarenessIDs, b.AwarenessIDs),
			AwarenessSize: cmp.Or(l.AwarenessSize, b.AwarenessSize),
			RoomAwareness: cmp.Or(l.RoomAwareness, b.RoomAwareness),
			Outbox:        cmp.Or(l.Outbox, b.Outbox),
			MailboxInputs: cmp.Or(l.MailboxInputs, b.MailboxInputs),
			MailboxSize:   cmp.Or(l.MailboxSize, b.MailboxSize),
			User:          l.User.or(b.User),
			Address:       l.Address.or(b.Address),
		},
		Store: s.Store,
	}
}

// checkRooms returns an error for settings that contradict the documentation.
func checkRooms(rooms map[string]Settings) error {
	var errs []error
	for key, s := range rooms {
		if key == "" {
			errs = append(errs, errors.New("rooms: a key is empty: the row for all other rooms is default"))
		}
		if strings.Contains(key, ".") && !isBeginning(key) {
			errs = append(errs, fmt.Errorf("rooms: the key %q has a dot in it: write %q for the rooms whose names begin with that", key, key+"."))
		}
		if s.UpdateVersion > 2 {
			errs = append(errs, fmt.Errorf("rooms: %s: update_version is %d, want 1 or 2", key, s.UpdateVersion))
		}
		if s.Channel != "" {
			if err := CheckChannel(s.Channel); err != nil {
				errs = append(errs, fmt.Errorf("rooms: %s: %w", key, err))
			}
		}
		for _, part := range []reflect.Value{reflect.ValueOf(s), reflect.ValueOf(s.Limits), reflect.ValueOf(s.Limits.User), reflect.ValueOf(s.Limits.Address)} {
			for field, value := range part.Fields() {
				if value.CanInt() && value.Int() < 0 {
					errs = append(errs, fmt.Errorf("rooms: %s: %s is less than zero", key, field.Tag.Get("yaml")))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// byRow returns a function that returns the settings of a room, each row of which is
// converted once.
func byRow[T any](rooms map[string]Settings, convert func(Settings) T) func(room string) T {
	base := rooms[fallback]
	rows := map[string]T{fallback: convert(base)}
	for key, s := range rooms {
		rows[key] = convert(s.or(base))
	}
	rowOf := RowOf(slices.Collect(maps.Keys(rooms)))
	return func(room string) T { return rows[rowOf(room)] }
}

func (s Settings) consumer() consumer.Settings {
	greeting := event.GreetingServer
	if s.ServerStartSync == SwitchOff {
		greeting = event.GreetingClient
	}
	return consumer.Settings{
		Greeting:    greeting,
		MessageSize: int(s.Limits.Message),
		OutboxSize:  int(s.Limits.Outbox),
		User:        s.Limits.User.consumer(),
		Address:     s.Limits.Address.consumer(),
	}
}

func (s Settings) worker() worker.Settings {
	return worker.Settings{
		RemoveDelay:   s.RemoveDelay,
		AutosaveDelay: s.AutosaveDelay,
		Pace:          s.Pace,
		Room: room.Config{
			Blocks: blocks.Options{
				MaxSize:    int(s.Limits.Document),
				MaxPending: int(s.Limits.Pending),
				MaxClients: s.Limits.Clients,
				History:    s.GC == SwitchOff,
				Try:        func(updates func() [][]byte) error { return yjs.Try(updates()...) },
			},
			Encoding: blocks.Encoding(s.UpdateVersion),
			Awareness: awareness.Config{
				Timeout:  s.AwarenessTimeout,
				IDs:      s.Limits.AwarenessIDs,
				Size:     int(s.Limits.AwarenessSize),
				RoomSize: int(s.Limits.RoomAwareness),
			},
		},
		MailboxInputs: s.Limits.MailboxInputs,
		MailboxBytes:  int(s.Limits.MailboxSize),
	}
}
