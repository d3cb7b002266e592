// Package memstore keeps rooms in memory: for tests, and for documents that
// nobody misses when the process ends.
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

// Store is a store.Store, a store.Creator, a store.Deleter and a store.Lister.
// The zero value is empty and ready for use.
type Store struct {
	mu    sync.RWMutex
	rooms map[string]*log
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Creator = (*Store)(nil)
	_ store.Deleter = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
)

// New makes an empty Store.
func New() *Store { return &Store{} }

// log is what one room holds. Data in it is never written to.
type log struct {
	store.Log

	last    store.Position // that was given out
	stored  time.Time      // when it was given out
	deleted bool
}

func (l *log) add(e store.Entry) store.Position {
	l.last++
	l.stored = time.Now()
	l.Entries = append(l.Entries, e)
	l.Positions = append(l.Positions, l.last)
	return l.last
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	if err := ctx.Err(); err != nil {
		return store.Log{}, err
	}
	read, err := s.read(room)
	for i := range read.Entries {
		read.Entries[i].Data = slices.Clone(read.Entries[i].Data)
	}
	return read, err
}

// read gives room's log, whose data the store still owns.
func (s *Store) read(room string) (store.Log, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.rooms[room]
	switch {
	case l == nil:
		return store.Log{}, store.ErrNotFound
	case l.deleted:
		return store.Log{}, store.ErrDeleted
	}
	return store.Log{Entries: slices.Clone(l.Entries), Positions: slices.Clone(l.Positions)}, nil
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
	gone := make(map[store.Position]bool, len(read.Positions))
	for _, p := range read.Positions {
		gone[p] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var rest store.Log
	found := 0
	if l := s.rooms[room]; l != nil {
		if l.deleted {
			return store.ErrDeleted
		}
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

// Create implements store.Creator.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) error {
	e, err := own(ctx, e)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.rooms[room]; l != nil && !l.deleted {
		return store.ErrExists
	}
	l := s.log(room)
	l.deleted = false
	l.add(e)
	return nil
}

// Delete implements store.Deleter.
func (s *Store) Delete(ctx context.Context, room string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.rooms[room]
	if l == nil {
		return store.ErrNotFound
	}
	l.deleted = true
	l.Log = store.Log{}
	return nil
}

// List implements store.Lister.
func (s *Store) List(ctx context.Context, prefix, after string, most int) ([]store.Listed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []store.Listed
	for name, l := range s.rooms {
		if l.deleted || name <= after || !strings.HasPrefix(name, prefix) {
			continue
		}
		listed := store.Listed{Room: name, Stored: l.stored}
		for _, e := range l.Entries {
			listed.Bytes += len(e.Data)
		}
		all = append(all, listed)
	}
	slices.SortFunc(all, func(a, b store.Listed) int { return strings.Compare(a.Room, b.Room) })
	return all[:min(most, len(all))], nil
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

// own copies what e borrows, unless nothing is to be done with it.
func own(ctx context.Context, e store.Entry) (store.Entry, error) {
	if err := ctx.Err(); err != nil {
		return e, err
	}
	if !e.Encoding.Valid() {
		return e, fmt.Errorf("memstore: an entry has the encoding %d, which is none", e.Encoding)
	}
	e.Data = slices.Clone(e.Data)
	return e, nil
}
