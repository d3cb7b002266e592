package room

import (
	"time"

	"github.com/yroom/yroom/protocol"
)

// ConnID names a connection. It is random and never zero, so that two
// consumers don't give out the same.
type ConnID uint64

// Everyone, as the receiver of an Output, is every connection in the room, the
// sender of what led to it included: stock y-websocket clients need their own
// echo to know that the line is alive.
const Everyone ConnID = 0

// Access is what a connection may do. The zero value, Read, is the safe one.
type Access uint8

// Access bits. Reading is always included.
const (
	Read    Access = 0
	Write   Access = 1 << iota // change the document
	Present                    // show awareness to the others
)

// May tells whether a includes all of want.
func (a Access) May(want Access) bool { return a&want == want }

// Opening says what a connection is sent first, which its dialect decides.
type Opening uint8

// The openings.
const (
	// ServerStarts sends SyncStep1 and the awareness as soon as the connection joins.
	ServerStarts Opening = iota
	// ClientStarts sends them in answer to the client's first SyncStep1: SyncStep2,
	// then SyncStep1. The awareness waits for neither, as ever.
	ClientStarts
)

// Kind says what an Input is.
type Kind uint8

// What can happen in a room.
const (
	Join    Kind = iota + 1 // Conn joins with Access and Open
	Message                 // Conn sent Msg
	Leave                   // Conn is gone
	Resync                  // Conn missed everything after Seq and can take more now
	Tick                    // the Deadline has passed

	// From here on Conn is somebody outside who asks, with a ConnID of its own
	// that no connection has. Ask says what, and an Output carries the Answer.

	Query  // tell what Ask wants to know
	Watch  // tell what is new after Ask.Since, and what the document gains, until Leave
	Apply  // take Ask.Update into the document
	Create // make the room, with Ask.Update. The worker's, not for Step
	Delete // delete the room. The worker's, not for Step
)

// Asks tells whether who sent it waits for one Answer.
func (k Kind) Asks() bool { return k >= Query && k <= Delete }

// Input is what happened in the room.
type Input struct {
	Kind   Kind
	Conn   ConnID
	Access Access           // Join
	Open   Opening          // Join
	Seq    uint64           // Resync: the last Output.Seq that was written to Conn in full; 0: it has nothing
	Msg    protocol.Message // Message: the room takes ownership of Msg.Data
	Ask    *Ask             // Query and those after it; the room takes ownership
	At     time.Time        // when it happened; the room knows no other clock
}

// Output is what to tell whom. Its data is shared and must not be changed.
type Output struct {
	To  ConnID // or Everyone
	Seq uint64 // where Msg reveals document state: the document sequence it brings the receiver to; else 0
	Msg protocol.Message
	// Answer is for who asked or watches, and then Msg is empty. nil: To is a
	// connection, or whoever watches is sent away with a Close.
	Answer *Answer
}

// Effects is what a turn asks its worker to do.
type Effects struct {
	// Update is what the document gained, as one V1 update: append it to the
	// log. nil: nothing was gained.
	Update []byte
	// Now can be delivered at once: awareness, Close, and what was refused.
	Now []Output
	// Durable holds all that reveals document state. Deliver it, in order, once
	// Update and the Updates of all earlier turns are durable.
	Durable []Output
}
