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
	l, err := load(ctx, s.reads.load, room, after)
	switch {
	case ctx.Err() != nil:
		return store.Log{}, ctx.Err()
	case err == nil:
		return l, nil
	case isAnswer(err):
		return store.Log{}, err
	case isDamage(err): // SQLite doesn't report the entry
		return store.Log{}, fmt.Errorf("%w: room %q, after position %d: %w", store.ErrCorrupt, room, max(after, l.Last()),
			explain(s.path, s.config.LockWait, err))
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

// readFault returns what a read that has ended with err returns: nil if there is no error, and
// ctx has not ended.
func (s *Store) readFault(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return explain(s.path, s.config.LockWait, err)
	}
	return nil
}

// loadSQL reads a room in one statement, so that it sees the state at one moment. The first
// row is that of the room. SQLite merges the parts, without sorting them.
const loadSQL = `
SELECT 0 AS position, NULL, NULL, NULL, NULL, NULL, deleted_at IS NOT NULL, first_position, generation,
  EXISTS (SELECT 1 FROM snapshots WHERE room_id = rooms.id) OR EXISTS (SELECT 1 FROM updates WHERE room_id = rooms.id)
FROM rooms WHERE name = ?1
UNION ALL
SELECT position, encoding, checksum, stored_at, written_by, data, NULL, NULL, NULL, NULL
FROM snapshots WHERE room_id = (SELECT id FROM rooms WHERE name = ?1) AND position > ?2
UNION ALL
SELECT position, encoding, checksum, stored_at, written_by, data, NULL, NULL, NULL, NULL
FROM updates WHERE room_id = (SELECT id FROM rooms WHERE name = ?1) AND position > ?2
ORDER BY position`

// load reads a room. If an entry can't be read, the log that is returned with the error ends
// before it.
func load(ctx context.Context, stmt *sql.Stmt, room string, after store.Position) (l store.Log, err error) {
	rows, err := stmt.QueryContext(ctx, room, int64(after))
	if err != nil {
		return l, err
	}
	defer func() { _ = rows.Close() }() // Err returns all that matters
	found := false
	for rows.Next() {
		var position int64
		var encoding, storedAt, writtenBy sql.NullString
		var data blob
		var sum, first, generation sql.NullInt64
		var deleted, filled sql.NullBool
		switch err := rows.Scan(&position, &encoding, &sum, &storedAt, &writtenBy, &data, &deleted, &first, &generation, &filled); {
		case err != nil:
			return l, corrupt(room, position, err)
		case found:
			e, err := entry(encoding.String, sum.Int64, storedAt.String, writtenBy.String, data)
			if err != nil {
				return l, corrupt(room, position, err)
			}
			l.Entries = append(l.Entries, e)
			l.Positions = append(l.Positions, store.Position(position))
		case deleted.Bool, after != 0 && int64(after) < first.Int64:
			return l, store.ErrDeleted
		case !filled.Bool:
			return l, fmt.Errorf("%w: room %q has no entries", store.ErrCorrupt, room)
		default:
			found, l.Generation = true, uint64(generation.Int64)
		}
	}
	if err := rows.Err(); err != nil {
		return l, err
	}
	if !found {
		return l, store.ErrNotFound
	}
	return l, nil
}

// blob receives bytes without copying them, because the driver allocates them for each row.
type blob []byte

// Scan implements sql.Scanner.
func (b *blob) Scan(value any) (err error) {
	switch value := value.(type) {
	case nil:
		*b = nil
	case []byte:
		*b = value
	default:
		err = fmt.Errorf("%T in place of bytes", value)
	}
	return err
}

// entry checks a stored entry.
func entry(encoding string, sum int64, storedAt, writtenBy string, data []byte) (store.Entry, error) {
	e := store.Entry{Data: data, By: writtenBy}
	switch encoding {
	case "v1":
		e.Encoding = store.V1
	case "v2":
		e.Encoding = store.V2
	default:
		return e, fmt.Errorf("the encoding is %q", encoding)
	}
	if checksum(encoding, data, e.By) != sum {
		return e, errors.New("the data does not match its checksum")
	}
	var err error
	e.At, err = time.Parse(timeLayout, storedAt)
	return e, err
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
