package pgstore

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/internal/group"
)

// change runs statements in a transaction of their own, after the appends to the room
// that were queued before. Appends that follow wait in the queue, where they delay no
// other room.
func (s *Store) change(ctx context.Context, room string, what group.Change, timeout time.Duration, result func() error, statements ...statement) error {
	bounded, done, err := s.use(ctx, timeout)
	if err != nil {
		return err
	}
	defer done()
	release, err := s.queue.Hold(bounded, room)
	if err != nil {
		return s.failed(ctx, err)
	}
	defer release()
	level := s.config.Durability(room)
	if err = transact(bounded, s.pool, level, limits{timeout, lockTimeout(s.config)}, statements...); err == nil {
		err = result()
	}
	if level == store.DurabilityNone {
		s.unawaited.Learn(room, what, true, err)
	}
	if err != nil {
		return s.failed(ctx, err)
	}
	return nil
}

// scanned returns a scan func for a statement that returns at most one row.
func scanned(into ...any) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		if rows.Next() {
			return rows.Scan(into...)
		}
		return nil
	}
}

// lock makes the statements after it see all that was committed to the room.
func lock(room string) statement {
	return statement{sql: "SELECT FROM yroom.rooms WHERE name = $1 FOR UPDATE", args: []any{[]byte(room)}}
}

const createSQL = `
WITH room AS (
  INSERT INTO yroom.rooms AS r (name, next_position) VALUES ($1, 2)
  ON CONFLICT (name) DO UPDATE SET next_position = r.next_position + 1, created_at = clock_timestamp(), deleted_at = NULL
  WHERE r.deleted_at IS NOT NULL
  RETURNING id, next_position - 1 AS position
), added AS (
  SELECT webhook, $1::bytea AS name, kind, position FROM room CROSS JOIN unnest($6::text[], $7::text[]) AS told (webhook, kind)
)` + notedSQL + `
INSERT INTO yroom.entries (room_id, position, encoding, data, checksum, written_by, stored_at)
SELECT id, position, $2, $3, $4, $5, clock_timestamp() FROM room
RETURNING position`

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	if err := check(e); err != nil {
		return 0, err
	}
	var position int64
	webhooks, kinds := wanting(s.config.Webhooks, room, store.NoticeCreated, store.NoticeChanged)
	err := s.change(ctx, room, group.Created, largeTimeouts*s.config.Timeout, func() error {
		if position == 0 {
			return store.ErrExists
		}
		return nil
	}, statement{
		sql:  createSQL,
		args: append(append([]any{[]byte(room)}, columns(e)...), webhooks, kinds),
		scan: scanned(&position),
	})
	return store.Position(position), err
}

// columns returns the arguments for an entry: its encoding, data, checksum and author.
func columns(e store.Entry) []any {
	if e.Data == nil { // NULL
		e.Data = []byte{}
	}
	return []any{int16(e.Encoding), e.Data, checksum(e), e.By}
}

const deleteSQL = `
WITH room AS (
  UPDATE yroom.rooms SET deleted_at = clock_timestamp(), first_position = next_position + 1, next_position = next_position + 1, generation = generation + 1
  WHERE name = $1 AND deleted_at IS NULL
  RETURNING id, next_position - 1 AS position
), turned AS (
  UPDATE yroom.notices AS n SET kind = 'deleted', position = room.position, revision = revision + 1, last_at = clock_timestamp()
  FROM room WHERE n.room = $1 AND webhook = ANY ($2) AND kind = 'changed' AND NOT given_up
  RETURNING webhook
), noted AS (
  INSERT INTO yroom.notices (webhook, room, kind, position)
  SELECT webhook, $1, 'deleted', position FROM room CROSS JOIN unnest($3::text[]) AS webhook
  WHERE webhook NOT IN (SELECT webhook FROM turned)
), entries AS (
  DELETE FROM yroom.entries USING room WHERE room_id = room.id
), snapshots AS (
  DELETE FROM yroom.snapshots USING room WHERE room_id = room.id
)
SELECT EXISTS (SELECT FROM yroom.rooms WHERE name = $1)`

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, room string) error {
	var exists bool
	changed, deleted := s.config.Webhooks.Of(room, store.NoticeChanged), s.config.Webhooks.Of(room, store.NoticeDeleted)
	return s.change(ctx, room, group.Deleted, s.config.Timeout, func() error {
		if !exists {
			return store.ErrNotFound
		}
		return nil
	}, lock(room), statement{sql: deleteSQL, args: []any{[]byte(room), changed, deleted}, scan: scanned(&exists)})
}

