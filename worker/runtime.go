package worker

import (
	"time"

	"github.com/yroom/yroom/internal/turn"
)

// Runtime is what a Worker runs on. Programs leave it out. A simulation brings
// its own, to decide what runs when and how late it is; then all three are needed.
//
// A timer that waits in the Go runtime costs about as much as an entry of a heap
// kept by hand and needs no goroutine to look after it, so AfterFunc is all
// that is asked for.
type Runtime struct {
	// Go has f called later or elsewhere, never before it returns. It can be
	// called from any goroutine.
	Go func(f func())
	// Now tells the time.
	Now func() time.Time
	// AfterFunc has f called once after d, never before AfterFunc returns, and
	// not at all when stop returned true.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

func (r Runtime) withDefaults() Runtime {
	switch {
	case r.Go == nil && r.Now == nil && r.AfterFunc == nil:
		return Runtime{
			Go:        turn.Go,
			Now:       time.Now,
			AfterFunc: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
		}
	case r.Go == nil || r.Now == nil || r.AfterFunc == nil:
		panic("worker: Config.Runtime is given in part")
	}
	return r
}
