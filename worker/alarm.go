package worker

import "time"

// alarm is a timer that starts a turn of an actor.
type alarm struct {
	at   time.Time
	stop func() bool
}

// arm sets the alarm for the next time at which the actor has something to do.
// An alarm that is set for an earlier time is kept, since a turn too many does
// no harm and most deadlines only move later.
func (a *actor) arm(now time.Time) {
	at := a.deadline
	// Times that have passed already are ignored: what was due then waits for an append, a
	// compaction or a check, and its end starts a turn.
	for _, t := range [6]time.Time{a.removeAt, a.pauseDue(), a.answersBy, a.compaction.due(a.settings.AutosaveDelay), a.checks.due(), a.suspension.due()} {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if at.IsZero() || a.alarm != nil && !at.Before(a.alarm.at) {
		return
	}
	a.disarm()
	set := &alarm{at: at}
	set.stop = a.worker.afterFunc(at.Sub(now), func() {
		a.mail.Post(func() {
			if a.alarm == set {
				a.alarm = nil
			}
		})
	})
	a.alarm = set
}

func (a *actor) disarm() {
	if a.alarm != nil {
		a.alarm.stop()
	}
	a.alarm = nil
}

// afterFunc calls f once after d. Run doesn't return before f has returned or
// stop has stopped it.
func (w *Worker) afterFunc(d time.Duration, f func()) (stop func() bool) {
	w.live.Add(1)
	cancel := w.config.Runtime.AfterFunc(d, func() {
		defer w.live.Done()
		f()
	})
	return func() bool {
		stopped := cancel()
		if stopped {
			w.live.Done()
		}
		return stopped
	}
}
