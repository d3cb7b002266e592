package room

import (
	"time"

	"github.com/yroom/yroom/event"
)

// edits counts the updates that have changed a document. So that it can tell how many
// there were lately, it counts those of the current period and of the one before apart.
type edits struct {
	total           uint64
	current, before uint32
	began           time.Time // of the current period
}

// add counts n updates.
func (e *edits) add(now time.Time, n int) {
	e.advance(now)
	e.total += uint64(n)
	e.current += uint32(n)
}

// advance begins another period if the current one is over.
func (e *edits) advance(now time.Time) {
	switch past := now.Sub(e.began); {
	case past >= 2*event.EditsTime:
		e.before, e.current, e.began = 0, 0, now
	case past >= event.EditsTime:
		e.before, e.current, e.began = e.current, 0, e.began.Add(event.EditsTime)
	}
}

// lately returns about how many updates there were in the last event.EditsTime. Those of
// the period before count as if they had been spread evenly over it.
func (e *edits) lately(now time.Time) int {
	until := *e
	until.advance(now)
	left := event.EditsTime - now.Sub(until.began)
	return int(until.current) + int(time.Duration(until.before)*left/event.EditsTime)
}
