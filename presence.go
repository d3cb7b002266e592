package yroom

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// Presence is how somebody who edits is shown to the others: as the editors'
// own people are, whose awareness states are {"user":{"name":…,"color":…}}.
type Presence struct {
	Name  string `json:"name"`
	Color string `json:"color,omitempty"` // as CSS writes it: "#ffa500"
}

const (
	presenceRenewed  = 10 * time.Second // as long as the edit goes on; people expire after 30 s
	presenceLingers  = 3 * time.Second  // after it
	presencePatience = time.Second      // a room that has more important things to do is left in peace
)

// shown is somebody who edits and is among the people in the room: a connection
// like theirs, with one state, under the client id of the edits.
type shown struct {
	client uint64
	clock  uint64      // the writer's again once gone is closed
	states chan string // what to show; "": the edit has ended
	gone   chan struct{}
}

// state is the awareness state.
func (p Presence) state() (string, error) {
	state, err := json.Marshal(struct {
		User Presence `json:"user"`
	}{p})
	return string(state), err
}

// present shows who edits, until hide is called and a while longer.
func (d *Document) present(ctx context.Context, w *writer, state string) (hide func()) {
	tell := func(state string) bool {
		select {
		case w.shown.states <- state:
			return true
		case <-w.shown.gone:
			return false
		}
	}
	if w.shown == nil || w.shown.client != w.client || !tell(state) {
		next := &shown{client: w.client, states: make(chan string), gone: make(chan struct{})}
		if old := w.shown; old != nil && old.client == w.client {
			next.clock = old.clock
		}
		if !d.server.begin(func() { d.show(context.WithoutCancel(ctx), next, state) }) {
			return func() {}
		}
		w.shown = next
	}
	return func() { tell("") }
}

// begin runs show beside everything else, unless Shutdown has begun.
func (s *Server) begin(show func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.showing.Go(show)
	}
	return !s.stopped
}

// show lets somebody be in the room, and leave it a while after the edit.
func (d *Document) show(ctx context.Context, s *shown, state string) {
	defer close(s.gone)
	line := d.server.line
	conn := line.open(func(room.Output) {})
	defer line.shut(conn)
	send := func(in room.Input) {
		ctx, cancel := context.WithTimeout(ctx, presencePatience)
		defer cancel()
		in.Conn = conn
		_ = line.send(ctx, d.room, in) // to be shown is no condition for an edit
	}
	say := func() {
		s.clock++
		send(room.Input{Kind: room.Message, Msg: protocol.Message{Type: protocol.Awareness, Data: awarenessOf(s.client, s.clock, state)}})
	}
	send(room.Input{Kind: room.Join, Access: room.Present, Open: room.ClientStarts})
	defer send(room.Input{Kind: room.Leave})
	say()
	renew := time.NewTicker(presenceRenewed)
	defer renew.Stop()
	var over <-chan time.Time // nil: the edit goes on
	for {
		select {
		case next := <-s.states:
			if next == "" {
				over = time.After(presenceLingers)
				continue
			}
			over, state = nil, next
			say()
		case <-renew.C:
			say()
		case <-over:
			return
		case <-d.server.stopping:
			return
		}
	}
}

// awarenessOf is the awareness update of one client: how many they are, and for
// each its id, its clock and its state.
func awarenessOf(client, clock uint64, state string) []byte {
	b := binary.AppendUvarint([]byte{1}, client)
	b = binary.AppendUvarint(b, clock)
	b = binary.AppendUvarint(b, uint64(len(state)))
	return append(b, state...)
}
