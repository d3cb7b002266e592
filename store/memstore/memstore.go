// Package memstore keeps rooms in memory: for tests, and for documents that need
// not outlive the process.
package memstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/store"
)

// Store is a store.Store that supports all methods. The zero value is empty and
// ready for use.
type Store struct {
	mu    sync.RWMutex
	rooms map[string]*log
}

var _ store.Store = (*Store)(nil)

// New returns an empty Store.
func New() *Store { return &Store{} }

// log is the log of one room. Its data is never written to.
type log struct {
	store.Log

	last    store.Position // taken last
	first   store.Position // the first position after the last deletion, whether it is taken yet or not
	deleted bool
}

// add appends e, at the next position.
func (l *log) add(e store.Entry) store.Position {
	l.last++
	l.Entries = append(l.Entries, e)
	l.Positions = append(l.Positions, l.last)
	return l.last
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	return s.LoadAfter(ctx, room, 0)
}

// LoadAfter implements store.Store.
func (s *Store) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	if err := ctx.Err(); err != nil {
		return store.Log{}, err
	}
	read, err := s.read(room, after)
	for i := range read.Entries {
		read.Entries[i].Data = slices.Clone(read.Entries[i].Data)
	}
	return read, err
}

// read returns the log of room after a position. The store still owns the data.
func (s *Store) read(room string, after store.Position) (store.Log, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.rooms[room]
	switch {
	case l == nil:
		return store.Log{}, store.ErrNotFound
	case l.deleted, after != 0 && after < l.first:
		return store.Log{}, store.ErrDeleted
	}
	known, found := slices.BinarySearch(l.Positions, after)
	if found {
		known++
	}
	return store.Log{
		Entries:    slices.Clone(l.Entries[known:]),
		Positions:  slices.Clone(l.Positions[known:]),
		Generation: l.Generation,
	}, nil
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	e, err := own(ctx, e)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log(room)
	if l.deleted {
		return 0, store.ErrDeleted
	}
	return l.add(e), nil
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	snapshot, err := own(ctx, snapshot)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var old log
	if l := s.rooms[room]; l != nil {
		old = *l
	}
	switch {
	case old.deleted:
		return store.ErrDeleted
	case old.Generation != read.Generation:
		return store.ErrConflict
	case len(read.Positions) == 0:
		s.log(room).add(snapshot)
		return nil
	}
	at := slices.Max(read.Positions)
	replaced := make(map[store.Position]bool, len(read.Positions))
	for _, p := range read.Positions {
		replaced[p] = true
	}
	compacted, found := store.Log{Generation: old.Generation + 1}, 0
	for i, p := range old.Positions {
		e := old.Entries[i]
		if replaced[p] {
			found++
			if p != at {
				continue
			}
			e = snapshot
		}
		compacted.Entries = append(compacted.Entries, e)
		compacted.Positions = append(compacted.Positions, p)
	}
	if found != len(replaced) {
		return store.ErrConflict
	}
	s.rooms[room].Log = compacted
	return nil
}

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	e, err := own(ctx, e)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.rooms[room]; l != nil && !l.deleted {
		return 0, store.ErrExists
	}
	l := s.log(room)
	l.deleted = false
	return l.add(e), nil
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, room string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.rooms[room]
	switch {
	case l == nil:
		return store.ErrNotFound
	case l.deleted:
		return nil
	}
	*l = log{Log: store.Log{Generation: l.Generation + 1}, last: l.last + 1, first: l.last + 2, deleted: true}
	return nil
}

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if l := s.rooms[prefix]; l != nil && !l.deleted && prefix > after && limit == 1 {
		return []store.Listed{l.listed(prefix)}, nil // no name with this prefix comes before it
	}
	var all []store.Listed
	for name, l := range s.rooms {
		if l.deleted || name <= after || !strings.HasPrefix(name, prefix) {
			continue
		}
		all = append(all, l.listed(name))
	}
	slices.SortFunc(all, func(a, b store.Listed) int { return strings.Compare(a.Room, b.Room) })
	return all[:min(limit, len(all))], nil
}

// listed describes the room with this log.
func (l *log) listed(room string) store.Listed {
	listed := store.Listed{Room: room}
	for _, e := range l.Entries {
		listed.Bytes += len(e.Data)
		if e.At.After(listed.Stored) {
			listed.Stored = e.At
		}
	}
	return listed
}

// log returns the log of room. It creates the log if there is none. s.mu is held.
func (s *Store) log(room string) *log {
	l := s.rooms[room]
	if l == nil {
		l = &log{first: 1}
		if s.rooms == nil {
			s.rooms = make(map[string]*log)
		}
		s.rooms[room] = l
	}
	return l
}

// own returns e in the form that the store keeps: with a copy of the data, and the
// time. The error is that of ctx, or store.ErrInvalid.
func own(ctx context.Context, e store.Entry) (store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return e, err
	}
	if !e.Encoding.Valid() {
		return e, fmt.Errorf("memstore: %w: unknown encoding %d", store.ErrInvalid, e.Encoding)
	}
	e.Data, e.Cut = slices.Clone(e.Data), false
	e.At = time.Now().UTC()
	return e, nil
}
