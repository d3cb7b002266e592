// Package layer is the contract of the channel layer, which joins the
// processes of a server: consumers and programs are at its front, workers at
// its back. It carries inputs to the worker that runs their room, and outputs
// back to where their connections are.
//
// # What may be lost, and how the ends recover
//
// Inputs of one connection, and outputs of one room to one front, arrive in the
// order in which they were sent. A layer within one process loses none. A layer between
// processes may lose some when a process or the network fails. It then reports the loss
// to both sides, once it can carry messages again: [FrontHandler.Lost] and
// [BackHandler.Lost]. Both sides then compare their states:
//
//   - A consumer joins again with each of its connections in the rooms
//     concerned, with the state that it has in full (event.GreetingRejoin). The
//     room answers with what the client lacks, and asks for what it lacks itself.
//   - A worker asks for each of the front's connections whether it still exists
//     (event.OutputRejoin), and the front answers with a Join or a Leave. A connection
//     for which no answer arrives leaves the room, because the front may have sent it to
//     another worker that ran the room in between.
//
// A message that arrives for a room that doesn't know its connection is answered
// with event.OutputRejoin too, and an output for a connection that the front
// doesn't have with a Leave. So the next message repairs any loss that was not
// reported.
//
// Package layertest is the conformance suite.
package layer

import (
	"errors"

	"github.com/yroom/yroom/event"
)

// Address identifies an attached front. An address is never used again.
type Address string

// Input is an input of a room on its way to the worker that runs the room.
type Input struct {
	Room string  // empty for a request to all workers
	From Address // the front that sent it; set by Front.Send
	event.Input
}

// Output is an output of a room on its way to one front.
type Output struct {
	Room string
	To   Address // of the front
	event.Output
}

var (
	// ErrFull means that an input was not taken because too many inputs wait before it.
	// The caller must send it again after a while, and read no more from its connection
	// until then.
	ErrFull = errors.New("layer: too many inputs wait for the room")
	// ErrNoOwner means that no worker serves the room at the moment. This happens in every
	// fail-over: the caller should try again for some seconds.
	ErrNoOwner = errors.New("layer: no worker serves the room")
	// ErrClosed means that the front or the layer was closed.
	ErrClosed = errors.New("layer: closed")
	// ErrServed means that the layer has a worker and accepts no other.
	ErrServed = errors.New("layer: the layer has a worker already")
)

// Layer joins fronts and backs. Its methods can be called from any goroutine.
type Layer interface {
	// Attach attaches a consumer or a program.
	Attach(h FrontHandler) (Front, error)
	// Serve attaches a worker. From now on, inputs are passed to it.
	Serve(h BackHandler) (Back, error)
}

// FrontHandler handles what arrives at a front. Both functions may be called for
// several rooms at once. They must not block, and may call Send.
type FrontHandler struct {
	// Deliver handles outputs of one room. It must not keep or change the slice.
	Deliver func(outs []Output)
	// Lost reports that messages from or to the workers of some rooms, or these workers
	// themselves, were lost. These are the rooms for which affected returns true. Inputs
	// that are sent from now on reach the current workers of these rooms. affected can be
	// called at any time afterwards.
	Lost func(affected func(room string) bool)
}

// Front is the end of a Layer for a consumer or a program.
type Front interface {
	// Send sends an input to the worker that runs its room. The layer has taken it
	// if the error is nil; then the data of its message and its request belong to the
	// receiver.
	// The errors are ErrFull, ErrNoOwner and ErrClosed. After ErrNoOwner, a Leave need not
	// be sent again: no room has the connection, or Lost will be called.
	Send(in Input) error
	// SendAll sends a request to each worker that can be reached, and returns the number
	// of these workers. As many responses arrive unless a worker is lost. The errors are
	// those of Send; if it returns one, nothing was sent.
	SendAll(in Input) (workers int, err error)
	// Close detaches the front. When it returns, no call of the handler or of Send
	// is running or will run, so it must not be called from one. A second Close changes
	// nothing.
	Close() error
}

// BackHandler handles what arrives at a worker. The functions may be called for several
// rooms at once, and must not block.
type BackHandler struct {
	// Handle handles an input. It returns ErrFull for an input that it can't take. If the
	// front's Send still waits, the layer returns that error from it. If Send has returned
	// already, the layer closes the connection with protocol.CloseTryLater, or refuses the
	// request with event.CauseClosed and that code. A room that is full doesn't delay
	// others.
	Handle func(in Input) error
	// Lost reports that inputs from the front, or outputs to it, were lost.
	Lost func(front Address)
	// Gone reports that the front is permanently gone. Inputs from it are no longer
	// handled, and its connections have left.
	Gone func(front Address)
	// Moved reports that other workers run some rooms from now on: those for which moved
	// returns true. The worker hands them over: it stores the updates that it has taken
	// and asks the connections to join again, which they do at the new worker. Inputs of
	// these rooms reach this worker again only if the rooms are placed here again. A layer
	// that accepts only one worker never calls Moved.
	Moved func(moved func(room string) bool)
}

// Back is the end of a Layer for a worker.
type Back interface {
	// Deliver sends outputs of one room, in order. It only enqueues them, never
	// blocks and doesn't fail: BackHandler.Lost and FrontHandler.Lost report losses
	// afterwards. It may keep the data, which must not be changed any more, but not the
	// slice. Outputs to a front that is gone are dropped. Calls for one room must follow
	// each other.
	Deliver(outs []Output)
	// Drain stops passing inputs to the worker. When it returns, no call of the handler is
	// running or will run, so it must not be called from one. Deliver still works.
	Drain()
	// Close detaches the worker, after Drain if that wasn't called. Outputs that were
	// delivered before still arrive; then the fronts' Lost is called. A second Close
	// changes nothing.
	Close() error
}
