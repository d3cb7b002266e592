package cluster_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/yroom/yroom/blocks"
)

// fault is a way to break a cluster for a while.
type fault struct {
	name string
	// of is the part that the fault breaks. Two faults that break different parts may
	// happen at the same time.
	of part
	// closes reports whether the fault may close sockets.
	closes bool
	// silences reports whether a process sends nothing to the others for a while.
	silences bool
	run      func(b *breakage)
}

// part is a kind of process.
type part int

const (
	aWorker part = iota
	aConsumer
	theBroker
	theDatabase
	everything
)

// breakage is a fault that happens.
type breakage struct {
	*chaos

	fault   *fault
	random  *rand.Rand
	alone   bool   // no other fault happens meanwhile, so times are measured
	address string // of the consumer that the fault ends; empty: none
}

// upTo returns a random duration below most.
func (b *breakage) upTo(most time.Duration) time.Duration {
	return time.Duration(b.random.Int64N(int64(most)))
}

// one returns a random process.
func (b *breakage) one(of []*process) *process { return of[b.random.IntN(len(of))] }

// roomsOf returns the probes of the rooms that a worker runs.
func (b *breakage) roomsOf(p *process) []*probe {
	by, err := b.roomsByWorker()
	if err != nil && b.alone {
		b.Errorf("which rooms %s runs: %v", p.name, err)
	}
	var probes []*probe
	for _, room := range by[p.name] {
		for _, q := range b.probes {
			if q.room == room {
				probes = append(probes, q)
			}
		}
	}
	return probes
}

