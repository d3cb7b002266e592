package worker

import (
	linked "container/list"
	"errors"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// memory is the budget for what all rooms of a worker take, by estimates that take
// constant time. When seven eighths are used, rooms without connections are evicted, those
// that have been idle longest first. When all is used, no further room is loaded; one for
// which there is memory without what is in progress waits for that. When rooms use all of it,
// they can't grow if they are larger than a quarter of the budget divided by the number of
// rooms. So a few huge documents don't keep all others from being edited, and rooms take five
// quarters of the budget at most.
type memory struct {
	limit int
	most  atomic.Int64 // the size from which on a room can't grow

	mu     sync.Mutex
	used   int // by rooms, and by what is in progress
	rooms  int
	busy   int         // by what is in progress: compactions, reads for programs and trials
	loads  int         // how many rooms are being loaded
	idle   linked.List // of *actor: the rooms without connections, those that have been idle longest first
	warned time.Time   // when the log last said that the budget is used up
}

// roomCost is what a room takes without its document.
const roomCost = 4 << 10

const (
	warnEvery   = time.Minute
	memoryPause = 200 * time.Millisecond // before another attempt to load a room
	memoryWaits = 50                     // how many attempts wait for what is in progress
)

var errMemory = errors.New("worker: the memory for rooms is used up")

// outOfMemory is why connections are closed when the budget is used up.
var outOfMemory = protocol.CloseError{Code: protocol.CloseTryLater, Reason: "The server has no memory for this now. Try again later."}

// defaultMemory returns the budget of a worker whose Config has none: half of what the Go
// runtime may use, if GOMEMLIMIT or the program bounds that, because documents are also
// loaded, encoded and compacted; otherwise 4 GiB.
func defaultMemory() int {
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return int(max(limit/2, 1))
	}
	return 4 << 30
}

// open charges a room of the given size that is about to be loaded: twice its size, because
// both its log and its document are in memory then. ok is false if there is not enough
// memory. If later is true, other rooms are being evicted or loaded, or what is in progress
// takes the memory and patient is true, and another call may succeed soon. If there is no
// other room, ok is true whatever the size is.
func (m *memory) open(a *actor, size int, patient bool) (ok, later bool) {
	m.mu.Lock()
	size = roomCost + 2*size
	others := m.used - a.charge
	if ok = others == 0 || others+size <= m.limit; ok {
		m.set(a, size)
		m.setLoads(a, true)
	}
	evicted := m.relieve(others + size - m.limit)
	later = len(evicted) > 0 || m.loads > 0 || patient && m.busy > 0 && others-m.busy+size <= m.limit
	m.mu.Unlock()
	evict(evicted)
	return ok, later
}

// setLoads records whether the room is being loaded. m.mu must be locked.
func (m *memory) setLoads(a *actor, loads bool) {
	switch {
	case loads && !a.loads:
		m.loads++
	case !loads && a.loads:
		m.loads--
	}
	a.loads = loads
}

// charge charges what a room takes now. The room isn't being loaded.
func (m *memory) charge(a *actor, size int) {
	m.mu.Lock()
	m.set(a, size)
	m.setLoads(a, false)
	evicted := m.relieve(m.used - m.limit/8*7)
	m.mu.Unlock()
	evict(evicted)
}

// evict makes actors evict their rooms, unless connections have joined them.
func evict(actors []*actor) {
	for _, a := range actors {
		a.mail.Post(func() { a.pressed = true })
	}
}

// set sets the charge of a room. m.mu must be locked.
func (m *memory) set(a *actor, size int) {
	if a.charge == 0 && size > 0 {
		m.rooms++
	} else if a.charge > 0 && size == 0 {
		m.rooms--
	}
	m.used += size - a.charge
	a.charge = size
	most := int64(math.MaxInt64)
	if m.used-m.busy > m.limit { // what is in progress ends soon
		most = int64(m.limit / 4 / max(m.rooms, 1))
	}
	m.most.Store(most)
}

