package sim

import (
	"container/heap"
	"iter"
	"math/rand/v2"
	"slices"
	"time"
)

// schedule runs the calls of a world, one at a time, in an order that depends only on
// its seed. Calls that are ready run in any order. A timer runs when its time has come.
// If nothing is ready, time advances to the next timer at once.
type schedule struct {
	rnd    *rand.Rand
	now    time.Time
	hasty  bool // time also advances while calls are ready
	steps  int
	ready  []call
	timers timers

	running *routine // the routine whose call is running
	idle    []*routine
	made    []*routine
}

// life records whether a process has crashed or ended. Nothing that is scheduled
// for it runs afterwards. While a process is stalled, what is scheduled for it is held.
type life struct {
	dead, stalled bool
	held          []func()
}

// call is a call that is ready to run. It belongs to a process, or to no process if of
// is nil.
type call struct {
	of *life
	f  func()
}

func newSchedule(seed uint64) *schedule {
	return &schedule{rnd: rand.New(rand.NewPCG(seed, 0)), now: time.Unix(1_000_000_000, 0), hasty: true}
}

func (s *schedule) add(of *life, f func()) { s.ready = append(s.ready, call{of, f}) }

// drop removes the calls of a process that has crashed, and returns them and its timers.
func (s *schedule) drop(of *life) (dropped []func()) {
	dropped, of.held = of.held, nil
	s.ready = slices.DeleteFunc(s.ready, func(c call) bool {
		if c.of == of {
			dropped = append(dropped, c.f)
		}
		return c.of == of
	})
	for _, t := range s.timers.list {
		if t.of == of {
			dropped = append(dropped, t.fire)
		}
	}
	return dropped
}

func (s *schedule) after(of *life, d time.Duration, f func()) (stop func() bool) {
	t := &timer{at: s.now.Add(d), nth: s.timers.made, of: of, f: f}
	s.timers.made++
	heap.Push(&s.timers, t)
	return func() bool {
		f := t.f
		t.f = nil
		return f != nil
	}
}

// resume makes the calls of a process that were held ready.
func (s *schedule) resume(of *life) {
	of.stalled = false
	for _, f := range of.held {
		s.add(of, f)
	}
	of.held = nil
}

// over reports whether neither calls nor timers are left.
func (s *schedule) over() bool {
	for len(s.timers.list) > 0 && s.timers.list[0].over() {
		heap.Pop(&s.timers)
	}
	return len(s.timers.list) == 0 && len(s.ready) == 0
}

// step runs one call, and reports whether there was one.
func (s *schedule) step() bool {
	s.steps++
	if s.over() {
		return false
	}
	if len(s.timers.list) > 0 && (len(s.ready) == 0 || s.hasty && s.rnd.IntN(8) == 0) {
		t := heap.Pop(&s.timers).(*timer)
		s.now = t.at
		s.run(t.of, t.fire)
		return true
	}
	i, last := s.rnd.IntN(len(s.ready)), len(s.ready)-1
	c := s.ready[i]
	s.ready[i], s.ready[last] = s.ready[last], call{}
	s.ready = s.ready[:last]
	s.run(c.of, c.f)
	return true
}

// run runs a call, or holds it if its process is stalled.
func (s *schedule) run(of *life, f func()) {
	if of != nil && of.stalled {
		of.held = append(of.held, f)
		return
	}
	f()
}

// chance reports true in percent of all cases.
func (s *schedule) chance(percent int) bool { return s.rnd.IntN(100) < percent }

// within returns a random time up to d.
func (s *schedule) within(d time.Duration) time.Duration {
	return time.Duration(s.rnd.Int64N(int64(d) + 1))
}

// timer is a call that waits for its time.
type timer struct {
	at  time.Time
	nth int
	of  *life
	f   func() // nil: stopped, or called
}

// fire calls f, unless the timer was stopped.
func (t *timer) fire() {
	if f := t.f; f != nil {
		t.f = nil
		f()
	}
}

func (t *timer) over() bool { return t.f == nil || t.of != nil && t.of.dead }

type timers struct {
	list []*timer
	made int
}

func (t *timers) Len() int { return len(t.list) }

func (t *timers) Less(i, j int) bool {
	a, b := t.list[i], t.list[j]
	if a.at.Equal(b.at) {
		return a.nth < b.nth
	}
	return a.at.Before(b.at)
}

func (t *timers) Swap(i, j int) { t.list[i], t.list[j] = t.list[j], t.list[i] }
func (t *timers) Push(x any)    { t.list = append(t.list, x.(*timer)) }

func (t *timers) Pop() any {
	last := len(t.list) - 1
	x := t.list[last]
	t.list[last] = nil
	t.list = t.list[:last]
	return x
}

// routine runs calls that may pause in the middle. It is a coroutine: resuming it costs
// no more than some function calls, and two never run at once.
type routine struct {
	job   func()
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// call calls f, which may pause.
func (s *schedule) call(f func()) {
	var r *routine
	if last := len(s.idle) - 1; last >= 0 {
		r = s.idle[last]
		s.idle = s.idle[:last]
	} else {
		r = &routine{}
		r.next, r.stop = iter.Pull(r.run)
		s.made = append(s.made, r)
	}
	r.job = f
	s.proceed(r)
}

func (r *routine) run(yield func(struct{}) bool) {
	r.yield = yield
	for {
		r.job()
		r.job = nil
		if !yield(struct{}{}) {
			return
		}
	}
}

func (s *schedule) proceed(r *routine) {
	before := s.running
	s.running = r
	r.next()
	s.running = before
	if r.job == nil {
		s.idle = append(s.idle, r)
	}
}

// end ends the routines. No call may be paused.
func (s *schedule) end() {
	for _, r := range s.made {
		r.stop()
	}
}
