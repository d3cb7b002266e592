package sqlitestore

import (
	"cmp"
	"database/sql"
	"errors"
	"time"

	"github.com/yroom/yroom/store"
)

// apply does r in the transaction under way. All that may speak against it is
// looked at before anything is changed.
func (w *writer) apply(r *request) error {
	switch r.kind {
	case flushing:
		return nil
	case appending:
		return w.append(r)
	case compacting:
		return w.compact(r)
	case creating:
		return w.create(r)
	default:
		return w.delete(r)
	}
}

func (w *writer) append(r *request) error {
	if err := w.insert(r); !errors.Is(err, errNoRoom) {
		return err
	}
	// It was deleted, or was never written to, which makes this the same as creating it.
	if _, deleted, err := w.room(r.room); err != nil || deleted {
		return cmp.Or(err, store.ErrDeleted)
	}
	return w.create(r)
}

func (w *writer) create(r *request) error {
	id, deleted, err := w.room(r.room)
	switch {
	case err != nil:
		return err
	case id == 0:
		_, err = w.exec("INSERT INTO rooms (name, created_at) VALUES (?, ?)", r.room, now())
	case deleted:
		_, err = w.exec("UPDATE rooms SET created_at = ?, deleted_at = NULL WHERE id = ?", now(), id)
	default:
		return store.ErrExists
	}
	if err != nil {
		return err
	}
	return w.insert(r)
}

func (w *writer) compact(r *request) error {
	id, deleted, err := w.room(r.room)
	switch {
	case err != nil:
		return err
	case deleted:
		return store.ErrDeleted
	case id == 0 && r.count == 0:
		return w.create(r)
	case id == 0:
		return store.ErrConflict
	}
	var there int
	const these = "FROM entries WHERE room_id = ? AND position IN (SELECT value FROM json_each(?))"
	if err := w.scan("SELECT count(*) "+these, []any{id, string(r.gone)}, &there); err != nil {
		return err
	}
	if there != r.count {
		return store.ErrConflict
	}
	if _, err := w.exec("DELETE "+these, id, string(r.gone)); err != nil {
		return err
	}
	return w.insert(r)
}

func (w *writer) delete(r *request) error {
	id, deleted, err := w.room(r.room)
	switch {
	case err != nil || deleted:
		return err
	case id == 0:
		return store.ErrNotFound
	}
	if _, err := w.exec("DELETE FROM entries WHERE room_id = ?", id); err != nil {
		return err
	}
	_, err = w.exec("UPDATE rooms SET deleted_at = ? WHERE id = ?", now(), id)
	return err
}

// room finds a room, with 0 as its id where it was never written to.
func (w *writer) room(name string) (id int64, deleted bool, err error) {
	err = w.scan("SELECT id, deleted_at IS NOT NULL FROM rooms WHERE name = ?", []any{name}, &id, &deleted)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return id, deleted, err
}

var errNoRoom = errors.New("the room is not there")

// insert stores the entry of r. The error is errNoRoom for a room that was
// deleted or never written to.
func (w *writer) insert(r *request) error {
	encoding := "v1"
	if r.entry.Encoding == store.V2 {
		encoding = "v2"
	}
	n, err := w.exec("INSERT INTO entries (position, room_id, encoding, data, checksum, stored_at) "+
		"SELECT ?, id, ?, ?, ?, ? FROM rooms WHERE name = ? AND deleted_at IS NULL",
		int64(r.position), encoding, r.entry.Data, int64(sum(encoding, r.entry.Data)), now(), r.room)
	if err == nil && n == 0 {
		err = errNoRoom
	}
	return err
}

// now is the time as SQLite writes it.
// timeLayout is how times are stored, in UTC.
const timeLayout = "2006-01-02 15:04:05.000"

func now() string { return time.Now().UTC().Format(timeLayout) }
