package sqlitestore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/yroom/yroom/store"
)

// kind is what a request asks for.
type kind uint8

const (
	flushing   kind = iota // nothing, but that all before it is done
	appending              // entry
	compacting             // count positions in gone, into entry
	creating               // the room, with entry
	deleting               // the room
)

// request is a change that waits for the writer.
type request struct {
	room  string
	level store.Durability
	kind  kind

	entry    store.Entry    // owned
	position store.Position // of entry, once it has one
	gone     []byte         // positions that a compaction replaces, as JSON
	count    int            // of them

	err  error
	done chan struct{} // closed when err is final; nil: nobody waits
}

// size is about what a request takes in memory, the queue's share included.
func (r *request) size() int { return 256 + len(r.room) + len(r.entry.Data) + len(r.gone) }

// do has the writer do r and waits for it.
func (s *Store) do(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.done = make(chan struct{})
	if err := s.queue.put(ctx, r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// change makes a request that stores e.
func (s *Store) change(room string, e store.Entry, kind kind) (*request, error) {
	if !e.Encoding.Valid() {
		return nil, fmt.Errorf("sqlitestore: an entry has the encoding %d, which is none", e.Encoding)
	}
	e.Data = append([]byte{}, e.Data...) // not nil, which SQLite would take for NULL
	return &request{room: room, level: s.config.Durability(room), kind: kind, entry: e}, nil
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r, err := s.change(room, e, appending)
	if err != nil {
		return 0, err
	}
	if r.level == store.None {
		if r.position, err = s.unawaitedPosition(room); err != nil {
			return 0, err
		}
	}
	if position := r.position; position != 0 {
		if err := s.queue.put(ctx, r); err != nil {
			return 0, err
		}
		return position, nil
	}
	if err := s.do(ctx, r); err != nil {
		return 0, err
	}
	return r.position, nil
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := s.change(room, snapshot, compacting)
	if err != nil {
		return err
	}
	gone := slices.Clone(read.Positions)
	slices.Sort(gone)
	gone = slices.Compact(gone)
	r.count = len(gone)
	if r.gone, err = json.Marshal(gone); err != nil {
		return err
	}
	return s.do(ctx, r)
}

// Create implements store.Creator.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := s.change(room, e, creating)
	if err != nil {
		return err
	}
	return s.do(ctx, r)
}

// Delete implements store.Deleter.
func (s *Store) Delete(ctx context.Context, room string) error {
	return s.do(ctx, &request{room: room, level: s.config.Durability(room), kind: deleting})
}

// knownRooms bounds how many rooms at level None are remembered as existing.
const knownRooms = 100_000

// unawaitedPosition gives a position for an append that nobody waits for, 0
// where it has to be waited for: the room may be unknown or deleted. The error
// is that of an earlier one.
func (s *Store) unawaitedPosition(room string) (store.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	met, known := s.unawaited[room]
	if met != nil {
		delete(s.unawaited, room)
		return 0, fmt.Errorf("an earlier update of the room was lost: %w", met)
	}
	if !known {
		return 0, nil
	}
	return s.free.take(), nil
}

// learn remembers what the end of r says about unawaited appends to its room.
func (s *Store) learn(r *request) {
	if r.level != store.None || r.kind == flushing {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	met, known := s.unawaited[r.room]
	switch {
	case r.err != nil && r.done == nil:
		s.unawaited[r.room] = r.err
	case r.err == nil && r.kind == deleting, r.err != nil && met == nil:
		delete(s.unawaited, r.room)
	case r.err == nil && (!known || r.kind == creating):
		s.unawaited[r.room] = nil
	}
	if len(s.unawaited) > knownRooms {
		maps.DeleteFunc(s.unawaited, func(_ string, met error) bool { return met == nil })
	}
}

// span is a range of positions that are still to be given out.
type span struct{ next, end store.Position }

// take gives the next position, 0 where there is none.
func (p *span) take() store.Position {
	if p.next == p.end {
		return 0
	}
	p.next++
	return p.next - 1
}
