package worker

import "sync/atomic"

// Stats describes what a Worker has in memory at the moment.
type Stats struct {
	// Loading, Open, Suspended and Failed are the numbers of rooms in each state.
	// Suspended rooms are open, and refuse updates because the store fails. Failed rooms are
	// closed and refuse connections for a second.
	Loading, Open, Suspended, Failed int
	// Pending is the size in bytes of the pending blocks of all rooms, and Awareness the
	// number of their awareness states.
	Pending, Awareness int
	// Edits is how many updates of clients and programs have changed documents so far.
	Edits uint64
	// Waiting is the size in bytes of inputs that wait for their rooms, and of updates that
	// wait for the store. WaitingLimit is its bound, Config.MessageMemory.
	Waiting, WaitingLimit int
	// Memory is what all rooms take, in bytes, as the Worker estimates it. MemoryLimit is its
	// bound, Config.Memory.
	Memory, MemoryLimit int
}

// Stats returns what the Worker has in memory now. It takes the same time for any number
// of rooms, because each room reports what has changed at the end of its turn.
func (w *Worker) Stats() Stats {
	c := &w.counts
	s := Stats{
		Loading:      int(c.rooms[stateLoading].Load()),
		Open:         int(c.rooms[stateOpen].Load()),
		Suspended:    int(c.rooms[stateSuspended].Load()),
		Failed:       int(c.rooms[stateFailed].Load()),
		Pending:      int(c.pending.Load()),
		Awareness:    int(c.awareness.Load()),
		Edits:        c.edits.Load(),
		Waiting:      int(w.intake.used.Load()),
		WaitingLimit: int(w.intake.limit),
		MemoryLimit:  w.memory.limit,
	}
	w.memory.mu.Lock()
	s.Memory = w.memory.used
	w.memory.mu.Unlock()
	return s
}

// roomState is the state of a room in Stats.
type roomState uint8

const (
	stateLoading roomState = iota
	stateOpen
	stateSuspended
	stateFailed
	roomStates
)

// counts holds the sums of what the rooms of a Worker have counted.
type counts struct {
	rooms              [roomStates]atomic.Int64
	pending, awareness atomic.Int64
	edits              atomic.Uint64
}

// counted is what counts has of one room.
type counted struct {
	state              roomState
	pending, awareness int
}

// count counts what has changed in the room since the last turn.
func (a *actor) count() {
	var now counted
	switch {
	case a.closed != nil:
		now.state = stateFailed
	case a.room == nil:
		now.state = stateLoading
	case a.suspension.active():
		now.state = stateSuspended
	default:
		now.state = stateOpen
	}
	if a.room != nil {
		now.pending, now.awareness = a.room.Pending(), a.room.Clients()
	}
	a.countEdits()
	if now != a.counted {
		a.worker.counts.remove(a.counted)
		a.worker.counts.add(now)
		a.counted = now
	}
}

// countEdits counts the updates that have changed the document since the last turn.
func (a *actor) countEdits() {
	var edits uint64 // 0: there is no room, and the next one counts from 0
	if a.room != nil {
		edits = a.room.Edits()
	}
	if edits > a.edits {
		a.worker.counts.edits.Add(edits - a.edits)
	}
	a.edits = edits
}

func (c *counts) add(one counted) { c.change(one, 1) }

func (c *counts) remove(one counted) { c.change(one, -1) }

func (c *counts) change(one counted, by int64) {
	c.rooms[one.state].Add(by)
	if one.pending > 0 {
		c.pending.Add(by * int64(one.pending))
	}
	if one.awareness > 0 {
		c.awareness.Add(by * int64(one.awareness))
	}
}