// relieve returns idle rooms whose eviction frees the excess, or all idle rooms if that
// isn't enough. m.mu must be locked.
func (m *memory) relieve(excess int) (evicted []*actor) {
	for excess > 0 && m.idle.Len() > 0 {
		a, ok := m.idle.Remove(m.idle.Front()).(*actor)
		if !ok {
			break
		}
		a.idle = nil
		excess -= a.charge
		evicted = append(evicted, a)
	}
	return evicted
}

// setIdle records whether the room has no connections.
func (m *memory) setIdle(a *actor, idle bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case idle && a.idle == nil:
		a.idle = m.idle.PushBack(a)
	case !idle && a.idle != nil:
		m.idle.Remove(a.idle)
		a.idle = nil
	}
}

// begin charges a compaction or a read for a program, which takes size bytes in addition
// to the rooms. It reports whether there is enough memory, which it also does if nothing
// else is in progress. If so, the caller has to call end when it has ended.
func (m *memory) begin(size int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy > 0 && m.used+size > m.limit {
		return false
	}
	m.busy += size
	m.used += size
	return true
}

// take charges size bytes for something that can't wait. The caller has to call end when it
// has ended.
func (m *memory) take(size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy += size
	m.used += size
}

func (m *memory) end(size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy -= size
	m.used -= size
}

// warn reports whether the log should say that the budget is used up, which it does once a
// minute.
func (m *memory) warn(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.warned.IsZero() && now.Sub(m.warned) < warnEvery {
		return false
	}
	m.warned = now
	return true
}

// noteMemory logs that the budget is used up.
func (w *Worker) noteMemory(name string) {
	if w.memory.warn(w.config.Runtime.Now()) {
		w.config.Logger.Error("The memory for rooms is used up. Rooms that are not in memory can't be opened, and large ones can't grow: clients that open or edit these are closed with 1013 (try later). "+
			"Raise the setting memory and GOMEMLIMIT, lower limits.document, or add workers.", "room", name, "memory_bytes", w.memory.limit)
	}
}

// storedSize returns the size of the log of a room, as its store lists it, or 0 if the
// store doesn't tell.
func (w *Worker) storedSize(name string) (size int) {
	var err error
	defer guard(&err) // a call of the store that follows fails too
	listed, err := w.config.Store.List(w.working, name, "", 1)
	if err == nil && len(listed) > 0 && listed[0].Room == name {
		size = listed[0].Bytes
	}
	return size
}

// weigh charges what the room takes, if that has changed, and records whether the room is
// idle.
func (a *actor) weigh(ending bool) {
	m := &a.worker.memory
	size := roomCost
	switch {
	case a.loading():
		return // see memory.open
	case a.room != nil:
		size += a.room.Memory()
	}
	if size != a.weighed {
		m.charge(a, size)
		a.weighed = size
	}
	if idle := a.room != nil && a.empty && !ending; idle != a.isIdle {
		m.setIdle(a, idle)
		a.isIdle = idle
	}
}

// refusing returns why the room refuses the updates in ins, or nil if it doesn't.
func (a *actor) refusing(ins []event.Input) *protocol.CloseError {
	if a.suspension.active() {
		return &appendFailure.close
	}
	most := a.worker.memory.most.Load()
	if most == math.MaxInt64 {
		return nil
	}
	size := a.weighed
	for i := range ins {
		size += ins[i].Size()
	}
	if int64(size) <= most {
		return nil
	}
	return &outOfMemory
}

// noteRefused logs that the room has refused updates for want of memory.
func (a *actor) noteRefused(outs []event.Output) {
	for i := range outs {
		if outs[i].Message.Code == outOfMemory.Code && outs[i].Message.Reason == outOfMemory.Reason {
			a.worker.noteMemory(a.name)
			return
		}
	}
}
