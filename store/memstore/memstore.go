// Package memstore keeps rooms in memory: for tests, and for documents that need
// not outlive the process. Entries of 4 KiB or more are kept compressed.
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

// log is the log of one room.
type log struct {
	entries    []packed
	positions  []store.Position // of the entries
	generation uint64

	last    store.Position // taken last
	first   store.Position // the first position after the last deletion, whether it is taken yet or not
	deleted bool
}

// add appends e, at the next position.
func (l *log) add(e packed) store.Position {
	l.last++
	l.entries = append(l.entries, e)
	l.positions = append(l.positions, l.last)
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
	entries, read, err := s.read(room, after)
	if err != nil {
		return store.Log{}, err
	}
	read.Entries = make([]store.Entry, len(entries))
	for i := range entries {
		read.Entries[i] = entries[i].unpack()
	}
	return read, nil
}

// read returns the log of room after a position. The entries are returned packed, and
// read.Entries is nil.
func (s *Store) read(room string, after store.Position) (entries []packed, read store.Log, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	l := s.rooms[room]
	switch {
	case l == nil:
		return nil, store.Log{}, store.ErrNotFound
	case l.deleted, after != 0 && after < l.first:
		return nil, store.Log{}, store.ErrDeleted
	}
	known, found := slices.BinarySearch(l.positions, after)
	if found {
		known++
	}
	return slices.Clone(l.entries[known:]), store.Log{Positions: slices.Clone(l.positions[known:]), Generation: l.generation}, nil
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	owned, err := own(ctx, e)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.log(room)
	if l.deleted {
		return 0, store.ErrDeleted
	}
	return l.add(owned), nil
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	owned, err := own(ctx, snapshot)
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
	case old.generation != read.Generation:
		return store.ErrConflict
	case len(read.Positions) == 0:
		s.log(room).add(owned)
		return nil
	}
	at := slices.Max(read.Positions)
	replaced := make(map[store.Position]bool, len(read.Positions))
	for _, p := range read.Positions {
		replaced[p] = true
	}
	compacted, found := old, 0
	compacted.entries, compacted.positions = nil, nil
	compacted.generation++
	for i, p := range old.positions {
		e := old.entries[i]
		if replaced[p] {
			found++
			if p != at {
				continue
			}
			e = owned
		}
		compacted.entries = append(compacted.entries, e)
		compacted.positions = append(compacted.positions, p)
	}
	if found != len(replaced) {
		return store.ErrConflict
	}
	*s.rooms[room] = compacted
	return nil
}

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	owned, err := own(ctx, e)
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
	return l.add(owned), nil
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
	*l = log{generation: l.generation + 1, last: l.last + 1, first: l.last + 2, deleted: true}
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
	for _, e := range l.entries {
		listed.Bytes += e.size
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

// own returns e as the store keeps it: with a copy of the data, and the time. The error is that
// of ctx, or store.ErrInvalid.
func own(ctx context.Context, e store.Entry) (packed, error) {
	if err := ctx.Err(); err != nil {
		return packed{}, err
	}
	if !e.Encoding.Valid() {
		return packed{}, fmt.Errorf("memstore: %w: unknown encoding %d", store.ErrInvalid, e.Encoding)
	}
	e.Cut, e.At = false, time.Now().UTC()
	return pack(e), nil
}
