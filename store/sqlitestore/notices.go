package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/yroom/yroom/store"
)

var _ store.Notices = (*Store)(nil)

// note records in the open transaction that a room was created or changed. at is the position of
// the entry that was added.
func (w *writer) note(room string, kind store.NoticeKind, at store.Position) error {
	for _, webhook := range w.webhooks.Of(room, kind) {
		if err := w.exec(noteSQL, webhook, room, string(kind), int64(at), now()); err != nil {
			return err
		}
	}
	return nil
}

// noteSQL adds a notice. If it is of a change, and the room has one, that stands for this
// change, too.
const noteSQL = `
INSERT INTO notices (webhook, room, kind, position, first_at, last_at, ready_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5)
ON CONFLICT (webhook, room) WHERE kind = 'changed' AND given_up = 0
DO UPDATE SET position = excluded.position, revision = revision + 1, last_at = excluded.last_at`

// noteDeleted records in the open transaction that a room was deleted. at is the position of
// the deletion.
func (w *writer) noteDeleted(room string, at store.Position) error {
	turned := map[string]bool{}
	for _, webhook := range w.webhooks.Of(room, store.NoticeChanged) {
		n, err := w.change(`UPDATE notices SET kind = 'deleted', position = ?, revision = revision + 1, last_at = ? `+
			`WHERE webhook = ? AND room = ? AND kind = 'changed' AND given_up = 0`, int64(at), now(), webhook, room)
		if err != nil {
			return err
		}
		turned[webhook] = n > 0
	}
	for _, webhook := range w.webhooks.Of(room, store.NoticeDeleted) {
		if turned[webhook] {
			continue
		}
		if err := w.exec(noteSQL, webhook, room, string(store.NoticeDeleted), int64(at), now()); err != nil {
			return err
		}
	}
	return nil
}

// AddNotices implements store.Notices.
func (s *Store) AddNotices(ctx context.Context, all []store.Notice) (map[string]int, error) {
	// A named result would be set by return while the writer may still set it.
	var removed map[string]int
	if err := s.write(ctx, adding(all, &removed)); err != nil { //nolint:contextcheck // the writer belongs to no call
		return nil, err // the writer may still add to removed
	}
	return removed, nil
}

// adding adds notices, and counts those that it removes.
func adding(all []store.Notice, removed *map[string]int) func(*writer) error {
	return func(w *writer) error {
		*removed = map[string]int{}
		type queue struct{ webhook, room string }
		added := map[queue]bool{}
		for _, n := range all {
			added[queue{n.Webhook, n.Room}] = true
			if err := w.exec(addSQL, n.Webhook, n.Room, string(n.Kind), n.Last.UTC().Format(timeLayout), now(), n.Data); err != nil {
				return err
			}
		}
		for q := range added {
			n, err := w.change(boundSQL, q.webhook, q.room, 0, store.MostNotices)
			if err != nil {
				return err
			}
			if n > 0 {
				(*removed)[q.webhook] += int(n)
			}
		}
		return nil
	}
}

// addSQL adds a notice that belongs to no change. While the first notice of its room pauses, it waits
// as long: so TakeNotices does not search it again and again.
const addSQL = `
INSERT INTO notices (webhook, room, kind, position, first_at, last_at, ready_at, data) VALUES (?1, ?2, ?3, 0, ?4, ?4, max(?5, coalesce((
  SELECT iif(attempts > 0, ready_at, '') FROM notices WHERE webhook = ?1 AND room = ?2 AND given_up = 0 ORDER BY id LIMIT 1
), '')), ?6)`

// boundSQL bounds the notices of a room that wait, or that were given up. It keeps the first one,
// because a process may have taken it, and those that belong to changes.
const boundSQL = `
DELETE FROM notices WHERE webhook = ?1 AND room = ?2 AND given_up = ?3 AND kind IN ('connected', 'disconnected')
  AND id <= (SELECT id FROM notices WHERE webhook = ?1 AND room = ?2 AND given_up = ?3 ORDER BY id DESC LIMIT 1 OFFSET ?4 - 1)
  AND id > (SELECT min(id) FROM notices WHERE webhook = ?1 AND room = ?2 AND given_up = ?3)`

// write runs change in a transaction of the writer. The change may run twice, because the first
// transaction may be rolled back for another request. A power loss may undo it, and then a
// request is sent again.
func (s *Store) write(ctx context.Context, change func(*writer) error) error {
	return s.do(ctx, &request{level: store.DurabilityCommit, kind: requestNotices, notices: change})
}

// noticeColumns are what scanNotice reads.
const noticeColumns = "id, webhook, room, kind, position, first_at, last_at, replayed_at, attempts, fault, ready_at, revision, data"

