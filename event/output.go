package event

import "github.com/yroom/yroom/protocol"

// Everyone, as the receiver of an Output, is every connection that the
// consumer has in the room. The sender of what led to the output is one of
// them: stock y-websocket clients need their own echo to see that their
// connection is alive.
const Everyone ConnID = 0

// OutputKind says what an Output is.
type OutputKind uint8

// The kinds of outputs.
const (
	OutputMessage  OutputKind = 1 // Message is for the client, or ends the connection
	OutputResponse OutputKind = 2 // Response is for the program To
	// OutputRejoin means that the room doesn't know To, or doesn't know whether To
	// still exists. The consumer answers with InputJoin and GreetingRejoin, or
	// with InputLeave where it has no such connection. A program that watches
	// watches again.
	OutputRejoin OutputKind = 3
)

// Output is what a room has to say to one receiver or to Everyone. All its data
// is shared and must not be changed.
type Output struct {
	Kind OutputKind
	To   ConnID // or Everyone
	// Mark is set where Message reveals document state: the state that it brings
	// the receiver to. A broadcast (an Update to Everyone) brings a receiver
	// there only from the state before it, whose Seq is one less. A SyncStep2,
	// and an Update to one connection, which answers an InputResync, bring it
	// there from what it said that it has.
	Mark Mark
	// Vector is nil or a state vector that whoever has Mark is past. The room sends
	// one now and then; see Input.Vector.
	Vector   []byte
	Message  protocol.Message
	Response *Response
}
