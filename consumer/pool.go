package consumer

import (
	"runtime"
	"sync/atomic"
)

// pool runs functions on goroutines. It keeps some for later functions: the stack of a new
// goroutine is small, and growing it takes longer than passing a function to one that has
// grown before.
type pool struct {
	calls chan func()
	stop  chan struct{} // closed to end the goroutines that are kept
	most  int32         // how many are kept at most
	kept  atomic.Int32
}

func newPool() *pool {
	return &pool{calls: make(chan func()), stop: make(chan struct{}), most: int32(16 * runtime.GOMAXPROCS(0))}
}

// run calls f on another goroutine. It doesn't block.
func (p *pool) run(f func()) {
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
func (p *pool) work(f func()) {
	for {
		f()
		select {
		case f = <-p.calls:
		case <-p.stop:
			return
		}
	}
}
