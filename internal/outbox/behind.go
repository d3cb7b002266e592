package outbox

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Change says how a frame has changed what the connection lacks.
type Change uint8

// The changes.
const (
	ChangeNone     Change = iota
	ChangeBehind          // updates are missing from now on
	ChangeResynced        // the missing updates have arrived
	ChangeRejoined        // the room has answered a Join with GreetingRejoin
	ChangeOverrun         // a frame that can't be dropped didn't fit: the connection has to end
)

// addBroadcast queues a broadcast if it continues the document frame that was queued
// last. Otherwise it is a duplicate, or updates are missing.
func (o *Outbox) addBroadcast(f *Frame) Change {
	o.seen = later(o.seen, f.Mark)
	if o.behind {
		return ChangeNone
	}
	if o.follows {
		same := f.Mark.Epoch == o.last.Epoch
		if same && f.Mark.Seq <= o.last.Seq {
			return ChangeNone
		}
		if !same || f.Mark.Seq != o.last.Seq+1 {
			o.behind = true // the frames that wait have no gap, and are written
			return ChangeBehind
		}
	}
	if !o.fits(f) {
		return o.overflow()
	}
	if o.follows {
		o.last = f.Mark
	}
	o.push(f)
	return ChangeNone
}

// addWhole queues the answer to a SyncStep1, a Resync or a Join; step2 reports whether it is
// no Resync. The outbox is no longer behind then, unless a newer frame has arrived before
// the answer.
func (o *Outbox) addWhole(f *Frame, step2 bool) Change {
	newer := later(o.last, f.Mark) == f.Mark
	rejoined := step2 && o.rejoining
	if step2 {
		o.rejoining = false
	}
	f.whole = true
	f.keep = rejoined && newer || step2 && !o.greeted || !step2 && o.asked || o.granted > 0
	o.granted, o.need = 0, 0
	if step2 {
		o.question, o.questioned = nil, false
	}
	if !f.keep && !o.fits(f) {
		return o.overflow()
	}
	if f.Type == protocol.SyncStep2 {
		o.ending = nil
	}
	if step2 {
		o.greeted = true
	} else {
		o.asked = false
	}
	if rejoined && newer {
		o.dropDocument(func(*Frame) bool { return false })
	}
	was := o.behind
	if newer || was {
		o.last = f.Mark
	}
	if o.last.Epoch == o.seen.Epoch {
		o.behind = o.last.Seq < o.seen.Seq
	} else if rejoined { // the answer is of the next epoch
		o.behind = false
	}
	o.follows, o.seen = true, later(o.seen, f.Mark)
	o.push(f)
	switch {
	case rejoined:
		return ChangeRejoined
	case was && !o.behind:
		return ChangeResynced
	case !was && o.behind:
		return ChangeBehind
	default:
		return ChangeNone
	}
}

// later returns the later of two Marks. If their epochs differ, it returns the second.
func later(a, b event.Mark) event.Mark {
	if a.Epoch == b.Epoch && a.Seq > b.Seq {
		return a
	}
	return b
}

// fits reports whether a document frame may be queued in addition to those that wait.
func (o *Outbox) fits(f *Frame) bool {
	held := o.waiting + o.writing
	return held == 0 || held+f.cost() <= o.size/2
}

// overflow drops the document frames that wait, except those to be kept.
func (o *Outbox) overflow() Change {
	o.dropDocument(func(f *Frame) bool { return f.keep })
	if o.behind {
		return ChangeNone
	}
	o.behind = true
	return ChangeBehind
}
