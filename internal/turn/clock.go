package turn

import "time"

// Go is the usual executor: a goroutine.
func Go(f func()) { go f() }

// Clock tells the time and calls back after a time.
//
// A timer that waits in the runtime costs about as much as an entry of a heap
// kept by hand and needs no goroutine to look after it, so AfterFunc is all
// that is asked for.
type Clock struct {
	Now func() time.Time
	// AfterFunc has f called once after d, never before AfterFunc returns, and
	// not at all when stop returned true.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// Wall is the usual clock.
func Wall() Clock {
	return Clock{
		Now:       time.Now,
		AfterFunc: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
	}
}
