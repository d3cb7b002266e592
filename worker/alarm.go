package worker

import "time"

// alarm is a call of the clock that a room waits for.
type alarm struct {
	at   time.Time
	stop func() bool
}

// arm sees to it that the actor has a turn when its room wants one. An alarm
// that rings too early does no harm, so one that is set is kept where it can be:
// most deadlines only move away.
func (a *actor) arm(now time.Time) {
	at := a.deadline
	// A removal or a compaction that is due waits for an append.
	for _, t := range [2]time.Time{a.removeAt, a.compaction.due(a.settings.AutosaveDelay)} {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if at.IsZero() || a.alarm != nil && !at.Before(a.alarm.at) {
		return
	}
	a.disarm()
	set := &alarm{at: at}
	a.worker.live.Add(1)
	set.stop = a.worker.config.Runtime.AfterFunc(at.Sub(now), func() {
		defer a.worker.live.Done()
		a.mail.Post(func() {
			if a.alarm == set {
				a.alarm = nil
			}
		})
	})
	a.alarm = set
}

func (a *actor) disarm() {
	if a.alarm != nil && a.alarm.stop() {
		a.worker.live.Done()
	}
	a.alarm = nil
}
