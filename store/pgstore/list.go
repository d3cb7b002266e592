package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/store"
)

// listSQL reads only the names that it returns from the index, and no data. It counts the
// entries that loadSQL returns.
const listSQL = `
SELECT room.name, log.bytes, coalesce(log.stored_at, room.created_at)
FROM (
  SELECT id, name, created_at, first_position FROM yroom.rooms
  WHERE name > $1 AND name >= $2 AND name < $3 AND deleted_at IS NULL
  ORDER BY name LIMIT $4
) AS room CROSS JOIN LATERAL (
  SELECT coalesce(sum(bytes), 0)::bigint AS bytes, max(stored_at) AS stored_at FROM (
    SELECT octet_length(data) AS bytes, stored_at FROM yroom.snapshots WHERE room_id = room.id AND position >= room.first_position
    UNION ALL
    SELECT octet_length(data), stored_at FROM yroom.entries WHERE room_id = room.id AND position >= room.first_position
  ) AS entry
) AS log
ORDER BY room.name`

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	bounded, done, err := s.use(ctx, s.config.Timeout)
	if err != nil {
		return nil, err
	}
	defer done()
	if s.unawaited.Any() {
		if err := s.queue.Flush(bounded); err != nil {
			return nil, s.failed(ctx, err)
		}
	}
	rows, err := s.pool.Query(bounded, listSQL, []byte(after), []byte(prefix),
		append([]byte(prefix), 0xff), max(limit, 0)) // names are UTF-8, which never has the byte 0xff
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l store.Listed, err error) {
		var name []byte
		err = row.Scan(&name, &l.Bytes, &l.Stored)
		l.Room, l.Stored = string(name), l.Stored.UTC()
		return l, err
	})
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return all, nil
}
