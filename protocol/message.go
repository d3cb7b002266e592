// Package protocol holds the messages that clients and rooms exchange, and the
// dialects that frame them. Rooms speak messages; a dialect turns them into
// the bytes of one kind of client.
package protocol

// Type says what a Message is.
type Type uint8

// The types of messages. Their numbers are fixed: they cross the channel layer.
const (
	SyncStep1      Type = 1 // Data is a state vector: what the sender has
	SyncStep2      Type = 2 // Data is an update: the answer to SyncStep1
	Update         Type = 3 // Data is an update: what was changed just now
	Awareness      Type = 4 // Data is an awareness update: who is present
	QueryAwareness Type = 5 // no Data: asks who is present
	Close          Type = 6 // Code and Reason: the server ends the connection
)

// Message is one message between a client and a room, in no dialect.
type Message struct {
	Type   Type
	Data   []byte    // V1 where it is an update; shared, never written to
	Code   CloseCode // Close
	Reason string    // Close: one line for the person at the other end; the consumer cuts what a close frame can't hold
}
