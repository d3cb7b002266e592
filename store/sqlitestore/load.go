package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/yroom/yroom/store"
)

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	if err := ctx.Err(); err != nil {
		return store.Log{}, err
	}
	if s.config.Durability(room) == store.None { // see what nobody waited for
		if err := s.do(ctx, &request{room: room, level: store.None, kind: flushing}); errors.Is(err, errClosed) || ctx.Err() != nil {
			return store.Log{}, err
		}
	}
	s.using.RLock()
	defer s.using.RUnlock()
	select {
	case <-s.written:
		return store.Log{}, errClosed
	default:
	}
	l, err := load(ctx, s.read, room)
	switch {
	case ctx.Err() != nil:
		return store.Log{}, ctx.Err()
	case err == nil:
		return l, nil
	case refused(err):
		return store.Log{}, err
	case damaged(err): // SQLite has met it, without saying where
		return store.Log{}, corrupt(room, following(ctx, s.read, room, l.Positions), explain(s.path, s.config.LockWait, err))
	case errors.Is(err, store.ErrCorrupt):
		return store.Log{}, err
	}
	return store.Log{}, explain(s.path, s.config.LockWait, err)
}

// load reads in one statement, so that it sees the room at one moment. With an
// error comes what was read before it.
func load(ctx context.Context, db *sql.DB, room string) (l store.Log, err error) {
	rows, err := db.QueryContext(ctx, "SELECT rooms.deleted_at IS NOT NULL, "+
		"entries.position, entries.encoding, entries.checksum, entries.data "+
		"FROM rooms LEFT JOIN entries ON entries.room_id = rooms.id WHERE rooms.name = ? ORDER BY entries.position", room)
	if err != nil {
		return l, err
	}
	defer func() { _ = rows.Close() }() // Err tells of all that matters
	for rows.Next() {
		var deleted bool
		var position, checksum sql.NullInt64
		var encoding sql.NullString
		var data []byte
		switch err := rows.Scan(&deleted, &position, &encoding, &checksum, &data); {
		case err != nil:
			return l, corrupt(room, position.Int64, err)
		case deleted:
			return l, store.ErrDeleted
		case !position.Valid:
			return l, fmt.Errorf("%w: room %q has no entries", store.ErrCorrupt, room)
		}
		e := store.Entry{Data: data}
		switch encoding.String {
		case "v1":
			e.Encoding = store.V1
		case "v2":
			e.Encoding = store.V2
		default:
			return l, corrupt(room, position.Int64, fmt.Errorf("the encoding is %q", encoding.String))
		}
		if int64(sum(encoding.String, data)) != checksum.Int64 {
			return l, corrupt(room, position.Int64, errors.New("the data does not match its checksum"))
		}
		l.Entries = append(l.Entries, e)
		l.Positions = append(l.Positions, store.Position(position.Int64))
	}
	if err := rows.Err(); err != nil {
		return l, err
	}
	if l.Entries == nil {
		return l, store.ErrNotFound
	}
	return l, nil
}

// following is the position after those that could be read, 0 if that can't be
// found out. It is in the index, so the entry itself is not touched.
func following(ctx context.Context, db *sql.DB, room string, read []store.Position) (position int64) {
	last := store.Position(0)
	if len(read) > 0 {
		last = read[len(read)-1]
	}
	row := db.QueryRowContext(ctx, "SELECT coalesce(min(position), 0) FROM entries "+
		"WHERE room_id = (SELECT id FROM rooms WHERE name = ?) AND position > ?", room, int64(last))
	if row.Scan(&position) != nil {
		return 0
	}
	return position
}

func corrupt(room string, position int64, err error) error {
	if position == 0 {
		return fmt.Errorf("%w: room %q: %w", store.ErrCorrupt, room, err)
	}
	return fmt.Errorf("%w: room %q, position %d: %w", store.ErrCorrupt, room, position, err)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is what is stored as the checksum of an entry.
func sum(encoding string, data []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(encoding), castagnoli), castagnoli, data)
}
