package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/yroom/yroom/store"
)

// Inspection reads a file and never changes it: it also returns what Load refuses to
// return. Servers may use the file meanwhile. Each call sees it as it is at one moment,
// and keeps nothing locked afterwards.
type Inspection struct {
	path string
	db   *sql.DB
}

// Inspect opens the file at path. It must be closed.
func Inspect(path string) (*Inspection, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	db, err := openDB(path, defaultLockWait, readOnly)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &Inspection{path, db}, nil
}

// Close closes the file.
func (i *Inspection) Close() error { return i.db.Close() }

// Overview reads the version of the schema, and counts rooms and stray entries. The error
// says why the file can't be a store of rooms.
func (i *Inspection) Overview(ctx context.Context) (store.Overview, error) {
	o := store.Overview{Knows: len(migrations)}
	err := i.view(ctx, func(conn *sql.Conn) (err error) {
		if o.Schema, err = storedVersion(ctx, conn); err != nil || o.Schema != o.Knows {
			return err
		}
		return conn.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM rooms WHERE deleted_at IS NULL), "+
			"(SELECT count(*) FROM entries WHERE room_id NOT IN (SELECT id FROM rooms))").Scan(&o.Rooms, &o.Strays)
	})
	return o, err
}

// mostFaults is how many faults Check returns.
const mostFaults = 20

// Check lets SQLite examine the structure of the whole file, and returns what it finds
// wrong, such as damaged pages and indexes that lack rows.
func (i *Inspection) Check(ctx context.Context) (faults []string, err error) {
	err = i.view(ctx, func(conn *sql.Conn) error {
		return eachRow(ctx, conn, func(rows *sql.Rows) error {
			var fault string
			err := rows.Scan(&fault)
			if err == nil && fault != "ok" {
				faults = append(faults, fault)
			}
			return err
		}, fmt.Sprintf("PRAGMA integrity_check(%d)", mostFaults))
	})
	return faults, err
}

// Rooms returns the ids of at most limit rooms, deleted ones among them, in ascending
// order: the first of those that are larger than after.
func (i *Inspection) Rooms(ctx context.Context, after int64, limit int) (ids []int64, err error) {
	err = i.view(ctx, func(conn *sql.Conn) error {
		return eachRow(ctx, conn, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			if err == nil {
				ids = append(ids, id)
			}
			return err
		}, "SELECT id FROM rooms NOT INDEXED WHERE id > ? ORDER BY id LIMIT ?", after, limit)
	})
	return ids, err
}

// Find returns the id of a room. The error is store.ErrNotFound if there is none.
func (i *Inspection) Find(ctx context.Context, room string) (id int64, err error) {
	err = i.view(ctx, func(conn *sql.Conn) error {
		err := conn.QueryRowContext(ctx, "SELECT id FROM rooms WHERE name = ?", room).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		}
		return err
	})
	return id, err
}

// Read reads a room, and its entries if their data has at most so many bytes. If a part
// can't be read, it returns what it has read with an error that wraps store.ErrCorrupt.
func (i *Inspection) Read(ctx context.Context, id int64, most int) (room store.Inspected, err error) {
	err = i.view(ctx, func(conn *sql.Conn) error {
		if err := conn.QueryRowContext(ctx, "SELECT name, deleted_at IS NOT NULL, first_position FROM rooms WHERE id = ?", id).
			Scan(&room.Room, &room.Deleted, &room.First); err != nil {
			return err
		}
		for _, table := range tables {
			var n, bytes int
			if err := conn.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(length(data)), 0) FROM "+table+" WHERE room_id = ?", id).
				Scan(&n, &bytes); err != nil {
				return err
			}
			room.Count, room.Bytes = room.Count+n, room.Bytes+bytes
		}
		if room.Bytes > most {
			return nil
		}
		var errs []error // a table can be read if the other one is damaged
		for _, table := range tables {
			errs = append(errs, readEntries(ctx, conn, table, id, &room.Entries))
		}
		slices.SortFunc(room.Entries, func(a, b store.InspectedEntry) int { return cmp.Compare(a.Position, b.Position) })
		return errors.Join(errs...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	return room, err
}

// readEntries appends the entries that a room has in a table.
func readEntries(ctx context.Context, conn *sql.Conn, table string, id int64, to *[]store.InspectedEntry) error {
	isSnapshot := "false"
	if table == "snapshots" {
		isSnapshot = "is_snapshot IS NOT 0"
	}
	return eachRow(ctx, conn, func(rows *sql.Rows) error {
		var e store.InspectedEntry
		var encoding, storedAt, writtenBy string
		var data []byte
		var sum int64
		if err := rows.Scan(&e.Position, &encoding, &sum, &storedAt, &writtenBy, &data, &e.Snapshot); err != nil {
			return err
		}
		e.Entry, e.Fault = entry(encoding, sum, storedAt, writtenBy, data)
		*to = append(*to, e)
		return nil
	}, "SELECT position, encoding, checksum, stored_at, written_by, data, "+isSnapshot+" FROM "+table+" WHERE room_id = ? ORDER BY position", id)
}

// eachRow calls do with each row that a query returns.
func eachRow(ctx context.Context, conn *sql.Conn, do func(*sql.Rows) error, query string, args ...any) error {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err returns all that matters
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// view calls do with a connection on which each statement sees the file as it is at one
// moment.
func (i *Inspection) view(ctx context.Context, do func(*sql.Conn) error) error {
	conn, err := i.db.Conn(ctx)
	if err == nil {
		defer func() { _ = conn.Close() }() // it goes back to the pool
		_, err = conn.ExecContext(ctx, "BEGIN")
	}
	if err == nil {
		err = do(conn)
		if _, end := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); end != nil && err == nil {
			err = end
		}
	}
	switch {
	case err == nil, isAnswer(err), errors.Is(err, sql.ErrNoRows):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case isDamage(err):
		return fmt.Errorf("%w: %w", store.ErrCorrupt, explain(i.path, defaultLockWait, err))
	}
	return explain(i.path, defaultLockWait, err)
}
