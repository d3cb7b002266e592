package consumer

import (
	"errors"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// cause is why a connection ended.
type cause struct {
	protocol.CloseError

	peer bool  // the client ended it
	err  error // only for the log
}

// broken returns the cause for an error of reading or writing.
func broken(err error) cause {
	return cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "the network connection failed"}, peer: true, err: err}
}

// tooSlow is the cause for a client that doesn't read what can't be dropped.
var tooSlow = cause{CloseError: protocol.CloseError{Code: protocol.CloseReset, Reason: "the client reads too slowly"}}

const closeNormal protocol.CloseCode = 1000

var (
	errStopping = errors.New("consumer: shutting down")
	errEnding   = errors.New("consumer: the connection ends")
	errLost     = errors.New("consumer: messages of the room may be lost")
)

// hookError is an error that PreReceive returned.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

// causeOf returns the cause for an error, with a code and a reason that the client may
// see.
func causeOf(err error) cause {
	because := func(code protocol.CloseCode, reason string) cause {
		return cause{CloseError: protocol.CloseError{Code: code, Reason: reason}, err: err}
	}
	var ce *protocol.CloseError
	var he *hookError
	switch {
	case errors.As(err, &ce):
		return cause{CloseError: *ce}
	case errors.Is(err, errPanic):
		return because(protocol.CloseInternal, "the server made a mistake")
	case errors.As(err, &he):
		return because(protocol.CloseInternal, "the message could not be processed")
	case errors.Is(err, layer.ErrFull):
		return because(protocol.CloseTryLater, "the room has too much to do")
	case errors.Is(err, layer.ErrNoOwner):
		return because(protocol.CloseTryLater, "no server runs the room at the moment")
	case errors.Is(err, errStopping), errors.Is(err, layer.ErrClosed):
		return because(protocol.CloseRestart, "the server restarts")
	default:
		return because(protocol.CloseTryLater, "the room can't be reached")
	}
}
