package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/store"
)

var _ store.Notices = (*Store)(nil)

// notedSQL is the end of the WITH part of a statement that adds entries to rooms. It adds the
// notices that its part "added" has: webhook, name, kind and position. If one is of a change, and
// the room has such a notice, that stands for this change, too. The row of the room is locked, so
// the notices of a room are in the order of its changes.
const notedSQL = `, noted AS (
  INSERT INTO yroom.notices AS n (webhook, room, kind, position)
  SELECT webhook, name, kind, position FROM added
  ORDER BY name, webhook, kind DESC -- created before changed
  ON CONFLICT (webhook, room) WHERE kind = 'changed' AND NOT given_up
  DO UPDATE SET position = excluded.position, revision = n.revision + 1, last_at = clock_timestamp()
)`

// told are the webhooks of the rooms of a batch, as the arguments of appendNotedSQL: their names, the
// kinds of notices that they want, the names of the rooms, and how many entries the batch adds to these.
type told struct {
	webhooks []string
	kinds    []string
	rooms    [][]byte
	entries  []int64
}

// add adds the webhooks of a room that want to be told of an append.
func (t *told) add(webhooks store.Webhooks, room string, entries int64) {
	names, kinds := wanting(webhooks, room, store.NoticeCreated, store.NoticeChanged)
	t.webhooks, t.kinds = append(t.webhooks, names...), append(t.kinds, kinds...)
	for range names {
		t.rooms, t.entries = append(t.rooms, []byte(room)), append(t.entries, entries)
	}
}

// wanting returns the webhooks of a room that want notices of these kinds: for each a name and a
// kind.
func wanting(webhooks store.Webhooks, room string, of ...store.NoticeKind) (names, kinds []string) {
	for _, kind := range of {
		for _, name := range webhooks.Of(room, kind) {
			names, kinds = append(names, name), append(kinds, string(kind))
		}
	}
	return names, kinds
}

// addSQL adds notices that belong to no change. It locks the rooms as an append does, so that the
// notices of a room are committed in the order of their IDs. While the first notice of its room
// pauses, a notice waits as long: so TakeNotices does not search it again and again.
const addSQL = `
WITH locked AS (
  SELECT FROM yroom.rooms WHERE name = ANY ($2) ORDER BY name FOR UPDATE
)
INSERT INTO yroom.notices (webhook, room, kind, position, first_at, last_at, ready_at, data)
SELECT added.webhook, added.room, kind, 0, at, at, greatest(clock_timestamp(), pause.until), data
FROM (SELECT count(*) FROM locked) AS first
CROSS JOIN unnest($1::text[], $2::bytea[], $3::text[], $4::timestamptz[], $5::text[]) WITH ORDINALITY AS added (webhook, room, kind, at, data, place)
LEFT JOIN LATERAL (
  SELECT CASE WHEN attempts > 0 THEN ready_at END AS until FROM yroom.notices AS n
  WHERE n.webhook = added.webhook AND n.room = added.room AND NOT given_up ORDER BY id LIMIT 1
) AS pause ON true
ORDER BY place`

// boundSQL bounds the notices of rooms that wait, or that were given up. It keeps the first of each
// room, because a process may have taken it, and those that belong to changes. The limits are
// materialized, so that they are searched once for each room and not for each notice.
const boundSQL = `
WITH limits AS MATERIALIZED (
  SELECT added.webhook, added.room, newest.id AS newest, oldest.id AS oldest
  FROM (SELECT DISTINCT webhook, room FROM unnest($1::text[], $2::bytea[]) AS all_added (webhook, room)) AS added
  CROSS JOIN LATERAL (
    SELECT id FROM yroom.notices AS kept
    WHERE kept.webhook = added.webhook AND kept.room = added.room AND kept.given_up = $3 ORDER BY id DESC LIMIT 1 OFFSET $4 - 1
  ) AS newest
  CROSS JOIN LATERAL (
    SELECT min(id) AS id FROM yroom.notices AS kept
    WHERE kept.webhook = added.webhook AND kept.room = added.room AND kept.given_up = $3
  ) AS oldest
), removed AS (
  DELETE FROM yroom.notices AS n USING limits
  WHERE n.webhook = limits.webhook AND n.room = limits.room AND n.given_up = $3 AND n.kind IN ('connected', 'disconnected')
    AND n.id <= limits.newest AND n.id > limits.oldest
  RETURNING n.webhook
)
SELECT webhook, count(*) FROM removed GROUP BY webhook`

