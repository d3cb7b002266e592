// Package protocol holds the messages that clients and rooms exchange, and the
// dialects that frame them. Rooms speak messages; a dialect turns them into
// the bytes of one kind of client.
package protocol

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
	Reason string    // Close: one line for the person at the other end; the consumer cuts what a close frame can't hold
}
