package worker

import (
	"time"

	"github.com/yroom/yroom/internal/mailbox"
	"github.com/yroom/yroom/internal/pool"
)

// Runtime is the scheduler and the clock of a Worker. The zero value stands for
// goroutines and the system clock. A simulation, which decides what runs when, sets all
// three functions.
//
// There are no timers besides AfterFunc: a timer of the Go runtime costs about as much
// as an entry of a heap and needs no goroutine.
type Runtime struct {
	// Go calls f later or elsewhere, never before Go returns. It can be called
	// from any goroutine.
	Go func(f func())
	// Now returns the time.
	Now func() time.Time
	// AfterFunc calls f once after d, never before AfterFunc returns, and not at
	// all if stop has returned true.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// next returns f, so that a mailbox.Func can return it and the same goroutine calls it. In a
// simulation, which decides when f runs, next passes f to Runtime.Go and returns nil.
func (w *Worker) next(f mailbox.Func) mailbox.Func {
	if w.simulated && f != nil {
		w.config.Runtime.Go(f.Run)
		return nil
	}
	return f
}

// withDefaults returns r or, if it is the zero value, the runtime that it stands for, whose
// goroutines are those of p.
func (r Runtime) withDefaults(p *pool.Pool) Runtime {
	switch {
	case r.Go == nil && r.Now == nil && r.AfterFunc == nil:
		return Runtime{
			Go:        p.Run,
			Now:       time.Now,
			AfterFunc: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
		}
	case r.Go == nil || r.Now == nil || r.AfterFunc == nil:
		panic("worker: Config.Runtime has some functions and lacks others")
	}
	return r
}
