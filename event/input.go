package event

import (
	"strconv"

	"github.com/yroom/yroom/protocol"
)

// ConnID identifies a connection, or a program that requests something, within
// a room. It is random, so that two consumers don't use the same, and never 0.
type ConnID uint64

// String returns the number in decimal digits, for logs and JSON: JavaScript would round the
// number.
func (id ConnID) String() string { return strconv.FormatUint(uint64(id), 10) }

// InputKind is the kind of an Input.
type InputKind uint8

// The kinds of inputs.
const (
	InputJoin    InputKind = 1 // Conn joins with Access and Greeting
	InputMessage InputKind = 2 // Conn sent Message
	InputLeave   InputKind = 3 // Conn, a connection or a program that watched, is gone
	InputResync  InputKind = 4 // Conn lacks everything after Mark, and can receive it now
	InputRequest InputKind = 5 // the program Conn sent Request
	InputSilent  InputKind = 6 // Conn has not answered a ping since an OutputProbe
	InputAccess  InputKind = 7 // Conn has Access from now on
)

// Greeting says when a room sends its first messages to a connection that joins.
type Greeting uint8

// The greetings. A connection's dialect and the settings of its room choose
// between the first two.
const (
	// GreetingServer: the room sends SyncStep1 and the awareness as soon as the connection
	// joins.
	GreetingServer Greeting = 0
	// GreetingClient: the room sends SyncStep1 and the awareness after the client's first
	// SyncStep1, which it answers with SyncStep2 first, or with an OutputOffer.
	GreetingClient Greeting = 1
	// GreetingRejoin: the connection was in the room before, and its client has sent its
	// SyncStep1 then. The room sends SyncStep1, so that the client sends what the room
	// lacks, a SyncStep2 with what was added after Mark, and the awareness.
	GreetingRejoin Greeting = 2
)

// Input is an event of a connection, or a program's request, for a room.
type Input struct {
	Kind   InputKind
	Conn   ConnID
	Access Access // InputJoin and InputAccess
	// AccessSeq is that of the newest OutputAccess for Conn, for an InputJoin and an
	// InputAccess. If the room has sent a newer one, Access has no effect.
	AccessSeq uint64
	User      string   // InputJoin: the user of Conn, or empty if the user is not known
	Greeting  Greeting // InputJoin
	// Acks, for an InputJoin, means that each SyncStep2 and each Update of Conn is counted in
	// an Ack once it is stored, or in a Reject. In return, each SyncStep1 of the client is
	// answered with a SyncStep1 before the SyncStep2, so that a client can wait for the Ack of
	// what it sends then. The room sends it no other SyncStep1 than these and the greeting.
	Acks bool
	// V1, for an InputJoin, means that the updates to and from Conn are in V1, whatever the
	// encoding of the room's other connections is.
	V1 bool
	// Mark is the newest state that was written to Conn in full, for InputResync
	// and for InputJoin with GreetingRejoin. The zero Mark stands for nothing.
	Mark Mark
	// Vector is nil, or a state vector that every receiver with the state Mark has
	// reached: one from an Output at or before Mark. If Mark is of another epoch, the room
	// computes the difference from Vector. It is shared and must not be changed.
	Vector []byte
	// Client is the client id of the program at Conn, for an InputMessage with awareness.
	// It is 0 if the consumer doesn't know it.
	Client uint64
	// Most is how many bytes of a document the consumer can take for Conn now, for a
	// SyncStep1, an InputResync and an InputJoin with GreetingRejoin. If the answer is
	// larger, the room sends an OutputOffer in its place, and the consumer asks again when
	// it can take the answer. 0 stands for any size.
	Most int
	// Offered, for a SyncStep1, means that it is not from the client: the consumer asks for
	// the answer that the room has offered to the client.
	Offered bool
	// Message is the message of an InputMessage. The receiver owns its data.
	Message protocol.Message
	// Request is the request of an InputRequest, and nil for other kinds. The receiver
	// owns it.
	Request *Request
	// Trace is nil unless a trace is kept of this input. It is shared and must not be changed.
	Trace *Trace
}

// Size returns the number of bytes of data that in carries.
func (in *Input) Size() int {
	n := len(in.Message.Data) + len(in.Vector) + len(in.User)
	if in.Request != nil {
		n += len(in.Request.Update) + len(in.Request.Vector) + len(in.Request.Message.Data)
	}
	return n
}
