package main

import (
	"context"
	runtimemetrics "runtime/metrics"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/layer/link"
	"github.com/yroom/yroom/worker"
)

const monitorTime = time.Second // the time between two measurements

// monitor measures what this process does, tells it to the other processes, and keeps
// samples of it and of what the others have told. It reads counters that are there anyway,
// so nothing that a client does waits for it.
type monitor struct {
	name    string
	worker  bool             // it has a worker
	load    func() link.Load // what the parts of the process do
	health  *health
	log     *recentLog
	history *history          // nil: nothing is kept of other processes and of earlier times
	heard   *recentLog        // what others have told of their logs; nil: it isn't kept
	told    map[string]uint64 // how many problems each of the others had told of
}

// tellTime is how long a process tells the others what it has logged last: long enough
// that several heartbeats tell it.
const tellTime = 3 * monitorTime

// newMonitor returns the monitor of a process that serves clients.
func newMonitor(s *yroom.Server, name string, withWorker bool, h *health, log *recentLog) *monitor {
	return &monitor{
		name: name, worker: withWorker, load: serverLoad(s), health: h, log: log,
		history: newHistory(name), heard: newRecentLog(),
	}
}

// start measures until end is called. It goes on when ctx ends, and tells others that the
// process is draining.
func (m *monitor) start(ctx context.Context) (end func()) {
	ctx, end = context.WithCancel(context.WithoutCancel(ctx))
	go m.run(ctx)
	return end
}

// run measures until ctx ends.
func (m *monitor) run(ctx context.Context) {
	ticker := time.NewTicker(monitorTime)
	defer ticker.Stop()
	m.step(time.Now())
	for {
		select {
		case now := <-ticker.C:
			m.step(now)
		case <-ctx.Done():
			return
		}
	}
}

// step measures once.
func (m *monitor) step(now time.Time) {
	load := m.measure(now)
	var peers []link.Peer
	if l, ok := m.health.layer.(linked); ok {
		l.SetLoad(load)
		peers = l.Peers()
	}
	if m.history == nil {
		return
	}
	m.hear(now, peers)
	if !m.history.due(now) {
		return
	}
	m.history.add(now, m.name, version(), load)
	for _, p := range peers {
		if p.Name != "" && p.Name != m.name {
			m.history.add(now, p.Name, p.Software, p.Load)
		}
	}
}

// hear notes what other processes have logged. They measure once a second, as this process
// does, so of several records in a second it learns only of the last.
func (m *monitor) hear(now time.Time, peers []link.Peer) {
	told := make(map[string]uint64, len(peers))
	for _, p := range peers {
		last := p.Load.Problem
		if before, known := m.told[p.Name]; last.Message != "" && (!known || before != p.Load.Problems) {
			m.heard.add(now, p.Name, levelOf(last.Error), last.Message, "")
		}
		told[p.Name] = p.Load.Problems
	}
	m.told = told
}

// measure returns what the process does.
func (m *monitor) measure(now time.Time) link.Load {
	load := m.load()
	load.CPU, load.Memory = cpuTime(), memoryTaken()
	load.Problems, load.Problem = m.log.count(), m.log.latest(now, tellTime)
	load.Draining = m.health.draining.Load()
	return load
}

// memoryTaken returns how much memory the Go runtime has taken from the system and not
// returned, in bytes.
func memoryTaken() int {
	samples := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(samples)
	return int(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// serverLoad returns a function that returns what a server does.
func serverLoad(s *yroom.Server) func() link.Load {
	return func() link.Load {
		conns, rooms := s.Stats()
		load := workerLoad(rooms)
		load.Conns = conns.Plain + conns.Hocuspocus
		return load
	}
}

// workerLoad returns what a worker does.
func workerLoad(s worker.Stats) link.Load {
	return link.Load{Rooms: s.Loading + s.Open + s.Suspended + s.Failed, Edits: s.Edits}
}
