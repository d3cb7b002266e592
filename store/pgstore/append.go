package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/internal/group"
)

// flights is how many batches are written at the same time: while one waits for the
// disk, the next one is sent.
const flights = 2

// retries is how many batches may have requests that are tried again, because their rooms
// are locked, while other batches are written.
const retries = 8

// request is an append that waits to be written.
type request struct {
	room  string
	level store.Durability
	entry store.Entry // owned once it is queued
	until time.Time   // the request fails if it isn't in a batch by then

	position store.Position // result
	err      error          // result
	done     chan struct{}  // closed once the results are set; nil: no call waits
}

// Room implements group.Request.
func (r *request) Room() string { return r.room }

// Size implements group.Request.
func (r *request) Size() int { return 256 + len(r.room) + len(r.entry.Data) + len(r.entry.By) }

// Awaited implements group.Request.
func (r *request) Awaited() bool { return r.done != nil }

// Own implements group.Request.
func (r *request) Own() { r.entry.Data = append([]byte{}, r.entry.Data...) } // not nil, which would be NULL

// maxData is the size of the largest entry. PostgreSQL's limit, 1 GiB, also counts what
// its protocol and its tables add to the data.
const maxData = 1_000_000_000

// check returns an error for an entry that PostgreSQL would refuse.
func check(e store.Entry) error {
	switch {
	case !e.Encoding.Valid():
		return fmt.Errorf("pgstore: %w: unknown encoding %d", store.ErrInvalid, e.Encoding)
	case len(e.Data) > maxData:
		return fmt.Errorf("pgstore: %w: it is larger than 1 GB, the most that PostgreSQL can store", store.ErrInvalid)
	case !utf8.ValidString(e.By) || strings.Contains(e.By, "\x00"):
		return fmt.Errorf("pgstore: %w: By is not valid UTF-8 without NUL", store.ErrInvalid)
	}
	return nil
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := check(e); err != nil {
		return 0, err
	}
	r := &request{room: room, level: s.config.Durability(room), entry: e, until: time.Now().Add(s.config.Timeout)}
	if r.level == store.DurabilityNone {
		allowed, err := s.unawaited.Allowed(room)
		if err != nil {
			return 0, err
		}
		if allowed {
			return 0, s.queue.Put(ctx, r)
		}
	}
	r.done = make(chan struct{})
	if err := s.queue.Put(ctx, r); err != nil {
		return 0, err
	}
	select {
	case <-r.done:
		return r.position, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// writeBatches writes what is queued until the queue is closed and empty.
func (s *Store) writeBatches() {
	for {
		batch := s.queue.Take(s.size.most(), maxBatchBytes)
		if batch == nil {
			return
		}
		s.writeBatch(batch)
	}
}

// finish ends a batch, or the part of it that concerns some of its rooms.
func (s *Store) finish(batch []*request) {
	for _, r := range batch {
		s.answer(r)
	}
	s.queue.Release(batch)
}

// answer returns the results of r to the call that waits for them.
func (s *Store) answer(r *request) {
	if r.err != nil {
		r.position, r.err = 0, explain(s.name, r.err)
	}
	if r.level == store.DurabilityNone {
		s.unawaited.Learn(r.room, group.Changed, r.done != nil, r.err)
	}
	if r.done != nil {
		close(r.done)
	}
}

// writeBatch writes the requests of a batch. If the database refuses the batch because of
// some of its requests, writeBatch divides it until only those fail. Requests that waited too
// long for a locked room are tried again by another goroutine, so that they delay no
// other room.
// Requests that were queued for too long fail, so that neither calls nor Close wait for
// several timeouts while the database hangs.
func (s *Store) writeBatch(batch []*request) {
	now, timeout := time.Now(), s.config.Timeout
	if batch[0].Size() > largeAppend {
		timeout *= largeTimeouts
	}
	deadline := now.Add(timeout)
	var fresh, locked []*request
	for _, r := range batch {
		r.err = context.DeadlineExceeded
		if now.Before(r.until) {
			fresh = append(fresh, r)
		}
	}
	if len(fresh) > 0 {
		s.divide(fresh, deadline, s.config.Timeout/batchLocks, &locked)
	}
	if len(locked) == 0 {
		s.finish(batch)
		return
	}
	rooms := map[string]bool{}
	for _, r := range locked {
		rooms[r.room] = true
	}
	var later []*request
	batch = slices.DeleteFunc(batch, func(r *request) bool {
		if rooms[r.room] {
			later = append(later, r)
		}
		return rooms[r.room]
	})
	s.finish(batch)
	select {
	case s.retrying <- struct{}{}:
		s.writing.Go(func() {
			s.retry(locked, deadline)
			<-s.retrying
			s.finish(later)
		})
	default: // the requests keep the errors of their first attempt
		s.finish(later)
	}
}

// retry writes requests again that waited too long for a locked room.
func (s *Store) retry(locked []*request, deadline time.Time) {
	for _, r := range locked {
		if left := time.Until(deadline); left > 0 { // otherwise r keeps the error of its first attempt
			r.err = s.write([]*request{r}, limits{left, lockTimeout(s.config)})
		}
	}
}

// lockTimeout returns how long a change waits for a room that is locked.
func lockTimeout(c Config) time.Duration { return c.Timeout / 5 }

// batchLocks is the part of Config.Timeout for which a batch waits for a locked room. It
// is short, because other rooms wait for the batch.
const batchLocks = 40

// divide writes a batch, or its halves if the database refuses the batch, and sets the
// results. wait is how long it may wait for a locked room. It adds requests whose rooms
// are locked for longer to locked.
func (s *Store) divide(batch []*request, deadline time.Time, wait time.Duration, locked *[]*request) {
	left := time.Until(deadline)
	err := context.DeadlineExceeded
	if left > 0 {
		err = s.write(batch, limits{left, wait})
	}
	switch {
	case err == nil:
		s.size.written()
		return
	case isTimeout(err):
		s.size.timedOut()
	}
	half := len(batch) / 2
	if half == 0 && isLocked(err) {
		*locked = append(*locked, batch...)
	}
	if half == 0 || !mayDivide(err) {
		for _, r := range batch {
			r.err = err
		}
		return
	}
	wait = max(wait/2, 20*time.Millisecond)
	s.divide(batch[:half], deadline, wait, locked)
	s.divide(batch[half:], deadline, wait, locked)
}

// appendSQL appends to all rooms of a batch. The first part takes the positions, which
// locks the rows of the rooms until the end of the transaction. It skips rooms that were
// deleted.
const (
	appendSQL      = appendedSQL + appendResult
	appendNotedSQL = appendedSQL + `, added AS (
  SELECT webhook, name, kind, next_position - 1 AS position
  FROM room JOIN unnest($9::text[], $10::text[], $11::bytea[], $12::bigint[]) AS told (webhook, kind, name, entries) USING (name)
  WHERE kind = 'changed' OR next_position = 1 + entries
)` + notedSQL + appendResult

	appendedSQL = `
WITH room AS (
  INSERT INTO yroom.rooms AS r (name, next_position)
  SELECT name, 1 + entries FROM unnest($1::bytea[], $2::bigint[]) AS given (name, entries)
  ORDER BY name
  ON CONFLICT (name) DO UPDATE SET next_position = r.next_position + excluded.next_position - 1
  WHERE r.deleted_at IS NULL
  RETURNING id, name, next_position
), stored AS (
  INSERT INTO yroom.entries (room_id, position, encoding, data, checksum, written_by, stored_at)
  SELECT room.id, room.next_position - given.before_end, given.encoding, given.data, given.checksum, given.written_by, clock_timestamp()
  FROM unnest($3::bytea[], $4::bigint[], $5::smallint[], $6::bytea[], $7::bigint[], $8::text[])
    AS given (name, before_end, encoding, data, checksum, written_by)
  JOIN room USING (name)
)`
	appendResult = `
SELECT name, next_position FROM room`
)

// write writes the requests of a batch in one transaction, at the strictest level among
// them. It sets their results if the error is nil.
func (s *Store) write(batch []*request, bounds limits) error {
	level := store.DurabilityNone
	count := map[string]int64{} // of the entries by room
	for _, r := range batch {
		level = min(level, r.level)
		count[r.room]++
	}
	var rooms, names, data [][]byte
	var counts, beforeEnd, sums []int64
	var encodings []int16
	var authors []string
	var noticed told
	written := map[string]int64{}
	for _, r := range batch {
		if written[r.room] == 0 {
			rooms, counts = append(rooms, []byte(r.room)), append(counts, count[r.room])
			noticed.add(s.config.Webhooks, r.room, count[r.room])
		}
		names, beforeEnd = append(names, []byte(r.room)), append(beforeEnd, count[r.room]-written[r.room])
		encodings, data = append(encodings, int16(r.entry.Encoding)), append(data, r.entry.Data)
		sums, authors = append(sums, checksum(r.entry)), append(authors, r.entry.By)
		written[r.room]++
	}
	sql, args := appendSQL, []any{rooms, counts, names, beforeEnd, encodings, data, sums, authors}
	if len(noticed.webhooks) > 0 {
		sql, args = appendNotedSQL, append(args, noticed.webhooks, noticed.kinds, noticed.rooms, noticed.entries)
	}
	next := make(map[string]int64, len(rooms))
	err := transact(context.Background(), s.writer, level, bounds, statement{
		sql:  sql,
		args: args,
		scan: func(rows pgx.Rows) error {
			var name []byte
			var position int64
			_, err := pgx.ForEachRow(rows, []any{&name, &position}, func() error {
				next[string(name)] = position
				return nil
			})
			return err
		},
	})
	if err != nil {
		return err
	}
	for i, r := range batch {
		r.err = nil
		if position, ok := next[r.room]; ok {
			r.position = store.Position(position - beforeEnd[i])
		} else {
			r.err = store.ErrDeleted
		}
	}
	return nil
}
