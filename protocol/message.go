// Package protocol defines the messages that clients and rooms exchange, and
// the dialects that frame them. A room handles messages; a dialect encodes them
// as the frames of one kind of client, and decodes them.
package protocol

// Type is the type of a Message.
type Type uint8

// The types of messages. Their numbers are fixed, because they cross the
// channel layer.
const (
	SyncStep1      Type = 1 // Data is a state vector: what the sender has
	SyncStep2      Type = 2 // Data is an update: the answer to SyncStep1
	Update         Type = 3 // Data is an update: what was changed just now
	Awareness      Type = 4 // Data is an awareness update: the states of some clients
	QueryAwareness Type = 5 // no Data: a request for the states of all clients
	Close          Type = 6 // Code and Reason: the server ends the connection
	Ack            Type = 7 // Count updates of the client are stored
	Reject         Type = 8 // Count updates of the client were not taken, because it may not write
	Stateless      Type = 9 // Data is a text for programs, which changes nothing

	ReadWrite Type = 10 // the client may change the document from now on
	ReadOnly  Type = 11 // the client may not change the document from now on

	Uncounted Type = 12 // Count updates of the client are stored, and the client doesn't count them
)

// Message is a message between a client and a room, in no dialect.
type Message struct {
	Type Type
	// Data is shared and must not be changed. An update is in V1, unless its
	// room's clients send V2.
	Data []byte
	Code CloseCode // Close
	// Count is how many SyncStep2 and Update messages of the client an Ack, a Reject or an
	// Uncounted answers.
	Count int
	// Reason is the reason of a Close: one line for the user of the client. The consumer
	// truncates it to what a close frame can hold.
	Reason string
}