// compactSQL replaces the entries at the positions $3, the newest of which is $4, if the
// generation of the room is $2 and all of them exist.
const compactSQL = `
WITH room AS (
  SELECT id, generation, deleted_at IS NOT NULL AS deleted FROM yroom.rooms WHERE name = $1
), compacted AS (
  SELECT id FROM room
  WHERE NOT deleted AND generation = $2 AND cardinality($3::bigint[]) = (
    SELECT count(*) FROM (
      SELECT FROM yroom.entries WHERE room_id = id AND position = ANY ($3)
      UNION ALL
      SELECT FROM yroom.snapshots WHERE room_id = id AND position = ANY ($3)
    ) AS replaced
  )
), next AS (
  UPDATE yroom.rooms AS r SET generation = r.generation + 1 FROM compacted WHERE r.id = compacted.id
), entries AS (
  DELETE FROM yroom.entries USING compacted WHERE room_id = id AND position = ANY ($3)
), snapshots AS (
  DELETE FROM yroom.snapshots USING compacted WHERE room_id = id AND position = ANY ($3) AND position <> $4
), stored AS (
  INSERT INTO yroom.snapshots (room_id, position, encoding, data, checksum, written_by, stored_at)
  SELECT id, $4, $5, $6, $7, $8, clock_timestamp() FROM compacted
  ON CONFLICT (room_id, position) DO UPDATE SET encoding = excluded.encoding, data = excluded.data,
    checksum = excluded.checksum, written_by = excluded.written_by, stored_at = excluded.stored_at
), added AS (
  SELECT webhook, $1::bytea AS name, 'changed' AS kind, $4::bigint AS position FROM compacted CROSS JOIN unnest($9::text[]) AS webhook
)` + notedSQL + `
SELECT (SELECT count(*) FROM compacted), (SELECT deleted FROM room)`

// addSnapshotSQL adds a snapshot that replaces nothing, if the generation of the room is
// $2. A room that was never written to has generation 0.
const addSnapshotSQL = `
WITH room AS (
  SELECT generation, deleted_at IS NOT NULL AS deleted FROM yroom.rooms WHERE name = $1
), grown AS (
  INSERT INTO yroom.rooms AS r (name, next_position)
  SELECT $1, 2 WHERE $2 = coalesce((SELECT generation FROM room), 0)
  ON CONFLICT (name) DO UPDATE SET next_position = r.next_position + 1
  WHERE r.deleted_at IS NULL AND r.generation = $2
  RETURNING id, next_position - 1 AS position
), stored AS (
  INSERT INTO yroom.snapshots (room_id, position, encoding, data, checksum, written_by, stored_at)
  SELECT id, position, $3, $4, $5, $6, clock_timestamp() FROM grown
), added AS (
  SELECT webhook, $1::bytea AS name, kind, position FROM grown CROSS JOIN unnest($7::text[], $8::text[]) AS told (webhook, kind)
  WHERE kind = 'changed' OR NOT EXISTS (SELECT FROM room)
)` + notedSQL + `
SELECT (SELECT count(*) FROM grown), (SELECT deleted FROM room)`

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	if err := check(snapshot); err != nil {
		return err
	}
	positions := make([]int64, len(read.Positions))
	for i, p := range read.Positions {
		positions[i] = int64(p)
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)

	var done int64
	var deleted *bool // nil: there is no such room
	st := statement{args: []any{[]byte(room), int64(read.Generation)}, scan: scanned(&done, &deleted)}
	if len(positions) == 0 {
		webhooks, kinds := wanting(s.config.Webhooks, room, store.NoticeCreated, store.NoticeChanged)
		st.sql, st.args = addSnapshotSQL, append(append(st.args, columns(snapshot)...), webhooks, kinds)
	} else {
		var webhooks []string // that are told
		if snapshot.Cut {
			webhooks = s.config.Webhooks.Of(room, store.NoticeChanged)
		}
		st.args = append(st.args, positions, positions[len(positions)-1])
		st.sql, st.args = compactSQL, append(append(st.args, columns(snapshot)...), webhooks)
	}
	return s.change(ctx, room, group.Changed, largeTimeouts*s.config.Timeout, func() error {
		switch {
		case deleted != nil && *deleted:
			return store.ErrDeleted
		case done == 0:
			return store.ErrConflict
		}
		return nil
	}, lock(room), st)
}
