package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/yjs"
)

// Message is the body of a request, as JSON.
type Message struct {
	Type Event     `json:"type"`
	At   time.Time `json:"timestamp"` // the time of the event, or of the last change that it stands for
	Data Data      `json:"data"`
}

// Data is what a Message says about a room.
type Data struct {
	Room string `json:"room"`
	// Position is that of the newest entry that Content has, or that of a deletion. It
	// grows with each edit and each deletion, and stays the same when the document is set back.
	// Connected and Disconnected have none.
	Position store.Position `json:"position,omitzero"`
	// Content is what Hook.Content asks for, for Changed: a string or an object.
	Content json.RawMessage `json:"content,omitempty"`
	// Omitted says why there is no Content although it was asked for.
	Omitted string `json:"omitted,omitempty"`

	// Connected and Disconnected have the number of the connection, as in logs, its user, if that is
	// known, and how many connections the room has after the event.
	Connection  string `json:"connection,omitempty"`
	User        string `json:"user,omitempty"`
	Connections *int   `json:"connections,omitempty"`
}

// request is a request for an event.
type request struct {
	id   string // the same for each request for the same state of the room
	body []byte
}

// EventOf returns the event that a notice is of.
func EventOf(kind store.NoticeKind) Event {
	switch kind {
	case store.NoticeCreated:
		return Created
	case store.NoticeChanged:
		return Changed
	case store.NoticeDeleted:
		return Deleted
	}
	return Event(kind)
}

// requestFor returns the request for a notice, or nil if none is to be sent: the webhook doesn't
// want the event, or the room was deleted after it, for which the next notice is.
func (f *feed) requestFor(ctx context.Context, n store.Notice) (*request, error) {
	m := Message{Type: EventOf(n.Kind), At: n.Last, Data: Data{Room: n.Room, Position: n.Position}}
	if !slices.Contains(f.hook.Events, m.Type) {
		return nil, nil
	}
	if n.Data != "" {
		if err := json.Unmarshal([]byte(n.Data), &m.Data); err != nil {
			return nil, fmt.Errorf("the notice is damaged: %w", err)
		}
		m.Data.Room = n.Room
	}
	if n.Kind == store.NoticeChanged {
		if err := f.fill(ctx, n, &m.Data); errors.Is(err, store.ErrDeleted) || errors.Is(err, store.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, fmt.Errorf("the room can't be read: %w", err)
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %s %d %d %d", n.Room, n.Kind, m.Data.Position, n.ID, n.Revision) // a hash returns no error
	return &request{"msg_" + hex.EncodeToString(h.Sum(nil)[:16]), text}, nil
}

// fill adds the content of a room to the data of an event. The error is store.ErrDeleted or
// store.ErrNotFound if the room was deleted after the event.
func (f *feed) fill(ctx context.Context, n store.Notice, d *Data) error {
	size, err := f.size(ctx, n.Room)
	if err != nil {
		return err
	}
	if size >= largeDocument {
		select {
		case f.large <- struct{}{}:
			defer func() { <-f.large }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.hook.Content != ContentNone {
		switch {
		case size > f.hook.ContentLimit:
			d.Omitted = fmt.Sprintf("the document has %d bytes, and the limit for its content is %d", size, f.hook.ContentLimit)
		default:
			if err := f.write(ctx, d); err != nil {
				return err
			}
		}
	}
	// The room may have been deleted, and created again, after the event. If it was compacted, this
	// reads all of it.
	_, err = f.store.LoadAfter(ctx, n.Room, n.Position)
	return err
}

// write adds the content of a room.
func (f *feed) write(ctx context.Context, d *Data) error {
	log, err := f.store.Load(ctx, d.Room)
	if err != nil {
		return err
	}
	d.Position = log.Last()
	if d.Content, err = f.hook.Content.of(log); err != nil {
		f.log.Error("The content of a room could not be written for a webhook. The event is sent without it. Run yroom doctor.",
			"room", d.Room, "content", string(f.hook.Content), "error", err)
		d.Omitted = "the document can't be written as " + string(f.hook.Content) + ": the log of yroom says why"
	}
	return nil
}

// size returns the size of a stored room in bytes.
func (f *feed) size(ctx context.Context, room string) (int, error) {
	listed, err := f.store.List(ctx, room, "", 1)
	if err != nil || len(listed) == 0 || listed[0].Room != room {
		return 0, err
	}
	return listed[0].Bytes, nil
}

// of returns the content of a room as JSON. A panic is returned as an error.
func (c Content) of(log store.Log) (_ json.RawMessage, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a fault of yroom: %v\n%s", v, debug.Stack())
		}
	}()
	stored := blocks.New()
	for i, e := range log.Entries {
		if err := stored.Load(e.Data, blocks.Encoding(e.Encoding)); err != nil {
			return nil, fmt.Errorf("entry %d: %w", log.Positions[i], err)
		}
	}
	doc := yjs.New()
	if err := doc.Apply(stored.Encode(blocks.V1), blocks.V1); err != nil {
		return nil, err
	}
	if c == ContentJSON {
		return doc.MarshalJSON()
	}
	text, err := plainText(doc)
	if err != nil {
		return nil, err
	}
	return json.Marshal(text)
}
