// Package rate bounds how often something happens.
package rate

import (
	"sync"
	"time"
)

// burst is the pause after which a Limit allows the most at once.
const burst = 5 * time.Second

// Limit allows a number of events each second. After a pause of five seconds, it allows
// five times that number at once. Its methods can be called from any goroutine.
type Limit struct {
	each time.Duration // the time that an event takes up

	mu    sync.Mutex
	taken time.Time // the events that were allowed have taken up the time until then
}

// New returns a Limit of perSecond events, which is more than zero.
func New(perSecond int) *Limit {
	return &Limit{each: max(time.Second/time.Duration(perSecond), 1)}
}

// Rested reports whether the Limit allows as much at now as a new one.
func (l *Limit) Rested(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.taken) >= burst
}

// Take reports whether one more event is allowed at now.
func (l *Limit) Take(now time.Time) bool {
	_, ok := l.Reserve(now, 0)
	return ok
}

// Reserve reports whether one more event is allowed within patience from now, and returns how
// long it has to wait. Events are allowed in the order of their calls.
func (l *Limit) Reserve(now time.Time, patience time.Duration) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.taken
	if now.Sub(taken) > burst {
		taken = now.Add(-burst)
	}
	taken = taken.Add(l.each)
	wait = max(taken.Sub(now), 0)
	if wait > patience {
		return 0, false
	}
	l.taken = taken
	return wait, true
}
