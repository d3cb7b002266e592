package sqlitestore

import (
	"context"
	"errors"
	"time"

	"github.com/yroom/yroom/store"
)

// List implements store.Lister.
func (s *Store) List(ctx context.Context, prefix, after string, most int) ([]store.Listed, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// See what nobody waited for.
	if err := s.do(ctx, &request{level: store.None, kind: flushing}); errors.Is(err, errClosed) || ctx.Err() != nil {
		return nil, err
	}
	s.using.RLock()
	defer s.using.RUnlock()
	select {
	case <-s.written:
		return nil, errClosed
	default:
	}
	all, err := s.list(ctx, prefix, after, most)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, explain(s.path, s.config.LockWait, err)
	}
	return all, nil
}

// list reads as many names of the index as it gives, and no data.
func (s *Store) list(ctx context.Context, prefix, after string, most int) ([]store.Listed, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT rooms.name, "+
		"(SELECT coalesce(sum(length(data)), 0) FROM entries WHERE room_id = rooms.id), "+
		"(SELECT coalesce(max(stored_at), rooms.created_at) FROM entries WHERE room_id = rooms.id) "+
		"FROM rooms WHERE name > ? AND name >= ? AND name < ? AND deleted_at IS NULL ORDER BY name LIMIT ?",
		after, prefix, prefix+"\xff", most) // names are UTF-8, which has no such byte
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err tells of all that matters
	var all []store.Listed
	for rows.Next() {
		var l store.Listed
		var stored string
		if err := rows.Scan(&l.Room, &l.Bytes, &stored); err != nil {
			return nil, err
		}
		if l.Stored, err = time.Parse(timeLayout, stored); err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, rows.Err()
}
