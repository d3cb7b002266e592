// Package layer is the contract of the channel layer: it carries what happens
// on connections from consumers to the worker that runs their room, and what
// rooms answer back to the consumers. What a program asks about a room without
// being in it, and the answer, go the same way: to the layer, who asks is a consumer.
//
// Package layertest is its conformance suite.
package layer

import (
	"context"
	"errors"

	"github.com/yroom/yroom/room"
)

// Address names one attached consumer.
type Address string

// Input is a room's input on its way to the worker.
type Input struct {
	Room     string
	Consumer Address // who has the connection; set by Port.Send
	room.Input
}

// Output is a room's output on its way to consumers.
type Output struct {
	Room     string
	Consumer Address // "": every one that has joined Room
	room.Output
}

var (
	// ErrFull means that the room can't take more now. The input was not taken:
	// send it again after a while, and read no more from its connection until then.
	ErrFull = errors.New("layer: the room has too much to do")
	// ErrNoOwner means that no worker serves the room.
	ErrNoOwner = errors.New("layer: no worker serves this room")
	// ErrClosed means that the layer, or the port, was closed.
	ErrClosed = errors.New("layer: closed")
)

// Layer connects consumers and workers. Its methods can be called from any
// goroutine.
type Layer interface {
	// Attach connects a consumer. Outputs for it arrive through deliver, those
	// of one room in the order in which the worker gave them. deliver must not
	// block, and must not keep or change the slice. It may be called for several
	// rooms at once, and may itself call the Port's methods, except Close.
	Attach(deliver func([]Output)) (Port, error)
	// Serve connects a worker and blocks until ctx ends; then it returns nil, and
	// another error only where it ended before. No call to handle is running or
	// will run once it has returned. Inputs arrive through handle, those of one
	// connection in the order in which they were sent. handle must not block; it
	// returns ErrFull for what it can't take.
	Serve(ctx context.Context, handle func(Input) error) error
	// Deliver takes outputs of one room to the consumers; it may keep the
	// messages' data and the answers, which are never written to, but not the slice. Outputs for a
	// consumer that is gone are dropped without an error. An error means that
	// some of outs, nobody knows which, are lost: the worker has to close the
	// room's connections or bring them up to date. Calls for one room must
	// follow each other.
	Deliver(ctx context.Context, outs []Output) error
}

// Port is a consumer's end of a Layer.
type Port interface {
	// Send sends an input to the worker that serves its room: nil, ErrFull,
	// ErrNoOwner or ErrClosed, or what broke the line. All data in the input
	// belongs to the receiver from then on, unless there was an error.
	Send(in Input) error
	// Join asks for the outputs of room that go to everyone in it. Outputs that
	// the worker delivers after Join has returned arrive. To join twice is to
	// join once.
	Join(room string) error
	// Leave ends that. Outputs that were on their way may still arrive.
	Leave(room string) error
	// Close detaches and leaves all rooms; a second Close changes nothing. No
	// call to deliver is running or will run once it returns, so it must not be
	// called from within deliver, nor holding what deliver waits for. After it
	// the other methods return ErrClosed.
	Close() error
}
