package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/yroom/yroom/store"
)

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	return s.LoadAfter(ctx, room, 0)
}

// LoadAfter implements store.Store.
func (s *Store) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	end, err := s.beginRead(ctx, func(ctx context.Context) error {
		if s.config.Durability(room) != store.DurabilityNone {
			return nil
		}
		return s.queue.FlushRoom(ctx, room)
	})
	if err != nil {
		return store.Log{}, err
	}
	defer end()
	l, err := load(ctx, s.read, room, after)
	switch {
	case ctx.Err() != nil:
		return store.Log{}, ctx.Err()
	case err == nil:
		return l, nil
	case isAnswer(err):
		return store.Log{}, err
	case isDamage(err): // SQLite doesn't report the entry
		position := positionAfter(ctx, s.read, room, max(after, l.Last()))
		return store.Log{}, corrupt(room, position, explain(s.path, s.config.LockWait, err))
	case errors.Is(err, store.ErrCorrupt):
		return store.Log{}, err
	}
	return store.Log{}, explain(s.path, s.config.LockWait, err)
}

// beginRead makes Close wait for a read until end is called. It first calls flush, which
// waits until earlier appends are written.
func (s *Store) beginRead(ctx context.Context, flush func(context.Context) error) (end func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := flush(ctx); err != nil {
		return nil, err
	}
	s.reading.RLock()
	select {
	case <-s.written:
		s.reading.RUnlock()
		return nil, store.ErrClosed
	default:
		return s.reading.RUnlock, nil
	}
}

// load reads the room in one statement, so that it sees the state at one moment. If an
// entry can't be read, the log that is returned with the error ends before it.
func load(ctx context.Context, db *sql.DB, room string, after store.Position) (l store.Log, err error) {
	rows, err := db.QueryContext(ctx, "SELECT rooms.deleted_at IS NOT NULL, rooms.first_position, rooms.generation, "+
		"entries.position IS NOT NULL OR EXISTS (SELECT 1 FROM entries WHERE room_id = rooms.id), "+
		"entries.position, entries.encoding, entries.checksum, entries.stored_at, entries.written_by, entries.data "+
		"FROM rooms LEFT JOIN entries ON entries.room_id = rooms.id AND entries.position > ? "+
		"WHERE rooms.name = ? ORDER BY entries.position", int64(after), room)
	if err != nil {
		return l, err
	}
	defer func() { _ = rows.Close() }() // Err returns all that matters
	found := false
	for rows.Next() {
		found = true
		var deleted, filled bool
		var first store.Position
		var position, sum sql.NullInt64
		var encoding, storedAt, writtenBy sql.NullString
		var data []byte
		switch err := rows.Scan(&deleted, &first, &l.Generation, &filled,
			&position, &encoding, &sum, &storedAt, &writtenBy, &data); {
		case err != nil:
			return l, corrupt(room, position.Int64, err)
		case deleted, after != 0 && after < first:
			return l, store.ErrDeleted
		case !filled:
			return l, fmt.Errorf("%w: room %q has no entries", store.ErrCorrupt, room)
		case !position.Valid:
			return l, nil
		}
		e := store.Entry{Data: data, By: writtenBy.String}
		switch encoding.String {
		case "v1":
			e.Encoding = store.V1
		case "v2":
			e.Encoding = store.V2
		default:
			return l, corrupt(room, position.Int64, fmt.Errorf("the encoding is %q", encoding.String))
		}
		if checksum(encoding.String, data, e.By) != sum.Int64 {
			return l, corrupt(room, position.Int64, errors.New("the data does not match its checksum"))
		}
		if e.At, err = time.Parse(timeLayout, storedAt.String); err != nil {
			return l, corrupt(room, position.Int64, err)
		}
		l.Entries = append(l.Entries, e)
		l.Positions = append(l.Positions, store.Position(position.Int64))
	}
	if err := rows.Err(); err != nil {
		return l, err
	}
	if !found {
		return l, store.ErrNotFound
	}
	return l, nil
}

// positionAfter returns the position of the entry after the given one, or 0 if
// there is none or an error. It reads the index alone, not the entry.
func positionAfter(ctx context.Context, db *sql.DB, room string, after store.Position) (position int64) {
	row := db.QueryRowContext(ctx, "SELECT coalesce(min(position), 0) FROM entries "+
		"WHERE room_id = (SELECT id FROM rooms WHERE name = ?) AND position > ?", room, int64(after))
	if row.Scan(&position) != nil {
		return 0
	}
	return position
}

// corrupt returns a store.ErrCorrupt for the entry at a position, or for the room
// if that is 0.
func corrupt(room string, position int64, err error) error {
	if position == 0 {
		return fmt.Errorf("%w: room %q: %w", store.ErrCorrupt, room, err)
	}
	return fmt.Errorf("%w: room %q, position %d: %w", store.ErrCorrupt, room, position, err)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C of an entry's encoding, data and author.
func checksum(encoding string, data []byte, by string) int64 {
	sum := crc32.Checksum([]byte(encoding), castagnoli)
	sum = crc32.Update(sum, castagnoli, data)
	return int64(crc32.Update(sum, castagnoli, []byte(by)))
}