// dueSQL finds the first notices of rooms, by the indexes of the notices that were not given up.
const dueSQL = `
SELECT id, ready_at FROM notices AS n
WHERE webhook = ?1 AND given_up = 0 AND ready_at <= ?2 AND (kind <> 'changed' OR last_at <= ?3 OR first_at <= ?4)
  AND NOT EXISTS (SELECT 1 FROM notices WHERE webhook = n.webhook AND room = n.room AND given_up = 0 AND id < n.id)
ORDER BY ready_at LIMIT ?5`

// TakeNotices implements store.Notices. It writes to the file only if there are notices to take.
func (s *Store) TakeNotices(ctx context.Context, t store.Taking) ([]store.Notice, error) {
	at := time.Now().UTC()
	found, err := query(ctx, s, func(rows *sql.Rows) (d due, err error) { return d, rows.Scan(&d.id, &d.ready) },
		dueSQL, t.Webhook, at.Format(timeLayout), at.Add(-t.Quiet).Format(timeLayout), at.Add(-t.Longest).Format(timeLayout), t.Limit)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	var taken []store.Notice
	if err := s.write(ctx, taking(ctx.Done(), found, at, t.Lease, &taken)); err != nil { //nolint:contextcheck // the writer belongs to no call
		return nil, err // the writer may still add to taken
	}
	return taken, nil
}

// due is a notice that can be taken.
type due struct {
	id    int64
	ready string
}

// taking takes those of the notices that no other process has taken meanwhile, and none if the
// call has ended.
func taking(ended <-chan struct{}, found []due, at time.Time, lease time.Duration, taken *[]store.Notice) func(*writer) error {
	until := at.Add(lease).Format(timeLayout)
	return func(w *writer) error {
		*taken = nil
		select {
		case <-ended:
			return nil
		default:
		}
		for _, d := range found {
			n, err := w.notice("UPDATE notices SET ready_at = ?"+held+" RETURNING "+noticeColumns, until, d.id, d.ready)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			n.Taken = at
			*taken = append(*taken, n)
		}
		return nil
	}
}

// held selects a notice as long as it is as TakeNotices has returned it, except that its room
// may have been changed.
const held = " WHERE id = ? AND given_up = 0 AND ready_at = ?"

// RemoveNotice implements store.Notices.
func (s *Store) RemoveNotice(ctx context.Context, n store.Notice) error {
	return s.write(ctx, ending(n, "DELETE FROM notices"+held+" AND revision = ?", n.ID, n.Until.Format(timeLayout), n.Revision)) //nolint:contextcheck // the writer belongs to no call
}

// RetryNotice implements store.Notices.
func (s *Store) RetryNotice(ctx context.Context, n store.Notice, fault string, pause time.Duration) error {
	return s.write(ctx, retrying(n, fault, time.Now().UTC().Add(pause).Format(timeLayout))) //nolint:contextcheck // the writer belongs to no call
}

// retrying lets a notice be taken again at a time. The later notices of the room, which can't be taken
// before, wait as long: so TakeNotices does not search them again and again.
func retrying(n store.Notice, fault, at string) func(*writer) error {
	return func(w *writer) error {
		retried, err := w.change("UPDATE notices SET attempts = attempts + (?1 <> ''), fault = iif(?1 = '', fault, ?1), ready_at = ?2 "+
			"WHERE id = ?3 AND given_up = 0 AND ready_at = ?4", fault, at, n.ID, n.Until.Format(timeLayout))
		if err != nil || retried == 0 {
			return err
		}
		return w.exec("UPDATE notices SET ready_at = ?1 WHERE webhook = ?2 AND room = ?3 AND given_up = 0 AND id > ?4 AND ready_at < ?1",
			at, n.Webhook, n.Room, n.ID)
	}
}

// GiveUpNotice implements store.Notices.
func (s *Store) GiveUpNotice(ctx context.Context, n store.Notice, fault string) error {
	return s.write(ctx, givingUp(n, fault)) //nolint:contextcheck // the writer belongs to no call
}

// givingUp returns a function that marks a notice as given up, and removes the oldest of the room
// if too many were given up.
func givingUp(n store.Notice, fault string) func(*writer) error {
	giveUp := ending(n, "UPDATE notices SET attempts = attempts + 1, fault = ?, given_up = 1"+held+" AND revision = ?",
		fault, n.ID, n.Until.Format(timeLayout), n.Revision)
	return func(w *writer) error {
		if err := giveUp(w); err != nil {
			return err
		}
		return w.exec(boundSQL, n.Webhook, n.Room, 1, store.MostNotices)
	}
}

// ending runs a statement that ends the lease of a notice. If that changes nothing, and the lease
// has not ended, the room was changed after the notice was taken: it is due again.
func ending(n store.Notice, query string, args ...any) func(*writer) error {
	return func(w *writer) error {
		ended, err := w.change(query, args...)
		if err == nil && ended == 0 {
			err = w.exec("UPDATE notices SET first_at = last_at, ready_at = ?, attempts = 0, fault = ''"+held, now(), n.ID, n.Until.Format(timeLayout))
		}
		return err
	}
}