// AddNotices implements store.Notices.
func (s *Store) AddNotices(ctx context.Context, all []store.Notice) (map[string]int, error) {
	var webhooks, kinds, data []string
	var rooms [][]byte
	var times []time.Time
	for _, n := range all {
		webhooks, rooms, kinds = append(webhooks, n.Webhook), append(rooms, []byte(n.Room)), append(kinds, string(n.Kind))
		times, data = append(times, n.Last), append(data, n.Data)
	}
	bounded, done, err := s.use(ctx, s.config.Timeout)
	if err != nil {
		return nil, err
	}
	defer done()
	removed := map[string]int{}
	err = s.transactNotices(bounded, statement{sql: addSQL, args: []any{webhooks, rooms, kinds, times, data}}, statement{
		sql:  boundSQL,
		args: []any{webhooks, rooms, false, store.MostNotices},
		scan: func(rows pgx.Rows) error {
			var webhook string
			var n int
			_, err := pgx.ForEachRow(rows, []any{&webhook, &n}, func() error {
				removed[webhook] = n
				return nil
			})
			return err
		},
	})
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return removed, nil
}

// noticeColumns are what collectNotice reads.
const noticeColumns = "n.id, n.webhook, n.room, n.kind, n.position, n.first_at, n.last_at, n.replayed_at, n.attempts, n.fault, n.ready_at, n.revision, n.data, clock_timestamp()"

// takeSQL takes the first notices of rooms, by the indexes of the notices that were not given
// up. Notices of rooms that are being changed are left to the next call. The time is that of the
// statement, because an index can't be searched for clock_timestamp(), which changes meanwhile.
const takeSQL = `
WITH due AS (
  SELECT id FROM yroom.notices AS n
  WHERE webhook = $1 AND NOT given_up AND ready_at <= statement_timestamp()
    AND (kind <> 'changed' OR last_at <= statement_timestamp() - $2::interval OR first_at <= statement_timestamp() - $3::interval)
    AND NOT EXISTS (
      SELECT FROM yroom.notices AS earlier
      WHERE earlier.webhook = n.webhook AND earlier.room = n.room AND NOT earlier.given_up AND earlier.id < n.id
    )
  ORDER BY ready_at LIMIT $4
  FOR UPDATE SKIP LOCKED
)
UPDATE yroom.notices AS n SET ready_at = clock_timestamp() + $5::interval FROM due WHERE n.id = due.id
RETURNING ` + noticeColumns

// TakeNotices implements store.Notices. Times are those of the database.
func (s *Store) TakeNotices(ctx context.Context, t store.Taking) ([]store.Notice, error) {
	return s.notices(ctx, takeSQL, t.Webhook, t.Quiet, t.Longest, max(t.Limit, 0), t.Lease)
}

// held selects a notice as long as it is as TakeNotices has returned it, except that its room
// may have been changed.
const held = " WHERE id = $1 AND NOT given_up AND ready_at = $2"

// RemoveNotice implements store.Notices.
func (s *Store) RemoveNotice(ctx context.Context, n store.Notice) error {
	return s.endNotice(ctx, n, "DELETE FROM yroom.notices"+held+" AND revision = $3", n.ID, n.Until, n.Revision)
}

