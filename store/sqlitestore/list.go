package sqlitestore

import (
	"context"
	"time"

	"github.com/yroom/yroom/store"
)

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	end, err := s.beginRead(ctx, func(ctx context.Context) error {
		if !s.unawaited.Any() {
			return nil
		}
		return s.queue.Flush(ctx)
	})
	if err != nil {
		return nil, err
	}
	defer end()
	all, err := s.list(ctx, prefix, after, limit)
	if err := s.readFault(ctx, err); err != nil {
		return nil, err
	}
	return all, nil
}

// listSQL reads only the names that it returns from the index, and no data.
const listSQL = `
SELECT name,
  (SELECT coalesce(sum(length(data)), 0) FROM snapshots WHERE room_id = rooms.id)
    + (SELECT coalesce(sum(length(data)), 0) FROM updates WHERE room_id = rooms.id),
  (SELECT coalesce(max(stored_at), rooms.created_at) FROM (
    SELECT stored_at FROM snapshots WHERE room_id = rooms.id UNION ALL SELECT stored_at FROM updates WHERE room_id = rooms.id
  ))
FROM rooms
WHERE name > ? AND name >= ? AND name < ? AND deleted_at IS NULL
ORDER BY name
LIMIT ?`

func (s *Store) list(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	rows, err := s.reads.list.QueryContext(ctx, after, prefix, prefix+"\xff", limit) // names are UTF-8, which never has the byte 0xff
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err returns all that matters
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
