package worker

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// loaded is the result of loading a room.
type loaded struct {
	room   *room.Room
	tail   tail
	last   store.Position
	stored bool // the store has a log of the room
}

// load loads the room. It runs concurrently with the turns.
func (a *actor) load() {
	begin := a.worker.config.Runtime.Now()
	ok, later := a.worker.memory.open(a, a.worker.storedSize(a.name), a.waits < memoryWaits)
	if later && !ok {
		a.waits++
		a.worker.afterFunc(memoryPause, func() { a.worker.config.Runtime.Go(a.load) })
		return
	}
	if a.waits = 0; !ok {
		a.mail.Post(func() { a.guarded(func() { a.open(loaded{}, errMemory) }) })
		return
	}
	log, err := a.loadLog()
	if a.repeat(&a.repetition, err, a.load) {
		return
	}
	l, err := a.loadRoom(log, err, begin)
	a.mail.Post(func() { a.guarded(func() { a.open(l, err) }) })
}

func (a *actor) loadLog() (log store.Log, err error) {
	defer guard(&err)
	return a.worker.config.Store.Load(a.worker.working, a.name)
}

// loadRoom makes the room from the log that loadLog has returned after begin, with the error failed.
func (a *actor) loadRoom(log store.Log, failed error, begin time.Time) (l loaded, err error) {
	defer guard(&err)
	if failed != nil && !errors.Is(failed, store.ErrNotFound) {
		return l, failed
	}
	clock := a.worker.config.Runtime.Now
	config := a.settings.Room
	config.Epoch = 1 + rand.Uint64N(math.MaxUint64) // 0 marks rooms that are only stored
	config.Worker = a.worker.config.Name
	l = loaded{room: room.New(config), tail: tailOf(log, clock()), last: log.Last(), stored: failed == nil}
	if err := replay(log, l.room.Load); err != nil {
		return l, err
	}
	report(a.worker, a.worker.config.Events.Loaded, LoadInfo{Room: a.name, Entries: len(log.Entries), Bytes: l.tail.base + l.tail.bytes, Duration: clock().Sub(begin)})
	return l, nil
}

// replay loads the entries of a log.
func replay(log store.Log, load func([]byte, blocks.Encoding) error) error {
	for i, e := range log.Entries {
		if err := load(e.Data, blocks.Encoding(e.Encoding)); err != nil {
			return fmt.Errorf("entry %d: %w", log.Positions[i], err)
		}
	}
	return nil
}

// open opens the room with the result of load.
func (a *actor) open(l loaded, err error) {
	if errors.Is(err, errMemory) {
		a.worker.noteMemory(a.name)
		a.close(outOfMemory)
		return
	}
	if err != nil {
		a.fail(err, loadFailure)
		return
	}
	a.room, a.stored, a.last, a.empty, a.compaction.tail = l.room, l.stored, l.last, true, l.tail
	a.clashes, a.freezes = 0, 0
	a.checks.opened(a.worker.config.Runtime.Now(), a.worker.config.Takeover)
	if a.suspension.active() {
		a.suspended()
	}
	a.release()
}

// reopen loads the room again after it was closed, so that no connection is
// refused any longer.
func (a *actor) reopen() {
	a.closed = nil
	a.loadAgain()
}

// loadAgain loads the room in place of the one in memory, if there is one. Inputs wait.
func (a *actor) loadAgain() {
	a.room, a.deadline, a.empty, a.weighed = nil, time.Time{}, false, 0
	a.checks = checks{running: a.checks.running}
	a.compaction = compaction{running: a.compaction.running}
	a.mail.Hold()
	a.worker.config.Runtime.Go(a.load)
}
