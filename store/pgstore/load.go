package pgstore

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/yroom/yroom/store"
)

// loadSQL reads a room in one statement, so that it sees the state at one moment. Entries
// before the first position belong to a room that was deleted: a Delete leaves an entry
// behind if the room was created, and appended to, after its first statement.
const loadSQL = `
SELECT room.deleted_at IS NOT NULL, room.first_position, room.generation,
  log.position IS NOT NULL
    OR EXISTS (SELECT FROM yroom.entries WHERE room_id = room.id AND position >= room.first_position)
    OR EXISTS (SELECT FROM yroom.snapshots WHERE room_id = room.id AND position >= room.first_position),
  log.position, log.encoding, log.checksum, log.stored_at, log.written_by, log.data
FROM yroom.rooms AS room LEFT JOIN LATERAL (
  SELECT position, encoding, checksum, stored_at, written_by, data
  FROM yroom.snapshots WHERE room_id = room.id AND position > $2 AND position >= room.first_position
  UNION ALL
  SELECT position, encoding, checksum, stored_at, written_by, data
  FROM yroom.entries WHERE room_id = room.id AND position > $2 AND position >= room.first_position
) AS log ON true
WHERE room.name = $1
ORDER BY log.position`

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	return s.LoadAfter(ctx, room, 0)
}

// LoadAfter implements store.Store.
func (s *Store) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	bounded, done, err := s.use(ctx, largeTimeouts*s.config.Timeout)
	if err != nil {
		return store.Log{}, err
	}
	defer done()
	if s.config.Durability(room) == store.DurabilityNone {
		if err := s.queue.FlushRoom(bounded, room); err != nil {
			return store.Log{}, s.failed(ctx, err)
		}
	}
	l, err := s.load(bounded, room, after)
	if err != nil {
		return store.Log{}, s.failed(ctx, err)
	}
	return l, nil
}

func (s *Store) load(ctx context.Context, room string, after store.Position) (l store.Log, err error) {
	rows, err := s.pool.Query(ctx, loadSQL, []byte(room), int64(after))
	if err != nil {
		return l, err
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		found = true
		var deleted, filled bool
		var first, generation int64
		var position, sum *int64
		var encoding *int16
		var at *time.Time
		var by *string
		var data []byte
		switch err := rows.Scan(&deleted, &first, &generation, &filled, &position, &encoding, &sum, &at, &by, &data); {
		case err != nil:
			return l, err
		case deleted, after != 0 && after < store.Position(first):
			return l, store.ErrDeleted
		case !filled:
			return l, fmt.Errorf("%w: room %q has no entries", store.ErrCorrupt, room)
		}
		l.Generation = uint64(generation)
		if position == nil {
			return l, nil
		}
		e := store.Entry{Encoding: store.Encoding(*encoding), Data: data, At: at.UTC(), By: *by}
		if err := fault(e, *sum); err != nil {
			return l, corrupt(room, *position, err)
		}
		l.Entries = append(l.Entries, e)
		l.Positions = append(l.Positions, store.Position(*position))
	}
	if err := rows.Err(); err != nil {
		return l, err
	}
	if !found {
		return l, store.ErrNotFound
	}
	return l, nil
}

// fault returns what is wrong with an entry that was stored with this checksum, or nil.
func fault(e store.Entry, sum int64) error {
	switch {
	case !e.Encoding.Valid():
		return fmt.Errorf("the encoding is %d", e.Encoding)
	case checksum(e) != sum:
		return errors.New("the data does not match its checksum")
	}
	return nil
}

func corrupt(room string, position int64, err error) error {
	return fmt.Errorf("%w: room %q, position %d: %w", store.ErrCorrupt, room, position, err)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns the CRC-32C of an entry's encoding, data and author.
func checksum(e store.Entry) int64 {
	sum := crc32.Checksum([]byte{byte(e.Encoding)}, castagnoli)
	sum = crc32.Update(sum, castagnoli, e.Data)
	return int64(crc32.Update(sum, castagnoli, []byte(e.By)))
}
