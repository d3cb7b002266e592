package djangostore

import (
	"context"
	"errors"

	"github.com/yroom/yroom/store"
)

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	p, err := s.log.Append(ctx, room, e)
	if !errors.Is(err, store.ErrDeleted) { // after another error, it may be stored
		s.changed(room)
	}
	return p, err
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	err := s.log.Compact(ctx, room, read, snapshot)
	if err == nil {
		s.changed(room)
	}
	return err
}

// Create implements store.Store. A room exists if it has a row.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	r, err := s.table.get(ctx, room)
	if err != nil {
		return 0, err
	}
	if r.exists() {
		if _, err := s.Load(ctx, room); err == nil || !errors.Is(err, store.ErrDeleted) {
			if err == nil {
				err = store.ErrExists
			}
			return 0, err
		}
	}
	p, err := s.log.Create(ctx, room, e)
	if err == nil {
		s.changed(room)
	}
	return p, err
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, room string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	r, err := s.table.get(ctx, room)
	if err != nil {
		return err
	}
	if r.exists() {
		// If the process crashes between the two deletions, the room is still in the log, so it was not deleted.
		if err := s.table.remove(ctx, room); err != nil {
			return err
		}
	}
	err = s.log.Delete(ctx, room)
	if errors.Is(err, store.ErrNotFound) && r.exists() {
		if _, err = s.log.Append(ctx, room, store.Entry{Encoding: encoding(r.data), Data: r.data}); err == nil {
			err = s.log.Delete(ctx, room)
		}
	}
	if err == nil {
		s.unsaved.forget(room)
	} else if r.exists() {
		s.changed(room)
	}
	return err
}
