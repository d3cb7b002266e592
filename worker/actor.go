package worker

import (
	linked "container/list"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/mailbox"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// actor runs one room, from the input that opens it until the room's last append has
// ended. A room that has failed is not repaired: it is closed, it closes each
// connection that joins in the next second, and then the actor ends. The next Join
// makes a new actor. Only RequestCreate opens a closed room again in the same actor.
//
// Loads, appends, compactions and checks run concurrently with the turns and post their results
// to the mailbox. So all fields after the first block are used in turns only.
type actor struct {
	worker   *Worker
	name     string
	settings Settings
	mail     *mailbox.Mailbox[layer.Input]
	share    share
	portion  portion

	room      *room.Room           // nil: not loaded yet, or closed
	closed    *protocol.CloseError // why the room is closed, which need not be a failure; nil if it isn't closed
	stored    bool                 // the store has a log of the room
	full      bool                 // the log says that the awareness of the room is full
	receivers receivers
	answersBy time.Time    // when the Rejoins that frontLost has sent must be answered; zero: none was sent
	deadline  time.Time    // of the room: when it needs a Step, see room.Room.Deadline
	empty     bool         // the room has no connection and no watcher
	trace     *event.Trace // of the turn; nil: none is kept
	clashes   int          // that the room has had
	freezes   int          // the updates that the room has refused because they would freeze clients
	draining  bool         // the worker ends
	moved     bool         // the room was moved to another worker
	removeAt  time.Time    // when the actor ends; zero: the room is loading or in use
	broadcast bool         // the turn has broadcast something
	edited    time.Time    // when the last turn with an edit began
	pauseEnds time.Time    // when the pause is over; zero: there is none
	alarm     *alarm

	changes    []layer.Input  // creates and deletes that wait for the store
	next       unstored       // the content of the next append
	writing    unstored       // the content of the append in progress, which owns its updates
	result     writeResult    // of the last write
	repetition repetition     // of the load or the append in progress, which owns it; never both
	last       store.Position // the position up to which the room has all entries
	unordered  bool           // the store has no order of positions
	write      mailbox.Func   // a.runWrite, bound once
	writeAgain func()         // a.write.Run, bound once
	endWrite   func()         // calls a.writeEnded in guarded, bound once

	compaction compaction
	checks     checks
	suspension suspension

	waits   int             // how often the load has waited for memory; owned by the load in progress
	weighed int             // what the room takes in memory
	isIdle  bool            // the room may be evicted for want of memory
	pressed bool            // the room must be evicted for want of memory, if it is idle
	counted counted         // what Stats has of the room
	edits   uint64          // of the room, that Stats has counted
	charge  int             // owned by memory
	loads   bool            // owned by memory
	idle    *linked.Element // owned by memory
}

func newActor(w *Worker, name string) *actor {
	a := &actor{
		worker:    w,
		name:      name,
		settings:  w.settings(name),
		receivers: receivers{known: make(map[event.ConnID]receiver)},
	}
	a.settings.Room.Blocks.Try = w.tryAlone(a.settings.Room.Blocks.Try)
	a.share.intake = &w.intake
	a.write = a.runWrite
	a.writeAgain = a.write.Run
	a.endWrite = func() { a.guarded(a.writeEnded) }
	a.portion.most = firstMost
	a.mail = mailbox.New(mailbox.Config[layer.Input]{
		Items: a.settings.MailboxInputs,
		Bytes: a.settings.MailboxBytes,
		Size:  func(in layer.Input) int { return in.Size() },
		Go:    w.config.Runtime.Go,
		Turn:  a.turn,
		Held:  true, // until the room is loaded

		Paused: func() { a.endPauseBy(w.config.Runtime.Now()) },
	})
	a.mail.Limit(a.portion.most)
	return a
}

// loading reports whether the room is being loaded.
func (a *actor) loading() bool { return a.room == nil && a.closed == nil }

// turn is called with the inputs of the mailbox, after the posted functions.
func (a *actor) turn(batch []layer.Input) mailbox.Func {
	now := a.worker.config.Runtime.Now() // read once, so that the whole turn uses the same time
	size := 0
	for i := range batch {
		size += batch[i].Size()
	}
	a.endPauseBy(now)
	everything := len(batch) < a.portion.most
	a.guarded(func() {
		switch {
		case a.closed != nil:
			a.reject(batch)
		case a.room != nil:
			a.step(batch, now)
		}
	})
	if a.broadcast && everything {
		a.beginPause(now)
	}
	a.broadcast = false
	write := a.beginWrite(now)
	a.share.keep(a.next.bytes + a.writing.bytes)
	a.share.free(size)
	a.settle(now)
	return a.worker.next(write)
}

// step passes a batch of inputs to the room.
func (a *actor) step(batch []layer.Input, now time.Time) {
	ins := inputs.take()
	defer inputs.giveBack(ins)
	a.dropUnanswered(ins, now)
	for i := range batch {
		a.collect(ins, &batch[i])
	}
	if a.closed != nil { // the layer has panicked
		return
	}
	if len(*ins) > 0 || !a.deadline.IsZero() && !now.Before(a.deadline) {
		why := a.refusing(*ins)
		a.room.Refuse(why)
		a.trace = traceOf(*ins)
		effects := a.stepRoom(*ins, now)
		a.traceBroadcasts(effects.Durable)
		if why == &outOfMemory {
			a.noteRefused(effects.Now)
		}
		if effects.Update != nil {
			a.edited = now
		}
		a.take(effects)
		a.trace = nil
		a.noteClashes()
	}
	clear(a.receivers.unknown)
	for _, in := range batch {
		if changesRoom(&in) {
			a.change(in)
		}
	}
}

// collect adds to ins the inputs of the room that follow from in, if there are any.
func (a *actor) collect(ins *[]event.Input, in *layer.Input) {
	switch in.Kind {
	case event.InputJoin:
		a.returned()
		// A connection joins again if it was in the room before at another worker, and perhaps
		// if another worker has asked it to.
		a.checks.suspected = a.checks.suspected || in.Greeting == event.GreetingRejoin
		a.join(in)
	case event.InputLeave:
		a.leave(in.Conn)
	case event.InputMessage, event.InputResync, event.InputAccess:
		a.receivers.expectRejoin(in.Conn, in.From)
	case event.InputRequest:
		if changesRoom(in) || !a.admit(in) {
			return
		}
	case frontLost:
		// The front may have used another worker meanwhile.
		a.checks.suspected = true
		a.frontLost(in.From)
		return
	case roomMoved:
		a.moved = true
		return
	case workerDrains:
		a.draining = true
		return
	case frontGone:
		for _, conn := range a.receivers.at(in.From) {
			a.leave(conn)
			*ins = append(*ins, event.Input{Kind: event.InputLeave, Conn: conn})
		}
		return
	}
	*ins = append(*ins, in.Input)
}

// take carries out the effects of a Step of the room.
func (a *actor) take(effects room.Effects) {
	a.deadline, a.empty = a.room.Deadline(), a.room.Empty()
	a.broadcast = a.broadcast || broadcasts(&effects)
	if !a.full && a.room.AwarenessFull() {
		a.full = true
		a.worker.config.Logger.Warn("The awareness states of a room have reached their limit. Some clients are not shown to others. "+
			"If so many people use the room, raise limits.room_awareness.", "room", a.name)
	}
	a.deliver(effects.Now)
	a.hold(effects)
}
