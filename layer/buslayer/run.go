package buslayer

import (
	"cmp"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/link"
)

// unlock unlocks l.mu after a call of the Node, and wakes the goroutines that have to
// do something because of it.
func (l *Layer) unlock() {
	calls := l.collect()
	l.mu.Unlock()
	if calls {
		wake(l.due)
	}
	wake(l.outgoing)
}

// collect takes over the calls that the Node wants, and reports whether there are any.
func (l *Layer) collect() bool {
	events := l.node.Events()
	l.queued += uint64(len(events))
	if l.calls == nil {
		l.calls = events
	} else {
		l.calls = append(l.calls, events...)
	}
	return len(l.calls) > 0
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// receive is Subscriber.Receive.
func (l *Layer) receive(data []byte) {
	select {
	case l.arrived <- data:
	case <-l.stop:
	}
}

// subscribed is Subscriber.Subscribed.
func (l *Layer) subscribed() {
	l.mu.Lock()
	defer l.unlock()
	if l.outage != nil {
		l.log.Info("the connection to the broker works again")
	}
	l.outage = nil
	l.renewed = time.Now()
	l.node.Resume(l.renewed)
	l.connect.Do(func() { close(l.connected) })
}

// interrupted is Subscriber.Interrupted.
func (l *Layer) interrupted(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.outage == nil && !l.closing {
		l.log.Warn("the connection to the broker was interrupted", "error", err)
	}
	l.outage = err
}

// run passes to the Node what arrives and the time, and calls the handlers.
func (l *Layer) run() {
	tick := time.NewTicker(link.TickInterval)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return
		case data := <-l.arrived:
			l.pass(data)
		case <-tick.C:
			l.tick()
		case <-l.due:
		}
		l.call()
	}
}

// pass passes a packet to the Node, and some of those that have arrived meanwhile.
func (l *Layer) pass(data []byte) {
	const most = 256 << 10 // bytes, so that neither the handlers nor Send and Deliver wait long
	l.mu.Lock()
	defer l.passed()
	now := time.Now()
	for size := 0; ; {
		l.node.Receive(now, data)
		if size += len(data); size >= most {
			return
		}
		select {
		case data = <-l.arrived:
		default:
			return
		}
	}
}

// passed does what unlock does, for the goroutine that calls the handlers itself.
func (l *Layer) passed() {
	l.collect()
	l.mu.Unlock()
	wake(l.outgoing)
}

// tick passes the time to the Node, and logs what the Node has noticed.
func (l *Layer) tick() {
	now := time.Now()
	l.mu.Lock()
	givenUp := l.node.Tick(now)
	was, deaf := l.deaf, l.node.Deaf()
	l.deaf = deaf
	renew := deaf && now.Sub(l.renewed) >= renewInterval
	if renew {
		l.renewed = now
	}
	strayed := l.strays.notice(now, l.node.Stats().Strays)
	l.passed()
	switch {
	case deaf && !was:
		l.log.Warn("the broker doesn't carry messages")
	case was && !deaf:
		l.log.Info("the broker carries messages again")
	}
	for _, p := range givenUp {
		// Without a heartbeat, a process has no name.
		l.log.Warn("a process has sent nothing for too long and is given up", "process", cmp.Or(p.Name, p.ID.String()))
	}
	if strayed {
		l.log.Warn("other processes keep sending inputs of rooms that another worker runs: give each room the same channel in the settings of all processes")
	}
	if renew {
		l.bus.Renew()
	}
}

// call calls the handlers until no call is due.
func (l *Layer) call() {
	for made := 0; ; {
		l.mu.Lock()
		l.made += uint64(made)
		if made > 0 {
			l.idle.Broadcast()
		}
		calls := l.calls
		l.calls = nil
		l.mu.Unlock()
		if len(calls) == 0 {
			return
		}
		for i := range calls {
			l.carryOut(&calls[i])
		}
		made = len(calls)
	}
}

// wait waits until all calls that are due now were made. l.mu is held.
func (l *Layer) wait() {
	for until := l.queued; l.made < until && !l.stopped; {
		l.idle.Wait()
	}
}

// carryOut makes a call, unless its end is closed.
func (l *Layer) carryOut(e *link.Event) {
	switch e.Kind {
	case link.EventInput:
		l.withBack(func(h *layer.BackHandler) {
			if h.Handle(e.Input) != nil {
				l.deliver([]layer.Output{link.Refusal(&e.Input)})
			}
		})
	case link.EventOutputs:
		l.mu.Lock()
		f := l.fronts[e.Front]
		l.mu.Unlock()
		if f != nil {
			f.deliver(e.Outputs)
		}
	case link.EventFrontLost:
		for _, f := range l.all() {
			f.lost(e.Rooms)
		}
	case link.EventBackLost:
		l.withBack(func(h *layer.BackHandler) { h.Lost(e.Address) })
	case link.EventGone:
		l.withBack(func(h *layer.BackHandler) { h.Gone(e.Address) })
	case link.EventMoved:
		l.withBack(func(h *layer.BackHandler) { h.Moved(e.Rooms) })
	}
}

// withBack calls f with the handler of the worker, if there is one that is not drained.
func (l *Layer) withBack(f func(h *layer.BackHandler)) {
	l.mu.Lock()
	b := l.back
	l.mu.Unlock()
	if b != nil && b.gate.Enter() {
		defer b.gate.Leave()
		f(&b.handler)
	}
}

// all returns the fronts.
func (l *Layer) all() []*front {
	l.mu.Lock()
	defer l.mu.Unlock()
	fronts := make([]*front, 0, len(l.fronts))
	for _, f := range l.fronts {
		fronts = append(fronts, f)
	}
	return fronts
}

// publish publishes what the Node wants to send, in batches.
func (l *Layer) publish() {
	defer close(l.published)
	var batch []link.Packet
	<-l.connected         // the process doesn't receive what it publishes before
	var failing time.Time // when publishing began to fail; zero if it works
	for {
		var last bool
		batch, last = l.batch(batch[:0])
		if len(batch) == 0 {
			if last {
				return
			}
			select {
			case <-l.outgoing:
			case <-l.stop:
				return
			}
			continue
		}
		err := l.bus.Publish(batch)
		clear(batch)
		l.mu.Lock()
		l.refused = err
		l.mu.Unlock()
		switch {
		case err != nil && failing.IsZero():
			failing = time.Now()
			l.log.Warn("messages to the broker are lost", "error", err)
		case err == nil && !failing.IsZero():
			l.log.Info("the broker takes messages again", "duration", time.Since(failing).Round(time.Millisecond).String())
			failing = time.Time{}
		}
	}
}

// batch appends the packets that are due. last reports that no others will follow.
func (l *Layer) batch(packets []link.Packet) (_ []link.Packet, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for size := 0; size < batchBytes; {
		p, ok := l.node.Next(now)
		if !ok {
			return packets, l.leaving
		}
		packets = append(packets, p)
		size += len(p.Data)
	}
	return packets, false
}
