// Package pool runs functions on goroutines that it keeps for later functions.
package pool

import (
	"runtime"
	"sync/atomic"
)

// Pool runs functions on goroutines. It keeps some for later functions: the stack of a new
// goroutine is small, and growing it takes longer than passing a function to one that has
// grown before.
type Pool struct {
	calls chan func()
	stop  chan struct{} // closed to end the goroutines that are kept
	most  int32         // how many are kept at most
	kept  atomic.Int32
}

// New returns a Pool without goroutines.
func New() *Pool {
	return &Pool{calls: make(chan func()), stop: make(chan struct{}), most: int32(16 * runtime.GOMAXPROCS(0))}
}

// Run calls f on another goroutine. It doesn't block.
func (p *Pool) Run(f func()) {
	select {
	case p.calls <- f:
		return
	default:
	}
	if p.kept.Load() < p.most && p.kept.Add(1) <= p.most {
		go p.work(f)
	} else {
		go f()
	}
}

// work calls f, and then what is passed to it.
func (p *Pool) work(f func()) {
	for {
		f()
		select {
		case f = <-p.calls:
		case <-p.stop:
			return
		}
	}
}

// Close ends the goroutines that are kept, each once its function has returned. Functions
// can still be run. Close must be called only once.
func (p *Pool) Close() { close(p.stop) }
