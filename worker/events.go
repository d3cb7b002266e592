package worker

import (
	"runtime/debug"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Events are functions that a Worker calls when something has happened to a room,
// for metrics and traces. Each may be nil. They are called without a lock, from
// several goroutines, and must neither block nor call the Worker. A panic of one is
// logged and has no other effect.
type Events struct {
	Loaded    func(LoadInfo)
	Turn      func(TurnInfo)
	Appended  func(AppendInfo)
	Merged    func(MergeInfo) // entries of another worker were loaded into the room
	Compacted func(CompactInfo)
	Evicted   func(room string) // the room is no longer in memory
	Failed    func(FailInfo)
	Clashed   func(ClashInfo) // a client has written with the client id of another one

	// Joined and Left are called when a connection joins a room and when it is no longer in it,
	// in this order for each connection. A process that is killed or crashes calls neither.
	Joined func(JoinInfo)
	Left   func(LeaveInfo)
}

// JoinInfo describes a connection that has joined a room.
type JoinInfo struct {
	Room string
	Conn event.ConnID
	User string // empty if it isn't known
}

// LeaveInfo describes a connection that is no longer in a room, or that is being closed because
// the room is.
type LeaveInfo struct {
	Room string
	Conn event.ConnID
	// Moved means that another worker runs the room from now on, where the connection joins
	// again.
	Moved bool
}

// LoadInfo describes the loading of a room.
type LoadInfo struct {
	Room     string
	Entries  int // of the log
	Bytes    int // of their data
	Duration time.Duration
}

// TurnInfo describes a turn in which a room took inputs.
type TurnInfo struct {
	Room     string
	Inputs   int
	Trace    *event.Trace  // of the first edit of which a trace is kept, or else of the first such request; nil: there is none
	Added    int           // size of the update that the turn added to the document, in bytes
	Duration time.Duration // of the room's work, without delivery
}

// AppendInfo describes an append to the log of a room.
type AppendInfo struct {
	Room     string
	Turns    int // how many turns' updates were merged
	Bytes    int
	Trace    *event.Trace  // of the first of the turns of which a trace is kept; nil: there is none
	Duration time.Duration // of the last attempt
	Err      error         // nil if the update is stored
}

// MergeInfo describes entries that a room has loaded from its log because another
// worker may have appended some of them.
type MergeInfo struct {
	Room    string
	Entries int
	Bytes   int
}

// CompactInfo describes a compaction of the log of a room.
type CompactInfo struct {
	Room     string
	Entries  int // that the snapshot has replaced, or would have replaced
	Bytes    int // of the snapshot
	Duration time.Duration
	Err      error // nil if the snapshot is stored
}

// FailInfo describes why a room was closed, or refuses updates until the store works again.
type FailInfo struct {
	Room  string
	Err   error
	Close protocol.CloseError // the code and reason with which connections are closed
}

// ClashInfo describes updates of a turn that had a clash: blocks that the document has
// with the same client and clock, and with other content. They were dropped.
type ClashInfo struct {
	Room    string
	Updates int
	// Client and Clock are those of the first element of the last clash.
	Client, Clock uint64
}

// reportLeft reports connections that are no longer in the room. Watchers are ignored.
func (a *actor) reportLeft(conns []event.ConnID, moved bool) {
	for _, conn := range conns {
		if to, found := a.receivers.known[conn]; found && !to.watches && !to.closed {
			report(a.worker, a.worker.config.Events.Left, LeaveInfo{Room: a.name, Conn: conn, Moved: moved})
		}
	}
}

// join adds a connection to the receivers, and reports it unless it is one of them already.
func (a *actor) join(in *layer.Input) {
	_, again := a.receivers.known[in.Conn]
	a.receivers.join(in.Conn, in.From)
	if !again {
		report(a.worker, a.worker.config.Events.Joined, JoinInfo{Room: a.name, Conn: in.Conn, User: in.User})
	}
}

// leave removes a connection or a program from the receivers, and reports a connection.
func (a *actor) leave(conn event.ConnID) {
	a.reportLeft([]event.ConnID{conn}, false)
	a.receivers.leave(conn)
}

// report calls f, one of the functions in Events, unless it is nil. It logs a panic
// of f, so that a fault in metrics closes no room.
func report[T any](w *Worker, f func(T), info T) {
	if f == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			w.config.Logger.Error("A function of Events panicked; rooms are not affected.", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	f(info)
}
