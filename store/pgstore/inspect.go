package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/yroom/yroom/store"
)

// Inspection reads the schema yroom of a database and never changes it: it also returns
// what Load refuses to return. Servers may use the database meanwhile. Each call sees it as
// it is at one moment.
type Inspection struct {
	name string // of the database, for errors
	pool *pgxpool.Pool
}

// Inspect connects to the database at url, which is as in Open. It must be closed.
func Inspect(ctx context.Context, url string) (*Inspection, error) {
	settings, err := parse(url)
	if err != nil {
		return nil, err
	}
	settings.MaxConns, settings.MinConns, settings.MinIdleConns = 1, 0, 0
	i := &Inspection{name: databaseName(settings.ConnConfig)}
	if i.pool, err = pgxpool.NewWithConfig(ctx, settings); err != nil {
		return nil, explain(i.name, err)
	}
	return i, nil
}

// Close closes the connection. It returns nil.
func (i *Inspection) Close() error {
	i.pool.Close()
	return nil
}

// Overview reads the version of the schema, and counts rooms and stray entries. The version
// is 0 if there is no schema.
func (i *Inspection) Overview(ctx context.Context) (store.Overview, error) {
	o := store.Overview{Knows: len(migrations)}
	version, err := storedVersion(ctx, i.pool)
	if err != nil {
		return o, failed(ctx, i.name, err)
	}
	if o.Schema = version; version != o.Knows {
		return o, nil
	}
	err = i.view(ctx, statement{sql: `
SELECT (SELECT count(*) FROM yroom.rooms WHERE deleted_at IS NULL),
  (SELECT count(*) FROM yroom.entries WHERE NOT EXISTS (SELECT FROM yroom.rooms WHERE id = room_id))
  + (SELECT count(*) FROM yroom.snapshots WHERE NOT EXISTS (SELECT FROM yroom.rooms WHERE id = room_id))`, scan: scanned(&o.Rooms, &o.Strays)})
	return o, err
}

// Rooms returns the ids of at most limit rooms, deleted ones among them, in ascending
// order: the first of those that are larger than after.
func (i *Inspection) Rooms(ctx context.Context, after int64, limit int) (ids []int64, err error) {
	err = i.view(ctx, statement{
		sql:  "SELECT id FROM yroom.rooms WHERE id > $1 ORDER BY id LIMIT $2",
		args: []any{after, limit},
		scan: func(rows pgx.Rows) (err error) {
			ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		},
	})
	return ids, err
}

// Find returns the id of a room. The error is store.ErrNotFound if there is none.
func (i *Inspection) Find(ctx context.Context, room string) (id int64, err error) {
	err = i.view(ctx, statement{sql: "SELECT id FROM yroom.rooms WHERE name = $1", args: []any{[]byte(room)}, scan: scanned(&id)})
	if err == nil && id == 0 {
		err = store.ErrNotFound
	}
	return id, err
}

// inspectSQL reads the entries of the room $1 if their data has at most $2 bytes.
const inspectSQL = `
WITH log AS (
  SELECT position, encoding, checksum, stored_at, written_by, data, true AS snapshot FROM yroom.snapshots WHERE room_id = $1
  UNION ALL
  SELECT position, encoding, checksum, stored_at, written_by, data, false FROM yroom.entries WHERE room_id = $1
)
SELECT position, encoding, checksum, stored_at, written_by, data, snapshot
FROM log WHERE (SELECT coalesce(sum(octet_length(data)), 0) FROM log) <= $2 ORDER BY position`

// Read reads a room, and its entries if their data has at most so many bytes. If a part
// can't be read, it returns what it has read with an error that wraps store.ErrCorrupt.
func (i *Inspection) Read(ctx context.Context, id int64, most int) (room store.Inspected, err error) {
	var name []byte
	err = i.view(ctx, statement{
		sql: `
SELECT name, deleted_at IS NOT NULL, first_position, next_position, count(log.bytes), coalesce(sum(log.bytes), 0)
FROM yroom.rooms LEFT JOIN (
  SELECT octet_length(data) AS bytes, room_id FROM yroom.snapshots WHERE room_id = $1
  UNION ALL
  SELECT octet_length(data), room_id FROM yroom.entries WHERE room_id = $1
) AS log ON log.room_id = id
WHERE id = $1 GROUP BY id`,
		args: []any{id},
		scan: scanned(&name, &room.Deleted, &room.First, &room.Next, &room.Count, &room.Bytes),
	}, statement{
		sql:  inspectSQL,
		args: []any{id, most},
		scan: func(rows pgx.Rows) error {
			for rows.Next() {
				var e store.InspectedEntry
				var encoding int16
				var sum int64
				if err := rows.Scan(&e.Position, &encoding, &sum, &e.At, &e.By, &e.Data, &e.Snapshot); err != nil {
					return err
				}
				e.Encoding, e.At = store.Encoding(encoding), e.At.UTC()
				e.Fault = fault(e.Entry, sum)
				room.Entries = append(room.Entries, e)
			}
			return rows.Err()
		},
	})
	if room.Room = string(name); err == nil && name == nil {
		err = store.ErrNotFound
	}
	return room, err
}

// inspectTimeout bounds a call, which may read a large room.
const inspectTimeout = 5 * time.Minute

// view runs statements that see the database as it is at one moment.
func (i *Inspection) view(ctx context.Context, statements ...statement) error {
	bounded, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	var batch pgx.Batch
	batch.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	for _, st := range statements {
		batch.Queue(st.sql, st.args...).Query(st.scan)
	}
	batch.Queue("COMMIT")
	if err := i.pool.SendBatch(bounded, &batch).Close(); err != nil {
		return failed(ctx, i.name, err)
	}
	return nil
}
