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

// message is a request that tells of an event.
type message struct {
	id   string // the same for each request for the same state of the room
	body []byte
}

// body is the body of a request.
type body struct {
	Type Event     `json:"type"`
	At   time.Time `json:"timestamp"` // of the event
	Data data      `json:"data"`
}

type data struct {
	Room     string          `json:"room"`
	Position store.Position  `json:"position"`
	Content  json.RawMessage `json:"content,omitempty"`
	Omitted  string          `json:"omitted,omitempty"` // why there is no content
}

// EventOf returns the event that a notice is of.
func EventOf(kind store.NoticeKind) Event { return Event("room." + kind) }

// messageFor returns the request for a notice, or nil if there is nothing to tell: the webhook
// doesn't want the event, or the room was deleted after it, of which it is told next.
func (f *feed) messageFor(ctx context.Context, n store.Notice) (*message, error) {
	b := body{Type: EventOf(n.Kind), At: n.Last, Data: data{Room: n.Room, Position: n.Position}}
	if !slices.Contains(f.hook.Events, b.Type) {
		return nil, nil
	}
	if n.Kind == store.NoticeChanged {
		if err := f.fill(ctx, n, &b.Data); errors.Is(err, store.ErrDeleted) || errors.Is(err, store.ErrNotFound) {
			return nil, nil
		} else if err != nil {
			return nil, fmt.Errorf("the room can't be read: %w", err)
		}
	}
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %s %d ", n.Room, n.Kind, b.Data.Position) // a hash returns no error
	_, _ = h.Write(b.Data.Content)
	return &message{"msg_" + hex.EncodeToString(h.Sum(nil)[:16]), text}, nil
}

// fill adds the content of a room to the data of an event. The error is store.ErrDeleted or
// store.ErrNotFound if the room was deleted after the event.
func (f *feed) fill(ctx context.Context, n store.Notice, d *data) error {
	if f.hook.Content != ContentNone {
		size, err := f.size(ctx, n.Room)
		switch {
		case err != nil:
			return err
		case size > f.hook.ContentLimit:
			d.Omitted = fmt.Sprintf("the document has %d bytes, and the limit for its content is %d", size, f.hook.ContentLimit)
		default:
			log, err := f.store.Load(ctx, n.Room)
			if err != nil {
				return err
			}
			d.Position = log.Last()
			if d.Content, err = f.hook.Content.of(log); err != nil {
				d.Omitted = "the document can't be written: " + err.Error()
			}
		}
	}
	// The room may have been deleted, and created again, after the event.
	_, err := f.store.LoadAfter(ctx, n.Room, n.Position)
	return err
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
