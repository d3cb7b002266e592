// Package memstore keeps rooms in memory: for tests, and for documents that
// nobody misses when the process ends.
package memstore

import (
	"context"
	"slices"
	"sync"

	"github.com/yroom/yroom/store"
)

// Store is a store.Store. The zero value is empty and ready for use.
type Store struct {
	mu    sync.RWMutex
	rooms map[string]*log
}

var _ store.Store = (*Store)(nil)

// New makes an empty Store.
func New() *Store { return &Store{} }

// log is what one room holds. Data in it is never written to.
type log struct {
	store.Log

	last store.Position // that was given out
}

func (l *log) add(e store.Entry) store.Position {
	l.last++
	l.Entries = append(l.Entries, e)
	l.Positions = append(l.Positions, l.last)
	return l.last
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	if err := ctx.Err(); err != nil {
		return store.Log{}, err
	}
	s.mu.RLock()
	l := s.rooms[room]
	if l == nil {
		s.mu.RUnlock()
		return store.Log{}, store.ErrNotFound
	}
	read := store.Log{Entries: slices.Clone(l.Entries), Positions: slices.Clone(l.Positions)}
	s.mu.RUnlock()
	for i := range read.Entries {
		read.Entries[i] = own(read.Entries[i])
	}
	return read, nil
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	e = own(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log(room).add(e), nil
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	snapshot = own(snapshot)
	gone := make(map[store.Position]bool, len(read.Positions))
	for _, p := range read.Positions {
		gone[p] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var rest store.Log
	found := 0
	if l := s.rooms[room]; l != nil {
		for i, p := range l.Positions {
			if gone[p] {
				found++
				continue
			}
			rest.Entries = append(rest.Entries, l.Entries[i])
			rest.Positions = append(rest.Positions, p)
		}
	}
	if found != len(gone) {
		return store.ErrConflict
	}
	l := s.log(room)
	l.Log = rest
	l.add(snapshot)
	return nil
}

// log gives the log of room and makes it where there is none. s.mu is held.
func (s *Store) log(room string) *log {
	l := s.rooms[room]
	if l == nil {
		l = &log{}
		if s.rooms == nil {
			s.rooms = make(map[string]*log)
		}
		s.rooms[room] = l
	}
	return l
}

// own copies what e borrows.
func own(e store.Entry) store.Entry {
	e.Data = slices.Clone(e.Data)
	return e
}
