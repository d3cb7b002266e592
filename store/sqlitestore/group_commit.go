package sqlitestore

// writeBatches writes what is queued until the queue is closed and empty. A batch
// is all that waits, and goes into one transaction, so that many rooms share the
// cost of a commit. There is no timer: the next batch is what was queued while
// the last one was written.
func (s *Store) writeBatches() {
	defer close(s.written)
	for batch := s.queue.take(); batch != nil; batch = s.queue.take() {
		s.commit(batch)
		for _, r := range batch {
			s.finish(r)
		}
		s.queue.release(batch)
	}
}

// commit does all requests of the batch and sets their errors. If one of them
// makes the transaction fail, each is tried in a transaction of its own.
func (s *Store) commit(batch []*request) {
	began, err := s.writer.transact(batch)
	if err == nil {
		return
	}
	if !began || len(batch) == 1 {
		fail(batch, err)
		return
	}
	for i, r := range batch {
		if began, err = s.writer.transact(batch[i : i+1]); !began {
			fail(batch[i:], err)
			return
		}
		if err != nil {
			r.err = err
		}
	}
}

func fail(batch []*request, err error) {
	for _, r := range batch {
		r.err = err
	}
}

// finish returns the result of r to the call that waits for it.
func (s *Store) finish(r *request) {
	if r.err != nil && !isAnswer(r.err) {
		damaged := isDamage(r.err)
		if r.err = explain(s.path, s.config.LockWait, r.err); damaged {
			r.err = corrupt(r.room, 0, r.err)
		}
	}
	s.unawaited.learn(r)
	if r.done != nil {
		close(r.done)
	}
}
