package buslayer

import "time"

const (
	// strayPause is the time without strays after which a series of them has ended.
	strayPause = 10 * time.Second
	// strayPatience is how long a series may last. Short ones occur when workers come and go.
	strayPatience = 30 * time.Second
)

// strays notices that strays keep reaching this worker. Processes agree within seconds on
// where they place rooms, unless they have different channels for them.
type strays struct {
	seen        uint64
	first, last time.Time // of a series; first is zero if there is none
	noticed     bool
}

// notice takes the number of strays so far. It returns true once for a series that lasts
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
