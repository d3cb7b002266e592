package sqlitestore

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/store"
)

// apply carries out r in the open transaction. It checks everything for which r may be
// refused before it changes anything, so that the transaction can continue after a
// refusal.
func (w *writer) apply(r *request) error {
	switch r.kind {
	case requestAppend:
		return w.append(r)
	case requestCompact:
		return w.compact(r)
	case requestCreate:
		return w.create(r)
	case requestDelete:
		return w.delete(r)
	case requestNotices:
		return r.notices(w)
	}
	return fmt.Errorf("unknown kind of request %d", r.kind)
}

func (w *writer) append(r *request) error {
	room, err := w.room(r.room)
	switch {
	case err != nil:
		return err
	case room.id == 0:
		return w.create(r)
	case room.deleted:
		return store.ErrDeleted
	}
	return w.insertNext(r, room)
}

func (w *writer) create(r *request) error {
	room, err := w.room(r.room)
	switch {
	case err != nil:
		return err
	case room.id == 0:
		if err = w.exec("INSERT INTO rooms (name, created_at) VALUES (?, ?)", r.room, now()); err == nil {
			room, err = w.room(r.room)
		}
	case room.deleted:
		err = w.exec("UPDATE rooms SET created_at = ?, deleted_at = NULL WHERE id = ?", now(), room.id)
		room.deleted = false
	default:
		return store.ErrExists
	}
	if err == nil {
		err = w.note(r.room, store.NoticeCreated, room.next)
	}
	if err != nil {
		return err
	}
	return w.insertNext(r, room)
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
	found := 0
	for _, table := range tables {
		var n int
		if err := w.scan("SELECT count(*) FROM "+table+replaced, []any{room.id, r.replaced}, &n); err != nil {
			return err
		}
		found += n
	}
	if found != r.count {
		return store.ErrConflict
	}
	for _, table := range tables {
		if err := w.exec("DELETE FROM "+table+replaced, room.id, r.replaced); err != nil {
			return err
		}
	}
	if err := w.exec("UPDATE rooms SET generation = generation + 1 WHERE id = ?", room.id); err != nil {
		return err
	}
	room.generation++
	w.remember(r.room, room)
	if err := w.insert(r, room.id, r.newest, true); err != nil || !r.entry.Cut {
		return err
	}
	return w.note(r.room, store.NoticeChanged, r.newest)
}

// tables hold the entries of rooms.
var tables = []string{"snapshots", "updates"}

// replaced selects the entries of a room that a compaction replaces.
const replaced = " WHERE room_id = ? AND position IN (SELECT value FROM json_each(?))"

func (w *writer) delete(r *request) error {
	room, err := w.room(r.room)
	switch {
	case err != nil || room.deleted:
		return err
	case room.id == 0:
		return store.ErrNotFound
	}
	delete(w.rooms, r.room)
	if err := w.exec("UPDATE rooms SET deleted_at = ?, generation = generation + 1, first_position = ? WHERE id = ?",
		now(), int64(room.next+1), room.id); err != nil {
		return err
	}
	for _, table := range tables {
		if err := w.exec("DELETE FROM "+table+" WHERE room_id = ?", room.id); err != nil {
			return err
		}
	}
	return w.noteDeleted(r.room, room.next)
}

// roomRow is what the writer has to know about a room. The zero roomRow is that of a
// room that was never written to.
type roomRow struct {
	id         int64
	generation uint64
	deleted    bool
	next       store.Position // of the next entry
}

// room returns the row of a room. The rows of rooms that this writer has written to
// are remembered, until another process writes to the file.
func (w *writer) room(name string) (room roomRow, err error) {
	if room, ok := w.rooms[name]; ok {
		return room, nil
	}
	err = w.scan("SELECT id, generation, deleted_at IS NOT NULL, "+
		"max(first_position, coalesce((SELECT max(position) + 1 FROM snapshots WHERE room_id = rooms.id), 0), "+
		"coalesce((SELECT max(position) + 1 FROM updates WHERE room_id = rooms.id), 0)) "+
		"FROM rooms WHERE name = ?", []any{name}, &room.id, &room.generation, &room.deleted, &room.next)
	if errors.Is(err, sql.ErrNoRows) {
		return roomRow{}, nil
	}
	return room, err
}

// maxRooms bounds how many rooms a writer remembers. Beyond that, the writer forgets
// all of them.
const maxRooms = 100_000

func (w *writer) remember(name string, room roomRow) {
	if w.rooms == nil || len(w.rooms) >= maxRooms {
		w.rooms = map[string]roomRow{}
	}
	w.rooms[name] = room
}

// mostInUpdates is the size in bytes of the largest data in the table updates. In a table
// without row ids, SQLite compares an entry that doesn't fit into its page by reading all of
// it. After a paste, each edit would do so.
const mostInUpdates = 800

// insertNext stores the entry of r at the next position of the room.
func (w *writer) insertNext(r *request, room roomRow) error {
	if err := w.insert(r, room.id, room.next, false); err != nil {
		return err
	}
	room.next++
	w.remember(r.room, room)
	return w.note(r.room, store.NoticeChanged, r.position)
}

// insert stores the entry of r at a position.
func (w *writer) insert(r *request, roomID int64, at store.Position, isSnapshot bool) error {
	encoding := "v1"
	if r.entry.Encoding == store.V2 {
		encoding = "v2"
	}
	r.position = at
	row := []any{roomID, int64(at), encoding, r.entry.Data, checksum(encoding, r.entry.Data, r.entry.By), now(), r.entry.By}
	if !isSnapshot && len(r.entry.Data) <= mostInUpdates {
		return w.exec("INSERT INTO updates (room_id, position, encoding, data, checksum, stored_at, written_by) VALUES (?, ?, ?, ?, ?, ?, ?)", row...)
	}
	return w.exec("INSERT INTO snapshots (room_id, position, encoding, data, checksum, stored_at, written_by, is_snapshot) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		append(row, isSnapshot)...)
}

// timeLayout is the format of stored times, in UTC. SQLite's own functions write the
// same format.
const timeLayout = "2006-01-02 15:04:05.000"

func now() string { return time.Now().UTC().Format(timeLayout) }