// measure waits until each of the rooms has answered an edit that was typed after a
// time, and notes how long it took to answer edits that were typed later than from.
func (b *breakage) measure(what string, probes []*probe, from, after time.Time) {
	for _, p := range probes {
		for !p.answered(after) {
			if time.Since(after) > healing {
				b.Errorf("%s, room %s doesn't answer within %v", what, p.room, healing)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	if !b.alone {
		return
	}
	for _, p := range probes {
		b.figures.add(what, p.longest(from.Add(-2*probeInterval), time.Now()))
	}
}

// long is how long a process hangs.
func long() time.Duration {
	if soak() {
		return 10 * time.Second
	}
	return 5 * time.Second
}

// The names of the measured times.
const (
	untouched  = "while nothing happens"
	afterDeath = "after a worker's death"
	afterDrain = "after a drain"
)

var killWorker = &fault{name: "kill -9 of a worker", of: aWorker, silences: true, run: func(b *breakage) {
	w := b.one(b.workers)
	probes := b.roomsOf(w)
	from := time.Now()
	w.kill()
	time.Sleep(100 * time.Millisecond) // what it has sent arrives
	if b.alone {
		b.try(b.audit(probes...)) // no worker runs these rooms yet
	}
	var back sync.WaitGroup
	back.Go(func() {
		time.Sleep(b.upTo(5 * time.Second))
		b.try(w.restart())
	})
	b.measure(afterDeath, probes, from, from)
	back.Wait()
}}

var stopWorker = &fault{name: "SIGTERM to a worker", of: aWorker, run: func(b *breakage) { b.drain(b.one(b.workers)) }}

// drain ends a worker in order and starts it again.
func (b *breakage) drain(w *process) {
	probes := b.roomsOf(w)
	from := time.Now()
	b.try(w.stop())
	b.measure(afterDrain, probes, from, time.Now())
	from = time.Now()
	b.try(w.restart())
	time.Sleep(time.Second)
	b.measure("after a worker has come", b.roomsOf(w), from, time.Now())
}

var hangWorker = &fault{name: "SIGSTOP of a worker", of: aWorker, silences: true, run: func(b *breakage) {
	w := b.one(b.workers)
	probes := b.roomsOf(w)
	from := time.Now()
	b.try(w.signal(syscall.SIGSTOP))
	if b.alone {
		// What the clients type now reaches the worker only. They leave before it is given up, so
		// only the worker itself can store it, once it continues.
		time.Sleep(time.Second)
		for _, p := range probes[:min(2, len(probes))] {
			b.ask(map[string]any{"do": "replace", "room": p.room, "all": true}, nil)
		}
	}
	b.measure("after a worker hangs", probes, from, from)
	time.Sleep(time.Until(from.Add(long())))
	from = time.Now()
	b.try(w.signal(syscall.SIGCONT))
	time.Sleep(2 * time.Second)
	b.measure("after a worker continues", b.probes, from, time.Now())
	if b.alone {
		b.wantReceived(probes)
	}
}}

// wantReceived fails the test unless the probes receive everything that is stored now. A
// worker that didn't run the rooms any more may have stored a part of it.
func (b *breakage) wantReceived(probes []*probe) {
	for _, p := range probes {
		doc, err := b.stored(p.room)
		if err != nil {
			b.Fatal(err)
		}
		b.await(healing, func() string {
			if p.contains(doc.Encode(blocks.V1)) {
				return ""
			}
			return "room " + p.room + ": a client has not received all that is stored"
		})
	}
}

var killConsumer = &fault{name: "kill -9 of a consumer", of: aConsumer, silences: true, closes: true, run: func(b *breakage) {
	c := b.one(b.consumers)
	b.address = "ws://" + c.host
	c.kill()
	time.Sleep(b.upTo(time.Second))
	b.try(c.restart())
}}

var stopConsumer = &fault{name: "SIGTERM to a consumer", of: aConsumer, closes: true, run: func(b *breakage) {
	c := b.one(b.consumers)
	b.address = "ws://" + c.host
	b.try(c.stop())
	b.try(c.restart())
}}

// rollingRestart restarts everything, one process after the other.
var rollingRestart = &fault{name: "rolling restart", of: everything, closes: true, run: func(b *breakage) {
	for _, w := range b.workers {
		b.drain(w)
	}
	for _, c := range b.consumers {
		b.try(c.stop())
		b.try(c.restart())
	}
}}

// cutWorker cuts a worker off from the broker.
var cutWorker = &fault{name: "a worker is cut off", of: aWorker, silences: true, run: func(b *breakage) {
	w := b.one(b.workers)
	probes := b.roomsOf(w)
	from := time.Now()
	if b.random.IntN(2) == 0 {
		b.proxies[w].Cut()
	} else {
		b.proxies[w].Stall()
	}
	time.Sleep(b.upTo(long()))
	b.proxies[w].Resume()
	b.measure("after a worker was cut off", probes, from, time.Now())
}}

// cutConsumer cuts a consumer off from the broker, for less than the ten seconds for
// which it waits for a worker.
var cutConsumer = &fault{name: "a consumer is cut off", of: aConsumer, silences: true, run: func(b *breakage) {
	c := b.one(b.consumers)
	if b.random.IntN(2) == 0 {
		b.proxies[c].Cut()
	} else {
		b.proxies[c].Stall()
	}
	time.Sleep(b.upTo(5 * time.Second))
	b.proxies[c].Resume()
	from := time.Now()
	b.measure("after a consumer was cut off", b.probes, from, from)
}}

var crashBroker = &fault{name: "crash of the broker", of: theBroker, silences: true, run: func(b *breakage) {
	b.broker.Kill(b)
	time.Sleep(b.upTo(4 * time.Second))
	b.broker.Restart(b)
	from := time.Now()
	b.measure("after the broker's restart", b.probes, from, from)
}}

var hangBroker = &fault{name: "SIGSTOP of the broker", of: theBroker, silences: true, closes: true, run: func(b *breakage) {
	b.broker.Pause(b)
	time.Sleep(long())
	b.broker.Resume(b)
	from := time.Now()
	b.measure("after the broker continues", b.probes, from, from)
}}

var crashDatabase = &fault{name: "crash of the database", of: theDatabase, run: func(b *breakage) {
	b.database.Crash(b)
	// Its recovery takes two seconds on a busy machine, and workers wait for five in all.
	time.Sleep(b.upTo(time.Second))
	b.database.Restart(b)
	from := time.Now()
	b.measure("after the database's restart", b.probes, from, from)
}}

// all is the faults of a cluster. A worker is killed more often than anything else happens.
var all = []*fault{
	killWorker, killWorker, killWorker, stopWorker, hangWorker, cutWorker, killConsumer, stopConsumer, cutConsumer,
	crashBroker, hangBroker, crashDatabase, rollingRestart,
}

// deck deals faults in random order. It deals each fault as often as the list has it.
type deck struct {
	of     []*fault
	random *rand.Rand
	left   []*fault
}

// draw returns the next fault or, now and then, the next two, if they break different
// parts.
func (d *deck) draw() []*fault {
	for len(d.left) < 2 {
		more := slices.Clone(d.of)
		d.random.Shuffle(len(more), func(i, j int) { more[i], more[j] = more[j], more[i] })
		d.left = append(d.left, more...)
	}
	n := 1
	if a, b := d.left[0].of, d.left[1].of; a != b && a != everything && b != everything && d.random.IntN(3) == 0 {
		n = 2
	}
	drawn := d.left[:n]
	d.left = d.left[n:]
	return drawn
}

// suffer lets faults happen, and waits for their ends.
func (h *chaos) suffer(faults ...*fault) {
	from, near := time.Now(), h.observer.Stats().NearSilences
	var breakages []*breakage
	for _, f := range faults {
		breakages = append(breakages, &breakage{
			chaos: h, fault: f, alone: len(faults) == 1, random: rand.New(rand.NewPCG(h.random.Uint64(), 0)),
		})
	}
	var others sync.WaitGroup
	for _, b := range breakages[1:] {
		others.Go(b.happen)
	}
	breakages[0].happen()
	others.Wait()
	if !slices.ContainsFunc(faults, func(f *fault) bool { return f.closes }) {
		h.wantFresh(faults)
	}
	if !slices.ContainsFunc(faults, func(f *fault) bool { return f.silences }) {
		h.near += h.observer.Stats().NearSilences - near
	}
	for _, b := range breakages {
		h.windows = append(h.windows, window{b.fault, from, time.Now(), b.address})
	}
}

func (b *breakage) happen() {
	from := time.Now()
	b.fault.run(b)
	b.Logf("%s %s took %v", from.Format("15:04:05.000"), b.fault.name, time.Since(from).Round(time.Millisecond))
}

// wantFresh fails the test if, two seconds after a fault that doesn't end consumers, a
// client lacks an edit that is older than one second. Some clients only read: they send
// nothing that would show the worker that it doesn't know them. After two faults at a
// time, two workers may run a room for a moment, and it takes 5 s until one looks for what
// the other has stored. If the clients' process answers late, the machine is so busy that
// what has arrived there waits, and the time begins again.
func (h *chaos) wantFresh(faults []*fault) {
	h.Helper()
	const prompt = 200 * time.Millisecond
	most := 2 * time.Second
	if len(faults) > 1 {
		most = 8 * time.Second
	}
	first := time.Now()
	for began := first; ; time.Sleep(50 * time.Millisecond) {
		var lag struct {
			Age   int64 // in milliseconds
			Lacks string
		}
		asked := time.Now()
		h.ask(map[string]any{"do": "lag"}, &lag)
		behind, now := time.Duration(lag.Age)*time.Millisecond, time.Now()
		switch {
		case behind < time.Second:
			if len(faults) == 1 {
				h.figures.add("until every client has the edits that are older than a second", now.Sub(first))
			}
			return
		case now.Sub(asked) > prompt && now.Sub(first) < healing:
			began = now
		case now.Sub(began) > most:
			h.Errorf("%v after %s, a client lacks an edit of %v ago: %s", now.Sub(first).Round(time.Millisecond), faults[0].name, behind, lag.Lacks)
			return
		}
	}
}

// may reports whether the faults of a window may have closed a connection.
func (w window) may(c closing) bool {
	const late = 2 * time.Second
	return w.closes && !c.at.Before(w.from.Truncate(time.Millisecond)) && !c.at.After(w.to.Add(late)) && (w.address == "" || w.address == c.address)
}

// checkClosed fails the test if sockets were closed that should have stayed open.
func (h *chaos) checkClosed() {
	h.Helper()
	var told []struct {
		At                            int64
		Room, Address, Client, Reason string
		Code                          int
	}
	h.ask(map[string]any{"do": "closed"}, &told)
	var all []closing
	for _, e := range told {
		all = append(all, closing{time.UnixMilli(e.At), e.Client, e.Room, e.Address, e.Code, e.Reason})
	}
	for _, p := range h.probes {
		all = append(all, p.takeClosed()...)
	}
	counts := map[string]int{}
	for _, c := range all {
		excused := false
		for _, w := range slices.Backward(h.windows) {
			if w.may(c) {
				counts[strings.TrimSpace(fmt.Sprintf("%s: %d %s", w.name, c.code, c.reason))]++
				excused = true
				break
			}
		}
		if !excused {
			h.Errorf("a socket was closed that should have stayed open: %v", c)
		}
	}
	var lines string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		lines += fmt.Sprintf("%s: %d\n", what, counts[what])
	}
	h.Logf("sockets closed:\n%s", lines)
}