// ListNotices implements store.Notices.
func (s *Store) ListNotices(ctx context.Context, webhook string, after int64, limit int) ([]store.Notice, error) {
	return query(ctx, s, func(rows *sql.Rows) (store.Notice, error) { return scanNotice(rows) },
		"SELECT "+noticeColumns+" FROM notices WHERE webhook = ? AND given_up = 1 AND id > ? ORDER BY id LIMIT ?", webhook, after, limit)
}

// replayBatch is how many notices are replayed in a transaction. Other changes wait for it.
const replayBatch = 200

// ReplayNotices implements store.Notices. An error leaves those due that were replayed before it.
func (s *Store) ReplayNotices(ctx context.Context, webhook, room string) (replayed int, err error) {
	for after := int64(0); ; {
		ids, err := query(ctx, s, scanID,
			"SELECT id FROM notices WHERE webhook = ?1 AND given_up = 1 AND (?2 = '' OR room = ?2) AND id > ?3 ORDER BY id LIMIT ?4",
			webhook, room, after, replayBatch)
		if err != nil {
			return 0, err
		}
		if len(ids) == 0 {
			return replayed, nil
		}
		after = ids[len(ids)-1]
		n := 0
		if err := s.write(ctx, replaying(ids, &n)); err != nil { //nolint:contextcheck // the writer belongs to no call
			return 0, err
		}
		replayed += n
	}
}

func scanID(rows *sql.Rows) (id int64, err error) {
	err = rows.Scan(&id)
	return id, err
}

// replaying makes notices due again that were given up, and counts them.
func replaying(ids []int64, replayed *int) func(*writer) error {
	return func(w *writer) error {
		*replayed = 0
		for _, id := range ids {
			// A notice of a change is removed if another one of the room stands for it.
			err := w.exec("DELETE FROM notices AS n WHERE id = ? AND given_up = 1 AND kind = 'changed' AND EXISTS (SELECT 1 FROM notices "+
				"WHERE webhook = n.webhook AND room = n.room AND kind = 'changed' AND (given_up = 0 OR id > n.id))", id)
			if err != nil {
				return err
			}
			n, err := w.change("UPDATE notices SET given_up = 0, attempts = 0, fault = '', replayed_at = ?1, ready_at = ?1 WHERE id = ?2 AND given_up = 1", now(), id)
			if err != nil {
				return err
			}
			*replayed += int(n)
		}
		return nil
	}
}

// CountNotices implements store.Notices.
func (s *Store) CountNotices(ctx context.Context, webhook string) (c store.NoticeCounts, err error) {
	_, err = query(ctx, s, func(rows *sql.Rows) (_ struct{}, err error) {
		var oldest sql.NullString
		if err := rows.Scan(&c.Waiting, &c.GivenUp, &oldest); err != nil || !oldest.Valid {
			return struct{}{}, err
		}
		c.Oldest, err = time.Parse(timeLayout, oldest.String)
		return struct{}{}, err
	}, "SELECT count(*), (SELECT count(*) FROM notices WHERE webhook = ?1 AND given_up = 1), min(first_at) FROM notices WHERE webhook = ?1 AND given_up = 0", webhook)
	return c, err
}

// query reads the rows of a query about notices.
func query[T any](ctx context.Context, s *Store, scan func(*sql.Rows) (T, error), text string, args ...any) (all []T, err error) {
	end, err := s.beginRead(ctx, func(context.Context) error { return nil })
	if err != nil {
		return nil, err
	}
	defer end()
	rows, err := s.reads.db.QueryContext(ctx, text, args...)
	if err == nil {
		defer func() { _ = rows.Close() }() // Err returns all that matters
		for err == nil && rows.Next() {
			var one T
			one, err = scan(rows)
			all = append(all, one)
		}
		err = errors.Join(err, rows.Err())
	}
	if err := s.readFault(ctx, err); err != nil {
		return nil, err
	}
	return all, nil
}

// scanNotice reads noticeColumns.
func scanNotice(row interface{ Scan(into ...any) error }) (n store.Notice, err error) {
	var kind, first, last, until string
	var replayed sql.NullString
	var at int64
	if err := row.Scan(&n.ID, &n.Webhook, &n.Room, &kind, &at, &first, &last, &replayed, &n.Attempts, &n.Fault, &until, &n.Revision, &n.Data); err != nil {
		return n, err
	}
	n.Kind, n.Position = store.NoticeKind(kind), store.Position(at)
	for _, t := range []struct {
		text string
		into *time.Time
	}{{first, &n.First}, {last, &n.Last}, {until, &n.Until}, {replayed.String, &n.Replayed}} {
		if t.text == "" { // it was not replayed
			continue
		}
		if *t.into, err = time.Parse(timeLayout, t.text); err != nil {
			return n, err
		}
	}
	return n, nil
}
