package consumer

import (
	"errors"
	"io"
	"time"

	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// cause is why a connection ended.
type cause struct {
	protocol.CloseError

	peer bool  // the client ended it
	err  error // for the log alone
}

// broken returns the cause when reading or writing failed.
func broken(err error) cause {
	return cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "the network connection failed"}, peer: true, err: err}
}

var (
	errStopping = errors.New("consumer: shutting down")
	errEnding   = errors.New("consumer: the connection ends")
)

// hookError is an error that PreReceive returned.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

// readError means that nothing more can be read. It wraps a
// *protocol.CloseError if the client broke a rule; otherwise the network
// connection failed.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// peerCloseError is a close frame from the client.
type peerCloseError struct{ protocol.CloseError }

// causeOf returns the cause for an error, with what the client may see of it.
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

// end ends the socket: what waits is written, then a close frame, and what
// arrives later is dropped. It doesn't block. Only the first end counts.
func (s *socket) end(why cause) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	visible := why.CloseError
	if why.peer {
		s.discard()
		visible.Reason = ""
	}
	s.closing = newClose(visible)
	s.startWriter()
	s.setEnded(why) // last: the reader waits for the writer from now on
	s.mu.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(closeWait))
}

// kill cuts the socket off.
func (s *socket) kill(why cause) {
	s.mu.Lock()
	if !s.ended {
		s.setEnded(why)
	}
	s.discard()
	s.mu.Unlock()
	_ = s.conn.Close()
}

// discard drops the frames that wait. The lock is held.
func (s *socket) discard() {
	s.control = [controls]*outbox.Frame{}
	for _, c := range s.conns {
		c.out.Discard()
	}
}

// lingering is what the reader does when the socket has ended.
type lingering uint8

const (
	lingerRead lingering = iota // read on until the client answers the close frame
	lingerSkip                  // skip what arrives, for a moment: it can't be decoded
	lingerNot
)

// endFor ends the socket for the error that stopped the reader.
func (s *socket) endFor(err error) lingering {
	var sent *peerCloseError
	var read *readError
	var broke *protocol.CloseError
	switch {
	case errors.Is(err, errEnding):
		return lingerRead
	case errors.As(err, &sent):
		s.end(cause{CloseError: sent.CloseError, peer: true})
		return lingerNot
	case errors.As(err, &read) && !errors.As(err, &broke):
		s.kill(broken(read.error))
		return lingerNot
	case read != nil:
		s.end(causeOf(err))
		return lingerSkip
	default:
		s.end(causeOf(err))
		return lingerRead
	}
}

// linger waits until the close frame is written and the client had time to read
// it, and closes the connection. To close it earlier could destroy the frame on
// its way.
func (s *socket) linger(how lingering) {
	s.writer.Wait()
	switch how {
	case lingerRead:
		s.drain()
	case lingerSkip:
		_ = s.conn.SetReadDeadline(time.Now().Add(rudeWait))
		_, _ = io.Copy(io.Discard, s.in)
	}
	_ = s.conn.Close()
}
