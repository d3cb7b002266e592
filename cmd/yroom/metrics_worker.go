package main

import (
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/worker"
)

// workerEvents returns the Events of a worker, which count.
func (m *metrics) workerEvents() worker.Events {
	turns := m.histogram("turn_duration_seconds", "How long rooms took for their turns, in which they apply what has arrived.", shortSeconds)
	inputs := m.histogram("turn_inputs", "How many inputs, such as messages of clients, a turn took.", batches)
	added := m.counter("added_bytes_total", "Bytes of the updates that turns have added to documents.")
	appends := m.histogram("append_duration_seconds", "How long the store took to append updates, in the last attempt.", shortSeconds)
	merged := m.histogram("append_turns", "The updates of how many turns were appended at once.", batches)
	appended := m.counter("appended_bytes_total", "Bytes of the updates that were appended.")
	failed := m.counter("append_failures_total", "Updates that could not be appended, even when that was repeated.")
	loads := m.histogram("load_duration_seconds", "How long rooms took to load, from the store and into memory.", longSeconds)
	loaded := m.counter("loaded_bytes_total", "Bytes of the logs of the rooms that were loaded.")
	compactions := m.histogram("compaction_duration_seconds", "How long compactions took, also those that failed.", longSeconds)
	notCompacted := m.counter("compaction_failures_total", "Compactions that failed, were given up or came too late.")
	evictions := m.counter("evictions_total", "Rooms that were removed from memory.")
	failures := m.byCode("room_failures_total", "Rooms that were closed or suspended because of a fault, by the close code of their connections.",
		[]protocol.CloseCode{protocol.CloseInternal, protocol.CloseRestart, protocol.CloseTryLater})
	others := m.counter("merged_entries_total", "Entries of logs that rooms have loaded because another worker may have appended them.")
	clashes := m.counter("clashes_total", "Updates with blocks of a client id that another client has used.")
	return worker.Events{
		Turn: func(i worker.TurnInfo) {
			turns.Observe(i.Duration.Seconds())
			inputs.Observe(float64(i.Inputs))
			if i.Added > 0 {
				added.Add(float64(i.Added))
			}
		},
		Appended: func(i worker.AppendInfo) {
			appends.Observe(i.Duration.Seconds())
			if i.Err != nil {
				failed.Inc()
				return
			}
			merged.Observe(float64(i.Turns))
			appended.Add(float64(i.Bytes))
		},
		Loaded: func(i worker.LoadInfo) {
			loads.Observe(i.Duration.Seconds())
			loaded.Add(float64(i.Bytes))
		},
		Compacted: func(i worker.CompactInfo) {
			compactions.Observe(i.Duration.Seconds())
			if i.Err != nil {
				notCompacted.Inc()
			}
		},
		Evicted: func(string) { evictions.Inc() },
		Failed:  func(i worker.FailInfo) { failures.inc(i.Close.Code) },
		Merged:  func(i worker.MergeInfo) { others.Add(float64(i.Entries)) },
		Clashed: func(i worker.ClashInfo) { clashes.Add(float64(i.Updates)) },
	}
}

// readWorker makes the metrics have what read returns.
func (m *metrics) readWorker(read func() worker.Stats) {
	type stats = worker.Stats
	r := &readings[stats]{read: read}
	r.gauges("rooms", "Rooms in memory, by state.", "state", map[string]func(*stats) float64{
		"loading":   func(s *stats) float64 { return float64(s.Loading) },
		"open":      func(s *stats) float64 { return float64(s.Open) },
		"suspended": func(s *stats) float64 { return float64(s.Suspended) },
		"failed":    func(s *stats) float64 { return float64(s.Failed) },
	})
	r.gauge("pending_bytes", "Bytes of the pending blocks of all rooms in memory.", func(s *stats) float64 { return float64(s.Pending) })
	r.gauge("awareness_states", "Awareness states in all rooms in memory.", func(s *stats) float64 { return float64(s.Awareness) })
	r.total("edits_total", "Updates of clients and programs that have changed documents.", func(s *stats) float64 { return float64(s.Edits) })
	r.gauge("mailbox_bytes", "Bytes of inputs that wait for their rooms, and of updates that wait for the store.", func(s *stats) float64 { return float64(s.Waiting) })
	r.gauge("mailbox_limit_bytes", "The bound of yroom_mailbox_bytes.", func(s *stats) float64 { return float64(s.WaitingLimit) })
	r.gauge("rooms_memory_bytes", "What rooms take in memory, as the worker estimates it.", func(s *stats) float64 { return float64(s.Memory) })
	r.gauge("rooms_memory_limit_bytes", "The bound of yroom_rooms_memory_bytes.", func(s *stats) float64 { return float64(s.MemoryLimit) })
	m.registry.MustRegister(r)
}
