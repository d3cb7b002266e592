package sqlitestore

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/store"
)

// apply does r in the transaction under way. All that may refuse r is checked
// before anything is changed, so that the transaction can go on after a refusal.
func (w *writer) apply(r *request) error {
	switch r.kind {
	case requestFlush:
		return nil
	case requestAppend:
		return w.append(r)
	case requestCompact:
		return w.compact(r)
	case requestCreate:
		return w.create(r)
	case requestDelete:
		return w.delete(r)
	}
	return fmt.Errorf("unknown kind of request %d", r.kind)
}

func (w *writer) append(r *request) error {
	if err := w.insert(r); !errors.Is(err, errNoRoom) {
		return err
	}
	// The room was deleted, or was never written to, in which case this creates it.
	room, err := w.room(r.room)
	if err != nil || room.deleted {
		return cmp.Or(err, store.ErrDeleted)
	}
	return w.create(r)
}

func (w *writer) create(r *request) error {
	room, err := w.room(r.room)
	switch {
	case err != nil:
		return err
	case room.id == 0:
		_, err = w.exec("INSERT INTO rooms (name, created_at) VALUES (?, ?)", r.room, now())
	case room.deleted:
		_, err = w.exec("UPDATE rooms SET created_at = ?, deleted_at = NULL WHERE id = ?", now(), room.id)
	default:
		return store.ErrExists
	}
	if err != nil {
		return err
	}
	return w.insert(r)
}

func (w *writer) compact(r *request) error {
	room, err := w.room(r.room)
	switch {
	case err != nil:
		return err
	case room.deleted:
		return store.ErrDeleted
	case room.generation != r.generation:
		return store.ErrConflict
	case r.count == 0:
		return w.append(r)
	}
	var found int
	const replaced = "FROM entries WHERE room_id = ? AND position IN (SELECT value FROM json_each(?))"
	if err := w.scan("SELECT count(*) "+replaced, []any{room.id, string(r.replaced)}, &found); err != nil {
		return err
	}
	if found != r.count {
		return store.ErrConflict
	}
	if _, err := w.exec("DELETE "+replaced, room.id, string(r.replaced)); err != nil {
		return err
	}
	if _, err := w.exec("UPDATE rooms SET generation = generation + 1 WHERE id = ?", room.id); err != nil {
		return err
	}
	row := rowOf(r.entry)
	_, err = w.exec("INSERT INTO entries (room_id, position, encoding, data, checksum, stored_at, written_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
		room.id, int64(r.newest), row.encoding, row.data, row.checksum, row.storedAt, row.writtenBy)
	r.position = r.newest
	return err
}

func (w *writer) delete(r *request) error {
	room, err := w.room(r.room)
	switch {
	case err != nil || room.deleted:
		return err
	case room.id == 0:
		return store.ErrNotFound
	}
	if _, err := w.exec("UPDATE rooms SET deleted_at = ?, generation = generation + 1, first_position = "+nextPosition+" WHERE id = ?",
		now(), room.id); err != nil {
		return err
	}
	_, err = w.exec("DELETE FROM entries WHERE room_id = ?", room.id)
	return err
}

// roomRow is a row of the table rooms. The zero roomRow is that of a room that
// was never written to.
type roomRow struct {
	id         int64
	generation uint64
	deleted    bool
}

func (w *writer) room(name string) (room roomRow, err error) {
	err = w.scan("SELECT id, generation, deleted_at IS NOT NULL FROM rooms WHERE name = ?", []any{name},
		&room.id, &room.generation, &room.deleted)
	if errors.Is(err, sql.ErrNoRows) {
		return roomRow{}, nil
	}
	return room, err
}

// nextPosition is the position after the newest entry of a row of rooms.
const nextPosition = "coalesce((SELECT max(position) + 1 FROM entries WHERE room_id = rooms.id), first_position)"

var errNoRoom = errors.New("there is no such room")

// insert stores the entry of r at the next position. The error is errNoRoom for a
// room that was deleted or never written to.
func (w *writer) insert(r *request) error {
	row := rowOf(r.entry)
	err := w.scan("INSERT INTO entries (room_id, position, encoding, data, checksum, stored_at, written_by) "+
		"SELECT id, "+nextPosition+", ?, ?, ?, ?, ? FROM rooms WHERE name = ? AND deleted_at IS NULL RETURNING position",
		[]any{row.encoding, row.data, row.checksum, row.storedAt, row.writtenBy, r.room}, &r.position)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoRoom
	}
	return err
}

// entryRow is an entry as the table entries has it.
type entryRow struct {
	encoding  string
	data      []byte
	checksum  int64
	storedAt  string
	writtenBy string
}

func rowOf(e store.Entry) entryRow {
	encoding := "v1"
	if e.Encoding == store.V2 {
		encoding = "v2"
	}
	return entryRow{encoding, e.Data, checksum(encoding, e.Data, e.By), now(), e.By}
}

// timeLayout is how times are stored, in UTC: as SQLite's own functions write them.
const timeLayout = "2006-01-02 15:04:05.000"

func now() string { return time.Now().UTC().Format(timeLayout) }
