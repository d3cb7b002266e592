package event

import "github.com/yroom/yroom/protocol"

// ConnID identifies a connection, or a program that requests something, within
// a room. It is random, so that two consumers don't take the same, and never 0.
type ConnID uint64

// InputKind says what an Input is.
type InputKind uint8

// The kinds of inputs.
const (
	InputJoin    InputKind = 1 // Conn joins with Access and Greeting
	InputMessage InputKind = 2 // Conn sent Message
	InputLeave   InputKind = 3 // Conn is gone: a connection, or a program that watched
	InputResync  InputKind = 4 // Conn has nothing after Mark, and can take more now
	InputRequest InputKind = 5 // the program Conn requests something: Request
)

// Greeting says how a room greets a connection that joins.
type Greeting uint8

// The greetings. A connection's dialect and the settings of its room choose
// between the first two.
const (
	// GreetingServer sends SyncStep1 and the awareness as soon as the connection
	// joins.
	GreetingServer Greeting = 0
	// GreetingClient sends them with the answer to the client's first SyncStep1:
	// SyncStep2, then SyncStep1. The awareness doesn't wait.
	GreetingClient Greeting = 1
	// GreetingRejoin is for a connection that was in the room before and whose
	// client has sent its SyncStep1 then. The room sends SyncStep1, so that the
	// client brings what the room lacks, a SyncStep2 with what was added after
	// Mark, and the awareness.
	GreetingRejoin Greeting = 2
)

// Input is something that happened to a connection of a room, or a program's
// request.
type Input struct {
	Kind     InputKind
	Conn     ConnID
	Access   Access   // InputJoin
	Greeting Greeting // InputJoin
	// Mark is the newest state that was written to Conn in full, for InputResync
	// and for InputJoin with GreetingRejoin. The zero Mark stands for nothing.
	Mark Mark
	// Vector is a state vector that whoever has Mark is past: nil, or one that an
	// Output brought at or before Mark. A room in whose epoch Mark isn't
	// computes the difference from it.
	Vector []byte
	// Message is the message of an InputMessage. The receiver owns its data.
	Message protocol.Message
	// Request is that of an InputRequest, else nil. The receiver owns it.
	Request *Request
}

// Size returns the number of bytes of data that in carries.
func (in *Input) Size() int {
	n := len(in.Message.Data) + len(in.Vector)
	if in.Request != nil {
		n += len(in.Request.Update) + len(in.Request.Vector)
	}
	return n
}
