package worker

import "sync/atomic"

const (
	defaultIntake = 256 << 20
	ownIntake     = 64 << 10 // what a room may take in any case
)

// intake bounds the bytes that wait for rooms or for the store: inputs in mailboxes, and
// updates that are not stored yet. A mailbox bounds those of its room, but there may be
// thousands of rooms.
type intake struct {
	limit int64
	used  atomic.Int64
}

// share is what one room has of the intake.
type share struct {
	intake *intake
	used   atomic.Int64
	kept   int // what of it is not stored yet; used in turns only
}

// take takes n bytes for an input, and reports whether the room may have them. A single
// input may be larger than the limit.
func (s *share) take(n int) bool {
	own, all := s.used.Add(int64(n)), s.intake.used.Add(int64(n))
	if own > ownIntake && all > max(s.intake.limit, int64(n)) {
		s.free(n)
		return false
	}
	return true
}

// free frees n bytes, or takes more in any case if n is negative.
func (s *share) free(n int) {
	s.used.Add(-int64(n))
	s.intake.used.Add(-int64(n))
}

// keep sets how many bytes are not stored yet.
func (s *share) keep(n int) {
	if n != s.kept {
		s.free(s.kept - n)
		s.kept = n
	}
}
