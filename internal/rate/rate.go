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
	each  time.Duration // the time that an event takes up
	taken Account
}

// New returns a Limit of perSecond events, which is more than zero.
func New(perSecond int) *Limit {
	return &Limit{each: max(time.Second/time.Duration(perSecond), 1)}
}

// Rested reports whether the Limit allows as much at now as a new one.
func (l *Limit) Rested(now time.Time) bool { return l.taken.Rested(now, burst) }

// Take reports whether one more event is allowed at now.
func (l *Limit) Take(now time.Time) bool {
	_, ok := l.Reserve(now, 0)
	return ok
}

// Reserve reports whether one more event is allowed within patience from now, and returns how
// long it has to wait. Events are allowed in the order of their calls.
func (l *Limit) Reserve(now time.Time, patience time.Duration) (wait time.Duration, ok bool) {
	return l.taken.Reserve(now, l.each, burst, patience)
}

// Account counts the time that events take up, which may be another one for each: at a rate of
// ten a second, an event takes up 100 ms. Its zero value has taken up nothing. Its methods can
// be called from any goroutine.
type Account struct {
	mu    sync.Mutex
	until time.Time // the events that were allowed have taken up the time until then
}

// Rested reports whether the Account allows as much at now as a new one, with this burst.
func (a *Account) Rested(now time.Time, burst time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return now.Sub(a.until) >= burst
}

// Reserve reports whether an event that takes up some time is allowed within patience from
// now, and returns how long it has to wait. The burst is how much time of a pause can be
// taken up later.
func (a *Account) Reserve(now time.Time, takes, burst, patience time.Duration) (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	until := a.until
	if now.Sub(until) > burst {
		until = now.Add(-burst)
	}
	until = until.Add(takes)
	wait = max(until.Sub(now), 0)
	if wait > patience {
		return 0, false
	}
	a.until = until
	return wait, true
}