// retrySQL also lets the later notices of the room wait, which can't be taken before: so TakeNotices
// does not search them again and again.
const retrySQL = `
WITH retried AS (
  UPDATE yroom.notices SET attempts = attempts + CASE WHEN $3 = '' THEN 0 ELSE 1 END,
    fault = CASE WHEN $3 = '' THEN fault ELSE $3 END, ready_at = clock_timestamp() + $4::interval` + held + `
  RETURNING id, webhook, room, ready_at
)
UPDATE yroom.notices AS later SET ready_at = retried.ready_at
FROM retried
WHERE later.webhook = retried.webhook AND later.room = retried.room AND NOT later.given_up
  AND later.id > retried.id AND later.ready_at < retried.ready_at`

// RetryNotice implements store.Notices.
func (s *Store) RetryNotice(ctx context.Context, n store.Notice, fault string, pause time.Duration) error {
	_, err := s.changeNotice(ctx, retrySQL, n.ID, n.Until, fault, pause)
	return err
}

// GiveUpNotice implements store.Notices.
func (s *Store) GiveUpNotice(ctx context.Context, n store.Notice, fault string) error {
	err := s.endNotice(ctx, n, "UPDATE yroom.notices SET attempts = attempts + 1, fault = $4, given_up = true"+held+" AND revision = $3",
		n.ID, n.Until, n.Revision, fault)
	if err == nil {
		_, err = s.changeNotice(ctx, boundSQL, []string{n.Webhook}, [][]byte{[]byte(n.Room)}, true, store.MostNotices)
	}
	return err
}

// endNotice runs a statement that ends the lease of a notice. If that changes nothing, and the
// lease has not ended, the room was changed after the notice was taken: it is due again. This
// has to be a statement of its own: one that has waited for another transaction finds only rows
// that it would have found before.
func (s *Store) endNotice(ctx context.Context, n store.Notice, sql string, args ...any) error {
	ended, err := s.changeNotice(ctx, sql, args...)
	if err == nil && !ended {
		_, err = s.changeNotice(ctx, "UPDATE yroom.notices SET first_at = last_at, ready_at = clock_timestamp(), attempts = 0, fault = ''"+held, n.ID, n.Until)
	}
	return err
}

// ListNotices implements store.Notices.
func (s *Store) ListNotices(ctx context.Context, webhook string, after int64, limit int) ([]store.Notice, error) {
	return s.notices(ctx, "SELECT "+noticeColumns+" FROM yroom.notices AS n WHERE webhook = $1 AND given_up AND id > $2 ORDER BY id LIMIT $3",
		webhook, after, max(limit, 0))
}

// replayBatch is how many notices are replayed in a transaction. Edits of their rooms wait for it.
const replayBatch = 200

// givenUpSQL selects notices that were given up. It returns the last of their ids, too.
const givenUpSQL = `
SELECT array_agg(id), array_agg(DISTINCT room), coalesce(max(id), 0) FROM (
  SELECT id, room FROM yroom.notices
  WHERE webhook = $1 AND given_up AND ($2::bytea = '' OR room = $2) AND id > $3
  ORDER BY id LIMIT $4
) AS n`

// lockSQL locks rooms as an append to them does.
const lockSQL = "SELECT FROM yroom.rooms WHERE name = ANY ($1) ORDER BY name FOR UPDATE"

// supersededSQL removes notices of changes that another notice of the room stands for.
const supersededSQL = `
DELETE FROM yroom.notices AS n
WHERE id = ANY ($1) AND given_up AND kind = 'changed' AND EXISTS (
  SELECT FROM yroom.notices AS later
  WHERE later.webhook = n.webhook AND later.room = n.room AND later.kind = 'changed' AND (NOT later.given_up OR later.id > n.id)
)`

const replaySQL = `
WITH replayed AS (
  UPDATE yroom.notices SET given_up = false, attempts = 0, fault = '', replayed_at = clock_timestamp(), ready_at = clock_timestamp()
  WHERE id = ANY ($1) AND given_up
  RETURNING id
)
SELECT count(*) FROM replayed`

