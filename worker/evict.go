package worker

import "time"

// settle ends the actor if it has nothing left to do. Otherwise it sets the alarm for
// the next turn. A room is evicted RemoveDelay after its last connection has left, and
// closedFor after it was closed. A room that another worker takes over is evicted
// immediately, and so is one without connections if the memory is needed; when the worker
// drains, every room is.
func (a *actor) settle(now time.Time) {
	switch {
	case a.closed == nil && !a.empty:
		a.removeAt = time.Time{}
	case !a.removeAt.IsZero():
	case a.closed != nil:
		a.removeAt = now.Add(closedFor)
	default:
		a.removeAt = now.Add(a.settings.RemoveDelay)
	}
	a.pressed = a.pressed && a.closed == nil && a.empty
	leaving := a.draining || a.moved
	ending := leaving || a.pressed || !a.removeAt.IsZero() && !now.Before(a.removeAt)
	a.weigh(ending)
	idle := !a.loading() && !a.writing.any() // then nothing else waits for the store
	if leaving && idle && a.closed == nil {
		a.guarded(a.handOver) // before a compaction, which takes time
	}
	if !a.writing.any() || !ending {
		a.compact(now, ending)
	}
	if !ending {
		a.check(now)
	}
	if ending && idle && !a.compaction.running && !a.checks.running && a.mail.Close() {
		a.disarm()
		a.worker.memory.setIdle(a, false)
		a.worker.memory.charge(a, 0)
		a.worker.counts.remove(a.counted)
		a.worker.forget(a)
		a.guarded(a.reportEviction)
		a.worker.live.Done()
		return
	}
	a.count()
	a.arm(now)
}

func (a *actor) reportEviction() {
	report(a.worker, a.worker.config.Events.Evicted, a.name)
}
