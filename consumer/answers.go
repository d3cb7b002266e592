package consumer

import (
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom/internal/outbox"
)

// answers bounds the memory of large answers: those that are larger than half of the
// outbox of their connection. A room offers such an answer. The connection requests it
// when everything else is written and the bytes are reserved, for which it may have to wait.
// An answer that several connections share is counted once.
type answers struct {
	size int // the bound in bytes; one answer may be larger

	mu      sync.Mutex
	used    int              // reserved for answers that are to arrive, and taken by those that have
	shares  map[*byte]*share // the answers that have arrived, by their first byte
	grants  map[*Conn]*grant // the connections that have answers, or something reserved
	waiting []*Conn          // in the order of their turns
	needs   map[*Conn]int    // of those that wait
}

// share is an answer that some connections hold.
type share struct{ size, conns int }

// grant is what one connection has of the bound.
type grant struct {
	reserved int
	held     []*byte   // the answers
	bytes    int       // of all of these
	since    time.Time // when it got the first, or an answer was written
}

func newAnswers(size int) *answers {
	return &answers{size: size, shares: make(map[*byte]*share), grants: make(map[*Conn]*grant), needs: make(map[*Conn]int)}
}

// reserve reserves n bytes for an answer to c, and reports whether it did. Otherwise c
// waits, and wake calls its grant when the bytes are reserved. If freed is true, c had
// fewer bytes and has given them up, and the caller has to call wake.
func (a *answers) reserve(c *Conn, n int) (ok, freed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, waits := a.needs[c]; waits {
		a.needs[c] = n
		return false, false
	}
	if len(a.waiting) == 0 && a.fits(c, n) {
		a.set(c, n)
		return true, false
	}
	if g := a.grants[c]; g != nil && g.reserved > 0 {
		freed = true
		a.set(c, 0) // two that each have a part of what they need would wait for each other
		a.tidy(c, g)
	}
	a.waiting = append(a.waiting, c)
	a.needs[c] = n
	return false, freed
}

func (a *answers) fits(c *Conn, n int) bool {
	others := a.used
	if g := a.grants[c]; g != nil {
		others -= g.reserved
	}
	return others == 0 || others+n <= a.size
}

// set makes n bytes what is reserved for c.
func (a *answers) set(c *Conn, n int) {
	g := a.of(c)
	a.used += n - g.reserved
	g.reserved = n
}

func (a *answers) of(c *Conn) *grant {
	g := a.grants[c]
	if g == nil {
		g = &grant{since: time.Now()}
		a.grants[c] = g
	}
	return g
}

// hold replaces what is reserved for c, if anything, by an answer that has arrived.
func (a *answers) hold(c *Conn, data []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopWaiting(c)
	a.set(c, 0)
	g, first := a.of(c), &data[0]
	if slices.Contains(g.held, first) {
		return
	}
	g.held = append(g.held, first)
	g.bytes += len(data)
	s := a.shares[first]
	if s == nil {
		s = &share{size: len(data)}
		a.shares[first] = s
		a.used += s.size
	}
	s.conns++
}

// wrote frees the answers of c that are among frames, and reports whether there are any.
// The caller calls wake afterwards.
func (a *answers) wrote(c *Conn, frames []*outbox.Frame) (freed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.grants[c]
	if g == nil {
		return false
	}
	for _, f := range frames {
		i := -1
		if len(f.Body) > 0 {
			i = slices.Index(g.held, &f.Body[0])
		}
		if i >= 0 {
			a.drop(g.held[i])
			g.held, g.bytes, g.since = slices.Delete(g.held, i, i+1), g.bytes-len(f.Body), time.Now()
			freed = true
		}
	}
	a.tidy(c, g)
	return freed
}

// drop ends the share of one connection in an answer.
func (a *answers) drop(first *byte) {
	s := a.shares[first]
	if s.conns--; s.conns == 0 {
		a.used -= s.size
		delete(a.shares, first)
	}
}

// tidy forgets the grant of c if it has nothing left.
func (a *answers) tidy(c *Conn, g *grant) {
	if g.reserved == 0 && len(g.held) == 0 {
		delete(a.grants, c)
	}
}

// giveUp frees what is reserved for c. The caller calls wake afterwards.
func (a *answers) giveUp(c *Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.set(c, 0)
	a.tidy(c, a.grants[c])
}

// release frees what c has. The caller calls wake afterwards.
func (a *answers) release(c *Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopWaiting(c)
	g := a.grants[c]
	if g == nil {
		return
	}
	delete(a.grants, c)
	a.used -= g.reserved
	for _, first := range g.held {
		a.drop(first)
	}
}

func (a *answers) stopWaiting(c *Conn) {
	if _, waits := a.needs[c]; waits {
		delete(a.needs, c)
		a.waiting = slices.DeleteFunc(a.waiting, func(x *Conn) bool { return x == c })
	}
}

// wake reserves for the connections whose turn has come. No lock must be held.
func (a *answers) wake() {
	for {
		c, n := a.next()
		if c == nil {
			return
		}
		c.grant(n)
	}
}

// next returns the connection whose turn it is, if what it needs can be reserved.
func (a *answers) next() (c *Conn, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 || !a.fits(a.waiting[0], a.needs[a.waiting[0]]) {
		return nil, 0
	}
	c = a.waiting[0]
	n = a.needs[c]
	a.stopWaiting(c)
	a.set(c, n)
	return c, n
}

// in returns the connections in a room that wait.
func (a *answers) in(room string) (conns []*Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.waiting {
		if c.room == room {
			conns = append(conns, c)
		}
	}
	return conns
}

const (
	answerTime = time.Minute // how long a client may take to read an answer while others wait
	answerPace = 256 << 10   // for so many bytes of the answer, it may take a second more
)

// overdue returns the connections whose clients take too long to read their answers while
// others wait. If these were not cut off, a few clients that read a byte now and then
// could keep all others from any large document.
func (a *answers) overdue(now time.Time) (conns []*Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return nil
	}
	for c, g := range a.grants {
		if now.Sub(g.since) > answerTime+time.Duration((g.bytes+g.reserved)/answerPace)*time.Second {
			conns = append(conns, c)
		}
	}
	return conns
}
