package djangolayer

import (
	"context"
	"time"
)

const (
	fewConns = 5                     // see Pauses
	pace     = 50 * time.Millisecond // the same

	// gatherMost is how many messages may be expected to come while pop waits. A Django process
	// can't send to a channel that has 100 messages.
	gatherMost = 10
	// urgentFor is how long after a message that must not wait none waits.
	urgentFor = time.Second
)

// Pauses returns how many connections a room may have without pauses, and how long a pause is: see
// worker.Config. Django takes 0.4 ms to pass a message to a client, which is far more than a worker's
// own write takes. So pauses begin at fewer connections than elsewhere and are longer, and several
// edits are sent as one message.
func (l *Layer) Pauses() (few int, pace time.Duration) { return fewConns, pace }

// gather decides how long pop waits until it takes the next messages. If people type in a room that
// pauses, each message wakes the worker, only to wait until the pause of the room has ended, and
// waking costs more than handling it. So while all messages are for such rooms, pop waits as
// long as the rooms do, and takes several at once.
type gather struct {
	taken  int           // messages since the last call of wait
	pause  time.Duration // the shortest pause of a room that they are for
	gap    time.Duration // the mean time between two messages lately
	last   time.Time     // when messages were last taken
	urgent time.Time     // when one was last taken that must not wait
}

// note records that a message was taken. pause is how long its room pauses, 0 if it must not wait.
func (g *gather) note(pause time.Duration) {
	if g.taken == 0 || pause < g.pause {
		g.pause = pause
	}
	g.taken++
}

// wait returns how long to wait after the messages that were noted.
func (g *gather) wait(now time.Time) time.Duration {
	if g.taken == 0 {
		return 0
	}
	if g.pause == 0 {
		g.urgent = now
	}
	// A little longer than the room pauses, which begins a little later: then the room takes all
	// of them at once.
	wait := g.pause + g.pause/10
	gap := now.Sub(g.last) / time.Duration(g.taken)
	g.gap += (min(gap, 2*pace) - g.gap) / 4 // a long time without messages says nothing about those that follow
	g.taken, g.last = 0, now
	if now.Sub(g.urgent) < urgentFor || g.gap > wait { // or mostly, none would come while pop waits
		return 0
	}
	return min(wait, gatherMost*g.gap)
}

// pauseOf returns how long the room of a message pauses, as far as messages wait for that, and 0 if the
// message must not wait.
func (p *proxy) pauseOf(m message) time.Duration {
	r := p.rooms[m.room]
	if m.typ != typeMessage || r == nil || len(r.conns) < 2*fewConns || len(p.due) > 0 {
		return 0
	}
	return r.pause
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
