package event

import (
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/protocol"
)

// RequestKind is the kind of a Request.
type RequestKind uint8

// The kinds of requests. Each is answered with one Response, except that a
// watch is answered with a Response for each change until InputLeave.
const (
	RequestQuery  RequestKind = 1 // describe the room and its document
	RequestWatch  RequestKind = 2 // report what was added to the document after Since, and then each change
	RequestApply  RequestKind = 3 // add Update to the document
	RequestCreate RequestKind = 4 // make the room, with Update as its content
	RequestDelete RequestKind = 5 // delete the room
	RequestRooms  RequestKind = 6 // list rooms; sent to a worker, not to a room
	RequestLog    RequestKind = 7 // describe the newest Limit entries of the stored log
	RequestCut    RequestKind = 8 // remove the entries of the stored log from From on
	// The following open no room: in a room that isn't in memory they find no connection.
	// The first two may be sent to a worker, too, for all its rooms. They take effect at once,
	// and are responded to when the consumers of the connections know it.
	RequestAccess    RequestKind = 9  // give the connections of User, or Target, Access
	RequestExpel     RequestKind = 10 // close the connections of User, or Target, with Message, a Close
	RequestBroadcast RequestKind = 11 // send Message, a Stateless, to all connections
)

// Request is a request of a program to a room or to a worker.
type Request struct {
	Kind RequestKind

	// Since is the state from which a query or a watch starts.
	Since Mark
	// Vector, a state vector, takes the place of Since in a query unless it is nil.
	Vector []byte
	// Bare leaves Update, Members and States out of the response to a query, so that
	// it costs the room no work that grows with its document or its connections.
	Bare bool

	// Pending makes the Update of a query the whole document with the blocks that are
	// pending, as a backup needs it. Everything else that a room sends lacks them, so that
	// no client integrates blocks that the room has not checked.
	Pending bool
	// Update is the update of an apply or a create, in V1.
	Update []byte
	// Client and Clock guard an apply: it is refused with CauseStale unless the
	// document holds exactly Clock elements of Client. If Client is 0, there is no guard.
	Client, Clock uint64

	// From is the position of the first entry that a cut removes from the log.
	From uint64

	// An access and an expel are for the connection Target or, if that is 0, for the
	// connections that have joined with User, which is not empty.
	Target ConnID
	User   string
	Access Access
	// Message is what an expel or a broadcast sends.
	Message protocol.Message

	// A list of rooms holds, in the byte order of their names, the first Limit
	// rooms whose names begin with Prefix and come after the name After, which
	// need not exist. Prefix is any beginning of a name.
	Prefix, After string
	Limit         int
}

// Response answers a Request.
type Response struct {
	// Refusal is why the request was refused; then all other fields are empty. The zero
	// value means that it was not refused.
	Refusal Refusal

	// Mark is the state of the document, for every request that reads or changes it. The
	// next query or watch can start from it.
	Mark Mark
	// Update is what was added since the state from which a query or a watch started, in
	// V1. It is nil if nothing was added.
	Update []byte
	// Whole reports that Update is the whole document, because the room no
	// longer knows what was added since the state that the request started from.
	Whole bool

	// The remaining fields except Log, Rooms and Open are set for a query.

	Summary Summary
	Vector  []byte            // the state vector of the document
	Members []Member          // the connections, by ascending ID
	States  []awareness.State // by ascending client id

	// Log describes entries of a log, by ascending position.
	Log []LogEntry
	// Rooms is a list of rooms.
	Rooms []RoomInfo
	// Count is how many connections an access or an expel was for, or a broadcast was sent
	// to.
	Count int
	// Open is how many rooms of the prefix the worker has in memory.
	Open int
}

// Summary describes a room in memory. The room computes it in a time that doesn't grow
// with its document.
type Summary struct {
	Conns   int       // how many connections are in the room
	Clients int       // how many clients have an awareness state
	Size    int       // size of the document in memory, in bytes, with what is pending
	Pending int       // how much of Size is pending
	Edits   int       // about how many updates have changed the document in the last EditsTime
	Changed time.Time // when the document last changed; zero if it hasn't changed since the room was opened
	Worker  string    // the name of the worker that runs the room; empty if it has none
}

// EditsTime is the time to which Summary.Edits refers.
const EditsTime = 10 * time.Second

// LogEntry describes an entry of the stored log of a room. The first entry of a log may be
// a snapshot, which stands for others.
type LogEntry struct {
	Position uint64
	Bytes    int
	Stored   time.Time
	// Written is what clients wrote in the entry, of up to MaxAuthors clients. Clients is how
	// many there are, and Deleted how many elements the entry deletes.
	Written []Written
	Clients int
	Deleted uint64
}

// MaxAuthors is the length of the longest LogEntry.Written.
const MaxAuthors = 16

// Written is elements of a Yjs client: those with clocks from From on, up to To, which is
// not included. Some in between may be missing.
type Written struct{ Client, From, To uint64 }

// Member is a connection in a room.
type Member struct {
	ID     ConnID
	User   string // empty if it isn't known
	Access Access
}

// RoomState is the state of a room in a list.
type RoomState uint8

// The states of a room.
const (
	RoomStored  RoomState = 1 // it is stored and not in memory
	RoomLoading RoomState = 2 // it is being loaded
	RoomOpen    RoomState = 3 // it is in memory
	RoomFailed  RoomState = 4 // it is closed after a failure, and refuses connections for a while
	RoomBusy    RoomState = 5 // it is in memory and did not answer in time
)

// String returns the state in lower case.
func (s RoomState) String() string {
	switch s {
	case RoomStored:
		return "stored"
	case RoomLoading:
		return "loading"
	case RoomOpen:
		return "open"
	case RoomFailed:
		return "failed"
	case RoomBusy:
		return "busy"
	}
	return "unknown"
}

// RoomInfo describes a room in a list.
type RoomInfo struct {
	Name    string
	State   RoomState
	Summary Summary              // RoomOpen; of other rooms in memory only Worker
	Failure *protocol.CloseError // RoomFailed: the code and reason with which connections are closed; else nil
	// StoredBytes is the size of the stored log in bytes, and StoredAt when its
	// newest entry was stored. Both are zero for a room that isn't stored, or
	// whose store can't list its rooms.
	StoredBytes int
	StoredAt    time.Time
}

// Cause is the kind of reason for which a request was refused.
type Cause uint8

// The causes. A room refuses with the first three, its worker with the others.
const (
	CauseMalformed   Cause = 1 // the bytes are not an update, or not a state vector
	CauseOverLimit   Cause = 2 // the update would take the document past a limit
	CauseStale       Cause = 3 // the document doesn't hold Request.Clock elements of Request.Client
	CauseNotFound    Cause = 4 // there is no such room
	CauseExists      Cause = 5 // the room exists already
	CauseUnsupported Cause = 6 // the store doesn't support the request
	CauseClosed      Cause = 7 // the room or its store has failed: the request may or may not have been carried out
	CausePosition    Cause = 8 // the log can't be cut at Request.From
)

// Refusal is why a request was refused. The zero Refusal means that it was not refused.
type Refusal struct {
	Cause  Cause
	Reason string             // one line, or empty if Cause suffices
	Code   protocol.CloseCode // CauseClosed: the close code of connections
}
