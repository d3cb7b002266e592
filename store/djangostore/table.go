package djangostore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/yroom/yroom/store"
)

// row is a row of the table. The zero row stands for one that doesn't exist.
type row struct {
	data []byte // not nil
	at   time.Time
}

func (r row) exists() bool { return r.data != nil }

// table is the table of channels-yroom, by the model YDocUpdate.
type table struct {
	db  *sql.DB
	sql statements
}

// statements are the SQL of one kind of database.
type statements struct {
	check, get, add, replace, remove, list string

	// time returns a time as the database takes it.
	time func(time.Time) any
}

// inPostgres compares names by their bytes. Django's index for LIKE has the same order.
var inPostgres = statements{
	check:   `SELECT name, timestamp, data FROM channels_yroom_ydocupdate WHERE false`,
	get:     `SELECT data, timestamp FROM channels_yroom_ydocupdate WHERE name = $1`,
	add:     `INSERT INTO channels_yroom_ydocupdate (name, data, timestamp) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`,
	replace: `UPDATE channels_yroom_ydocupdate SET data = $2, timestamp = $3 WHERE name = $1 AND data = $4`,
	remove:  `DELETE FROM channels_yroom_ydocupdate WHERE name = $1`,
	list: `SELECT name, octet_length(data), timestamp FROM channels_yroom_ydocupdate
WHERE name ~>~ $1 AND name ~>=~ $2 AND name ~<~ $3 ORDER BY name USING ~<~ LIMIT $4`,
	time: func(t time.Time) any { return t },
}

var inSQLite = statements{
	check:   inPostgres.check,
	get:     `SELECT data, timestamp FROM channels_yroom_ydocupdate WHERE name = ?1`,
	add:     `INSERT INTO channels_yroom_ydocupdate (name, data, timestamp) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING`,
	replace: `UPDATE channels_yroom_ydocupdate SET data = ?2, timestamp = ?3 WHERE name = ?1 AND data = ?4`,
	remove:  `DELETE FROM channels_yroom_ydocupdate WHERE name = ?1`,
	list: `SELECT name, length(data), timestamp FROM channels_yroom_ydocupdate
WHERE name > ?1 AND name >= ?2 AND name < ?3 ORDER BY name LIMIT ?4`,
	// Django writes UTC without a zone.
	time: func(t time.Time) any { return t.UTC().Format("2006-01-02 15:04:05.000000") },
}

// fits reports whether a room can have a row: PostgreSQL has no NUL in a text.
func fits(room string) bool { return !strings.Contains(room, "\x00") }

// stamp receives the timestamp of a row. One that can't be read is zero, which lets the row be written again.
type stamp time.Time

// Scan implements sql.Scanner.
func (s *stamp) Scan(value any) error {
	at, _ := value.(time.Time) // the driver of SQLite returns a text that it can't read as it is
	*s = stamp(at.UTC())
	return nil
}

// check returns an error unless there is the table.
func (t table) check(ctx context.Context) error {
	if _, err := t.db.ExecContext(ctx, t.sql.check); err != nil {
		return fmt.Errorf("djangostore: the table channels_yroom_ydocupdate can't be read: with channels_yroom among the INSTALLED_APPS, "+
			"python manage.py migrate creates it: %w", err)
	}
	return nil
}

// fault returns the error of a statement.
func fault(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("djangostore: the table channels_yroom_ydocupdate: %w", err)
}

// get returns the row of a room.
func (t table) get(ctx context.Context, room string) (r row, err error) {
	if !fits(room) {
		return row{}, nil
	}
	switch err = t.db.QueryRowContext(ctx, t.sql.get, room).Scan(&r.data, (*stamp)(&r.at)); {
	case errors.Is(err, sql.ErrNoRows):
		return row{}, nil
	case err != nil:
		return row{}, fault(err)
	case r.data == nil: // SQLite has an empty one
		r.data = []byte{}
	}
	return r, nil
}

// put writes the row of a room if it still is old, and reports whether it was.
func (t table) put(ctx context.Context, room string, old, r row) (done bool, err error) {
	query, args := t.sql.add, []any{room, r.data, t.sql.time(r.at)}
	if old.exists() {
		query, args = t.sql.replace, append(args, old.data)
	}
	result, err := t.db.ExecContext(ctx, query, args...)
	if err != nil {
		return false, fault(err)
	}
	n, err := result.RowsAffected()
	return n > 0, fault(err)
}

// remove removes the row of a room.
func (t table) remove(ctx context.Context, room string) error {
	if !fits(room) {
		return nil
	}
	_, err := t.db.ExecContext(ctx, t.sql.remove, room)
	return fault(err)
}

// list returns the rows as store.Store.List does.
func (t table) list(ctx context.Context, prefix, after string, limit int) (all []store.Listed, err error) {
	if !fits(prefix) || limit <= 0 {
		return nil, nil
	}
	after, _, _ = strings.Cut(after, "\x00") // no row has a name between the two
	rows, err := t.db.QueryContext(ctx, t.sql.list, after, prefix, prefix+"\U0010ffff\U0010ffff", limit)
	if err != nil {
		return nil, fault(err)
	}
	defer func() { _ = rows.Close() }() // Err returns all that matters
	for rows.Next() {
		var l store.Listed
		if err := rows.Scan(&l.Room, &l.Bytes, (*stamp)(&l.Stored)); err != nil {
			return nil, fault(err)
		}
		all = append(all, l)
	}
	return all, fault(rows.Err())
}
