package sqlitestore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/yroom/yroom/store"
)

type requestKind uint8

const (
	requestAppend  requestKind = iota // adds entry
	requestCompact                    // replaces the positions in replaced by entry
	requestCreate                     // creates the room, with entry
	requestDelete                     // deletes the room
	requestNotices                    // changes notices
)

// request is a change that waits for the writer.
type request struct {
	room  string
	level store.Durability
	kind  requestKind

	entry    store.Entry    // owned once it is queued
	position store.Position // result: the position of entry

	replaced   string         // positions, as a JSON array; "[]": none
	count      int            // of them
	newest     store.Position // of them
	generation uint64

	notices func(*writer) error // of requestNotices

	err  error         // result
	done chan struct{} // closed once the results are set; nil: no call waits
}

// Room implements group.Request.
func (r *request) Room() string { return r.room }

// Size implements group.Request.
func (r *request) Size() int {
	return 256 + len(r.room) + len(r.entry.Data) + len(r.entry.By) + len(r.replaced)
}

// Awaited implements group.Request.
func (r *request) Awaited() bool { return r.done != nil }

// Own implements group.Request.
func (r *request) Own() { r.entry.Data = append([]byte{}, r.entry.Data...) } // not nil, which SQLite would store as NULL

// do queues r and waits for its results.
func (s *Store) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.done = make(chan struct{})
	if err := s.queue.Put(ctx, r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// storing returns a request that stores e.
func (s *Store) storing(ctx context.Context, room string, e store.Entry, kind requestKind) (*request, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !e.Encoding.Valid() {
		return nil, fmt.Errorf("sqlitestore: %w: unknown encoding %d", store.ErrInvalid, e.Encoding)
	}
	return &request{room: room, level: s.config.Durability(room), kind: kind, entry: e}, nil
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	r, err := s.storing(ctx, room, e, requestAppend)
	if err != nil {
		return 0, err
	}
	if r.level == store.DurabilityNone {
		allowed, err := s.unawaited.Allowed(room)
		if err != nil {
			return 0, err
		}
		if allowed {
			return 0, s.queue.Put(ctx, r)
		}
	}
	if err := s.do(ctx, r); err != nil {
		return 0, err
	}
	return r.position, nil
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	r, err := s.storing(ctx, room, snapshot, requestCompact)
	if err != nil {
		return err
	}
	r.generation = read.Generation
	replaced := append([]store.Position{}, read.Positions...)
	slices.Sort(replaced)
	replaced = slices.Compact(replaced)
	if r.count = len(replaced); r.count > 0 {
		r.newest = replaced[r.count-1]
	}
	text, err := json.Marshal(replaced)
	if err != nil {
		return err
	}
	r.replaced = string(text)
	return s.do(ctx, r)
}

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	r, err := s.storing(ctx, room, e, requestCreate)
	if err != nil {
		return 0, err
	}
	if err := s.do(ctx, r); err != nil {
		return 0, err
	}
	return r.position, nil
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, room string) error {
	return s.do(ctx, &request{room: room, level: s.config.Durability(room), kind: requestDelete})
}
