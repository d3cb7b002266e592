// Package protocol holds the messages that clients and rooms exchange, and the
// dialects that frame them. Rooms speak messages; a dialect turns them into
// the bytes of one kind of client.
package protocol

import "fmt"

// Type says what a Message is.
type Type uint8

// The messages. Data is what the comment names; a Message never owns it.
const (
	SyncStep1      Type = iota + 1 // a state vector: "this is what I have"
	SyncStep2                      // an update: the answer to SyncStep1
	Update                         // an update: what changed just now
	Awareness                      // an awareness update: who is present
	QueryAwareness                 // no data: "tell me who is present"
	Close                          // Code and Reason: the server ends the connection
)

// Message is one message between a client and a room, in no dialect.
type Message struct {
	Type   Type
	Data   []byte    // V1 where it is an update; shared, never written to
	Code   CloseCode // Close
	Reason string    // Close: one line for the person at the other end, at most 123 bytes
}

// CloseCode is a WebSocket close code.
type CloseCode uint16

// The codes a yroom server closes with.
const (
	CloseShutdown    CloseCode = 1001 // the server goes away
	CloseMalformed   CloseCode = 1007 // a malformed message of a known kind
	ClosePolicy      CloseCode = 1008 // a limit or a policy
	CloseTooBig      CloseCode = 1009 // a message over the size limit
	CloseInternal    CloseCode = 1011 // a bug in the server
	CloseRestart     CloseCode = 1012 // the server restarts: come back
	CloseTryLater    CloseCode = 1013 // overloaded, or the room can't be loaded now
	CloseAccessTaken CloseCode = 4403 // access was taken away
)

// CloseError ends a connection with a code and a reason that the client sees.
type CloseError struct {
	Code   CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("closed with %d: %s", e.Code, e.Reason)
}

// Message is the Close message that carries e.
func (e *CloseError) Message() Message {
	return Message{Type: Close, Code: e.Code, Reason: e.Reason}
}
