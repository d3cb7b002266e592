package worker

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/room"
)

const (
	// slowTurn is how long a turn should take at most.
	slowTurn = 10 * time.Millisecond
	// largeTurn is the size of inputs whose turn is treated as slow: while they are read, they
	// take some times their size in memory.
	largeTurn = 1 << 20
	// firstMost is how many inputs the first turn takes at most.
	firstMost = 4
)

// portion keeps rooms whose inputs cost much time from delaying other rooms. Such a room
// takes fewer inputs in each turn, and only some rooms have a slow turn at once: as many as
// half of the processors, but at least one. So other rooms always find a processor.
type portion struct {
	most int  // how many inputs a turn takes at most
	slow bool // the last turn was slow, or not much faster than a slow one before it
}

// stepRoom calls Step.
func (a *actor) stepRoom(ins []event.Input, now time.Time) room.Effects {
	size := 0
	for i := range ins {
		size += ins[i].Size()
	}
	begin := now
	if a.portion.slow || size > largeTurn {
		a.worker.slow <- struct{}{}
		defer func() { <-a.worker.slow }()
		begin = a.worker.config.Runtime.Now()
	}
	effects := a.worker.step(a.room, now, ins)
	took := a.worker.config.Runtime.Now().Sub(begin)
	if a.portion.took(len(ins), took) {
		a.mail.Limit(a.portion.most)
	}
	report(a.worker, a.worker.config.Events.Turn, TurnInfo{
		Room:     a.name,
		Inputs:   len(ins),
		Trace:    a.trace,
		Added:    len(effects.Update),
		Duration: took,
	})
	return effects
}

// took records how long a turn with n inputs took, and reports whether most has changed.
func (p *portion) took(n int, took time.Duration) bool {
	p.slow = took > slowTurn || p.slow && took > slowTurn/4
	switch {
	case took > slowTurn:
		p.most = max(int(time.Duration(n)*slowTurn/took), 1)
	case took < slowTurn/2 && n >= p.most:
		p.most *= 2
	default:
		return false
	}
	return true
}