// ReplayNotices implements store.Notices. An error leaves those due that were replayed before it.
func (s *Store) ReplayNotices(ctx context.Context, webhook, room string) (replayed int, err error) {
	for after := int64(0); ; {
		n, last, err := s.replaySome(ctx, webhook, room, after)
		if err != nil {
			return 0, err
		}
		if replayed += n; last == 0 {
			return replayed, nil
		}
		after = last
	}
}

// replaySome replays notices after an ID, and returns the last ID, or 0 if there are none.
func (s *Store) replaySome(ctx context.Context, webhook, room string, after int64) (replayed int, last int64, err error) {
	bounded, done, err := s.use(ctx, s.config.Timeout)
	if err != nil {
		return 0, 0, err
	}
	defer done()
	var ids []int64
	var rooms [][]byte
	err = s.pool.QueryRow(bounded, givenUpSQL, webhook, []byte(room), after, replayBatch).Scan(&ids, &rooms, &last)
	if err == nil && last > 0 {
		err = s.transactNotices(bounded, statement{sql: lockSQL, args: []any{rooms}}, statement{sql: supersededSQL, args: []any{ids}},
			statement{sql: replaySQL, args: []any{ids}, scan: scanned(&replayed)})
	}
	if err != nil {
		return 0, 0, s.failed(ctx, err)
	}
	return replayed, last, nil
}

// transactNotices runs statements about notices in a transaction.
func (s *Store) transactNotices(ctx context.Context, statements ...statement) error {
	return transact(ctx, s.pool, store.DurabilityFsync, limits{s.config.Timeout, lockTimeout(s.config)}, statements...)
}

// CountNotices implements store.Notices.
func (s *Store) CountNotices(ctx context.Context, webhook string) (c store.NoticeCounts, err error) {
	bounded, done, err := s.use(ctx, s.config.Timeout)
	if err != nil {
		return c, err
	}
	defer done()
	var oldest *time.Time
	err = s.pool.QueryRow(bounded, "SELECT count(*), (SELECT count(*) FROM yroom.notices WHERE webhook = $1 AND given_up), min(first_at) "+
		"FROM yroom.notices WHERE webhook = $1 AND NOT given_up", webhook).Scan(&c.Waiting, &c.GivenUp, &oldest)
	if err != nil {
		return c, s.failed(ctx, err)
	}
	if oldest != nil {
		c.Oldest = oldest.UTC()
	}
	return c, nil
}

// notices runs a statement that returns notices.
func (s *Store) notices(ctx context.Context, sql string, args ...any) ([]store.Notice, error) {
	bounded, done, err := s.use(ctx, s.config.Timeout)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := s.pool.Query(bounded, sql, args...)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	all, err := pgx.CollectRows(rows, collectNotice)
	if err != nil {
		return nil, s.failed(ctx, err)
	}
	return all, nil
}

// changeNotice runs a statement that changes a notice, and reports whether it has found it.
func (s *Store) changeNotice(ctx context.Context, sql string, args ...any) (found bool, err error) {
	bounded, done, err := s.use(ctx, s.config.Timeout)
	if err != nil {
		return false, err
	}
	defer done()
	tag, err := s.pool.Exec(bounded, sql, args...)
	if err != nil {
		return false, s.failed(ctx, err)
	}
	return tag.RowsAffected() > 0, nil
}

// collectNotice reads noticeColumns.
func collectNotice(row pgx.CollectableRow) (n store.Notice, err error) {
	var room []byte
	var replayed *time.Time
	err = row.Scan(&n.ID, &n.Webhook, &room, &n.Kind, &n.Position, &n.First, &n.Last, &replayed, &n.Attempts, &n.Fault, &n.Until, &n.Revision, &n.Data, &n.Taken)
	n.Room, n.First, n.Last, n.Until, n.Taken = string(room), n.First.UTC(), n.Last.UTC(), n.Until.UTC(), n.Taken.UTC()
	if replayed != nil {
		n.Replayed = replayed.UTC()
	}
	return n, err
}
