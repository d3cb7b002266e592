package consumer

import (
	"errors"
	"math"
	"time"

	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// readError means that nothing more can be read. It wraps a *protocol.CloseError if the
// client broke a rule. Otherwise the network connection has failed.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// peerCloseError is a close frame from the client.
type peerCloseError struct{ protocol.CloseError }

// end ends the socket: frames that wait are written, then a close frame, and what
// arrives later is dropped. It doesn't block. Later calls have no effect.
func (s *socket) end(why cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setEnding(why)
}

// setEnding is end with the lock held.
func (s *socket) setEnding(why cause) {
	if s.ended {
		return
	}
	visible := why.CloseError
	if why.peer {
		s.discard()
		visible.Reason = ""
	}
	s.closing = newClose(visible)
	s.startWriter()
	s.setEnded(why) // the last call that starts the writer: the reader waits for it from now on
	_ = s.in.conn.SetWriteDeadline(time.Now().Add(closeWait))
}

// kill cuts the socket off.
func (s *socket) kill(why cause) {
	s.mu.Lock()
	if !s.ended {
		s.setEnded(why)
	}
	s.discard()
	s.mu.Unlock()
	_ = s.in.conn.Close()
}

// discard drops the frames that wait. The lock must be held.
func (s *socket) discard() {
	s.control = [controls]*outbox.Frame{}
	s.replies, s.ready = nil, nil
	for _, c := range s.conns {
		c.out.Discard()
		c.ready = false
	}
}

// lingering is what the reader does after the socket has ended.
type lingering uint8

const (
	lingerRead lingering = iota // read on until the client answers the close frame
	lingerSkip                  // skip what arrives for a short time, because it can't be decoded
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

// linger waits until the close frame is written and the client had time to read it, and
// closes the connection. Closing it earlier could lose the frame on its way.
func (s *socket) linger(how lingering) {
	s.writer.Wait()
	s.lingers = true
	switch how {
	case lingerRead:
		s.drain()
	case lingerSkip:
		_ = s.in.conn.SetReadDeadline(time.Now().Add(rudeWait))
		_ = s.skip(math.MaxInt64)
	}
	_ = s.in.conn.Close()
}
