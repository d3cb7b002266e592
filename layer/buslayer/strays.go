package buslayer

import "time"

const (
	// strayPause is how long no strays must come before they have ended.
	strayPause = 10 * time.Second
	// strayPatience is how long they may come when workers come and go.
	strayPatience = 30 * time.Second
)

// strays notices that inputs reach this worker, again and again, whose rooms it would
// place elsewhere. Processes agree on places within seconds, unless their channels
// differ.
type strays struct {
	seen        uint64
	first, last time.Time // zero: none come
	noticed     bool
}

// notice is told how many there were so far. It reports true once they have come for
// too long.
func (s *strays) notice(now time.Time, total uint64) bool {
	switch {
	case total > s.seen:
		s.seen, s.last = total, now
		if s.first.IsZero() {
			s.first = now
		}
	case now.Sub(s.last) >= strayPause:
		s.first, s.noticed = time.Time{}, false
	}
	if s.noticed || s.first.IsZero() || now.Sub(s.first) < strayPatience {
		return false
	}
	s.noticed = true
	return true
}
