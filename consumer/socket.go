package consumer

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// socket is a client's WebSocket: it reads messages, writes the frames that wait
// for its Conns, and closes.
type socket struct {
	consumer *Consumer
	request  *http.Request
	handle   func(data []byte) error // takes each binary message; the error ends the socket

	conn    net.Conn
	in      *bufio.Reader
	max     int          // bytes in a message
	touched atomic.Int64 // when something was read last, in Unix nanoseconds
	moved   atomic.Int64 // when the write that is under way made progress last, in Unix nanoseconds; 0: none is under way
	wrote   atomic.Int64 // when a message was written last, in Unix nanoseconds
	pinged  time.Time    // used by the sweep alone

	// For the reader.
	scratch  [ws.MaxControlFramePayloadSize]byte // a header, or the payload of a control frame
	op       ws.OpCode                           // of the message that is being read
	message  []byte                              // its fragments so far
	fragment bool                                // a message is being read

	run        func()         // s.runWriter, made once so that starting it allocates nothing
	writer     sync.WaitGroup // the writer
	background sync.WaitGroup // what runs for one of the Conns

	mu      sync.Mutex // guards the Conns and their outboxes too
	conns   []*Conn
	control [controls]*outbox.Frame // those that wait
	closing *outbox.Frame           // the close frame, written last
	batch   []*outbox.Frame         // what is being written
	running bool                    // the writer is
	ended   bool                    // nothing is put into an outbox any more
	cause   cause
}

// The control frames, of which only the newest is worth writing, and which may
// overtake all others.
const (
	controlPing = iota
	controlPong
	controlKeepalive
	controls
)

func (c *Consumer) newSocket(r *http.Request, messageSize int) *socket {
	s := &socket{consumer: c, request: r, max: messageSize}
	s.run = s.runWriter
	return s
}

// serve upgrades the request, and runs the socket and its Conns until they have
// ended. open is called first, and its error ends the socket.
func (s *socket) serve(w http.ResponseWriter, open func() error) {
	defer s.detach()
	if err := s.upgrade(w); err != nil {
		s.mu.Lock()
		s.setEnded(cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "no upgrade"}, err: err})
		s.mu.Unlock()
		return
	}
	s.pinged = time.Now()
	s.wrote.Store(s.pinged.UnixNano())
	err := errStopping
	if s.consumer.addSocket(s) {
		defer s.consumer.removeSocket(s)
		err = s.guard("the opening", open)
	}
	if err == nil {
		err = s.guard("the reader", s.receive)
	}
	s.linger(s.endFor(err))
}

// detach runs what follows the end of the socket, for each Conn that is left.
func (s *socket) detach() {
	s.background.Wait()
	for _, c := range s.conns {
		if !c.alone {
			c.detach()
		}
	}
}

// guard runs f. It logs a panic and returns errPanic.
func (s *socket) guard(what string, f func() error) error {
	s.mu.Lock()
	var c *Conn
	if len(s.conns) > 0 {
		c = s.conns[0]
	}
	s.mu.Unlock()
	return s.consumer.guard(c, what, f)
}

// receive reads until the socket ends, and returns why.
func (s *socket) receive() error {
	for {
		op, data, err := s.read()
		if err != nil {
			return &readError{err}
		}
		switch op {
		case ws.OpPing:
			s.addControl(controlPong, &outbox.Frame{Head: encode(ws.OpPong, data)})
		case ws.OpClose:
			sent, err := parseClose(data)
			if err != nil {
				return &readError{err}
			}
			return &peerCloseError{sent}
		case ws.OpBinary:
			if err := s.handle(data); err != nil {
				return err
			}
		}
	}
}

// setEnded ends the socket and its Conns for why. The lock is held.
func (s *socket) setEnded(why cause) {
	s.ended, s.cause = true, why
	for _, c := range s.conns {
		c.setEnded(why)
	}
}

// removeAlone removes the Conns that have ended alone. The lock is held.
func (s *socket) removeAlone() {
	s.conns = slices.DeleteFunc(s.conns, func(c *Conn) bool { return c.alone })
}
