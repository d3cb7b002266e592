package event

import "github.com/yroom/yroom/protocol"

// Everyone, as the receiver of an Output, stands for every connection that the consumer
// has in the room. The connection that caused the output is one of them: stock
// y-websocket clients need their own echo to detect that their connection is alive.
const Everyone ConnID = 0

// OutputKind is the kind of an Output.
type OutputKind uint8

// The kinds of outputs.
const (
	OutputMessage  OutputKind = 1 // Message is for the client, or ends the connection
	OutputResponse OutputKind = 2 // Response is for the program To
	// OutputRejoin means that the room doesn't know To, or doesn't know whether To
	// still exists, or that updates of To, which has joined with Acks, were lost. The
	// consumer answers with InputJoin and GreetingRejoin, or with InputLeave if it has no
	// such connection. A program sends its watch again.
	OutputRejoin OutputKind = 3
	// OutputProbe means that another connection claims a client id of To. The consumer
	// pings To, and sends InputSilent if nothing arrives from it within some seconds.
	OutputProbe OutputKind = 4
	// OutputOffer takes the place of an answer that is larger than Input.Most. It costs
	// the room no encoding. Message has the type of the answer. A SyncStep2 is requested by
	// a SyncStep1 with the state vector that is the data of Message, an Update by an
	// InputResync.
	OutputOffer OutputKind = 5
	// OutputAccess means that a program has changed the access of To: it is Access from
	// now on. The consumer answers with InputAccess.
	OutputAccess OutputKind = 6
)

// Reach says for which connections in the room a broadcast is.
type Reach uint8

// The reaches. A broadcast with document state in a room whose encoding isn't V1 has one of
// the last two, even if all connections in the room are of one kind: the consumer may have
// others that have not joined yet. If there are connections of both kinds, the broadcast is
// two outputs with the same Mark.
const (
	ReachAll    Reach = 0
	ReachV1     Reach = 1 // connections that have joined with Input.V1
	ReachOthers Reach = 2 // all others
)

// Output is a message or a response of a room to one receiver or to Everyone. All its
// data is shared and must not be changed.
type Output struct {
	Kind OutputKind
	To   ConnID // or Everyone
	// Reach limits what Everyone stands for.
	Reach Reach
	// Access is the access of To, for an OutputAccess, and AccessSeq how many times
	// programs have changed it.
	Access    Access
	AccessSeq uint64
	// Mark is set if Message reveals document state. It is the state to which Message
	// brings the receiver. A broadcast (an Update to Everyone) brings only a receiver to
	// it that has the state before, whose Seq is one less. A SyncStep2, and an Update to
	// one connection, which answers an InputResync, bring the receiver to it from the
	// state that the receiver has sent.
	Mark Mark
	// Vector is nil or a state vector that every receiver with the state Mark has reached.
	// The room sends one from time to time; see Input.Vector.
	Vector []byte
	// Size is the Input.Most that suffices for the answer that an OutputOffer offers.
	Size int
	// Whole means that a SyncStep2 is the whole document, or will be if it is offered. It
	// is the same for every connection with this Mark.
	Whole    bool
	Message  protocol.Message
	Response *Response
	// Trace is nil unless a trace is kept of an edit that this broadcast has.
	Trace *Trace
}
