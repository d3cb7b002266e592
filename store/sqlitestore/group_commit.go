package sqlitestore

import (
	"math"
	"time"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/internal/group"
)

// maxBatch bounds the bytes of a batch, because what arrives meanwhile waits for it.
const maxBatch = 4 << 20

// writeBatches writes what is queued until the queue is closed and empty. Each batch is
// written in one transaction.
func (s *Store) writeBatches() {
	defer close(s.written)
	for {
		batch := s.queue.Take(math.MaxInt, maxBatch)
		if batch == nil {
			return
		}
		s.writeBatch(batch)
		for _, r := range batch {
			s.finish(r)
		}
		s.queue.Release(batch)
	}
}

// writeBatch carries out all requests of the batch and sets their results. If one of
// them makes the transaction fail, each is tried in a transaction of its own.
func (s *Store) writeBatch(batch []*request) {
	began, err := s.transact(batch)
	if err == nil {
		return
	}
	if !began || len(batch) == 1 {
		fail(batch, err)
		return
	}
	for i, r := range batch {
		if began, err = s.transact(batch[i : i+1]); !began {
			fail(batch[i:], err)
			return
		}
		if err != nil {
			r.err = err
		}
	}
}

// transact carries out the batch in one transaction, at the strictest level among its
// requests. A request that is refused gets its error and changes nothing. Any other
// error rolls back the whole transaction and is returned. began reports whether a
// transaction was started.
func (s *Store) transact(batch []*request) (began bool, err error) {
	level := store.DurabilityCommit
	for _, r := range batch {
		level = min(level, r.level)
	}
	start := time.Now()
	if err := s.writer.begin(level); err != nil {
		return false, err
	}
	for _, r := range batch {
		if r.err = s.writer.apply(r); r.err != nil && !isAnswer(r.err) {
			s.writer.drop(r.err)
			return true, r.err
		}
	}
	if err := s.writer.commit(); err != nil {
		return true, err
	}
	s.config.Events.committed(batch, level, start)
	return true, nil
}

func fail(batch []*request, err error) {
	for _, r := range batch {
		r.err = err
	}
}

// changes has the effect of each kind of request on the existence of its room.
var changes = map[requestKind]group.Change{
	requestAppend:  group.Changed,
	requestCompact: group.Changed,
	requestCreate:  group.Created,
	requestDelete:  group.Deleted,
}

// finish returns the results of r to the call that waits for them.
func (s *Store) finish(r *request) {
	if r.err != nil && !isAnswer(r.err) {
		damaged := isDamage(r.err)
		if r.err = explain(s.path, s.config.LockWait, r.err); damaged {
			r.err = corrupt(r.room, 0, r.err)
		}
		if failed := s.config.Events.Failed; failed != nil {
			failed(r.room, r.err)
		}
	}
	if r.level == store.DurabilityNone {
		s.unawaited.Learn(r.room, changes[r.kind], r.done != nil, r.err)
	}
	if r.done != nil {
		close(r.done)
	}
}
