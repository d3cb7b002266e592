package worker

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/room"
)

// A broadcast is a write to each connection, which costs more than everything else that is
// done for an edit. So a room with many connections has a pause after each turn that has
// broadcast something: inputs wait in the mailbox, in their order, and the next turn takes
// all of them and makes one append and one broadcast. The first input after a time without
// broadcasts doesn't wait.
//
// A turn that was a portion of what waits is followed by no pause, because the inputs that it
// has left have waited already. Nor do inputs wait that fill half of the mailbox.
//
// A timer for the end of a pause is set only once an input waits, because waking an idle processor
// costs about as much as an edit.

const (
	// defaultPace is the time between two frames of most screens: clients can't show more
	// states than that.
	defaultPace = 16 * time.Millisecond
	// restAfter is how long after the last edit the pauses of a room become twice as long. Then
	// only awareness is sent, and cursors that move 30 times a second look smooth.
	restAfter = time.Second
	// defaultFew is how many connections a room may have without pauses. If 25 people type
	// five characters a second each, the writes take 2 % of a processor.
	defaultFew = 25
)

// pause returns how long the room waits after a broadcast. It grows with the connections, so
// that one more doesn't make a room much slower.
func (a *actor) pause(now time.Time) time.Duration {
	few := a.worker.config.Few
	more := min(max(len(a.receivers.known)-few, 0), few)
	pause := a.settings.Pace * time.Duration(more) / time.Duration(few)
	if now.Sub(a.edited) > restAfter {
		return 2 * pause
	}
	return pause
}

// pausing reports whether a pause was begun and not ended. It may be over, if nothing has come since.
func (a *actor) pausing() bool { return !a.pauseEnds.IsZero() }

// pauseDue returns when the pause has to be ended, or zero if nothing waits for that.
func (a *actor) pauseDue() time.Time {
	if a.pausing() && a.mail.Waiting() {
		return a.pauseEnds
	}
	return time.Time{}
}

// beginPause begins a pause, if the room has many connections. A room that is to be handed
// over has none, because what waits is handled before.
func (a *actor) beginPause(now time.Time) {
	if pause := a.pause(now); pause > 0 && !a.pausing() && a.closed == nil && !a.draining && !a.moved {
		a.pauseEnds = now.Add(pause)
		a.mail.Pause()
	}
}

// endPauseBy ends the pause if it is over.
func (a *actor) endPauseBy(now time.Time) {
	if !now.Before(a.pauseEnds) {
		a.endPause()
	}
}

// endPause ends the pause, if there is one.
func (a *actor) endPause() {
	if a.pausing() {
		a.pauseEnds = time.Time{}
		a.mail.Resume()
	}
}

// broadcasts reports whether effects has a message for everyone.
func broadcasts(effects *room.Effects) bool {
	for _, outs := range [][]event.Output{effects.Now, effects.Durable} {
		for i := range outs {
			if outs[i].To == event.Everyone {
				return true
			}
		}
	}
	return false
}
