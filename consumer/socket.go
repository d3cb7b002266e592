package consumer

import (
	"bufio"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/outbox"
)

// socket is a client's WebSocket: it reads messages, writes the frames that wait
// for its Conns, and closes.
type socket struct {
	consumer *Consumer
	addr     string                  // of the client, or of the proxy in front
	from     netip.Prefix            // as the gate counts it
	handle   func(data []byte) error // called with each binary message; an error ends the socket

	conn    net.Conn
	in      *bufio.Reader
	max     atomic.Int64 // the maximum size of a message in bytes
	touched atomic.Int64 // when something was read last, by Consumer.clock
	moved   atomic.Int64 // when the write in progress last made progress, by Consumer.clock; 0 if there is none
	wrote   atomic.Int64 // when a message was written last, by Consumer.clock
	pinged  time.Time    // used only by the sweep

	// For the reader.
	scratch  [ws.MaxControlFramePayloadSize]byte // a header, or the payload of a control frame
	op       ws.OpCode                           // of the message that is being read
	message  []byte                              // its fragments so far
	fragment bool                                // a message is being read
	spent    int                                 // the bytes that were read since others had their turn
	lingers  bool                                // what is read is dropped

	reserved   atomic.Int64 // bytes of Consumer.incoming, for the message that is being read or handled
	reservedAt atomic.Int64 // when they were reserved, by Consumer.clock

	run        func()         // s.runWriter, made once so that starting it allocates nothing
	writer     sync.WaitGroup // the writer
	background sync.WaitGroup // goroutines of single Conns

	mu      sync.Mutex // guards the Conns and their outboxes too
	conns   []*Conn
	control [controls]*outbox.Frame // the control frames that wait
	replies []*outbox.Frame         // further frames that belong to no Conn
	ready   []*Conn                 // frames of theirs wait
	closing *outbox.Frame           // the close frame, written last
	batch   []*outbox.Frame         // what is being written
	taken   []*Conn                 // frames of theirs are in the batch
	running bool                    // the writer runs
	ended   bool                    // no frame is added to an outbox any more
	cause   cause

	keepalive *outbox.Frame       // written when nothing else was for a while
	stop      func()              // called when the socket ends; may be nil
	tidy      func(now time.Time) // called by the sweep; may be nil
	doom      doom
}

// doom is the time at which a socket ends, unless it is zero.
type doom struct {
	at    time.Time
	cause cause
}

// The control frames. Of each kind, only the newest is written, and it may overtake
// other frames.
const (
	controlPing = iota
	controlPong
	controlKeepalive
	controlAnswer // to a ping of a Hocuspocus provider
	controls
)

func (c *Consumer) newSocket(addr string, messageSize int) *socket {
	s := &socket{consumer: c, addr: addr, keepalive: keepaliveFrame}
	s.max.Store(int64(messageSize))
	s.run = s.runWriter
	return s
}

// serve runs the socket, which was upgraded, and its Conns until they have ended. It
// calls open first. An error of open ends the socket.
func (s *socket) serve(open func() error) {
	defer s.detach()
	s.pinged = time.Now()
	s.wrote.Store(s.consumer.clock(s.pinged))
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

// detach calls Conn.detach for each Conn that is left at the end of the socket.
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
	if len(s.conns) == 1 {
		c = s.conns[0]
	}
	s.mu.Unlock()
	return s.consumer.guard(c, what, f)
}

// receive reads until the socket ends, and returns the reason.
func (s *socket) receive() error {
	defer func() {
		s.message = nil // the socket may linger
		s.release()
	}()
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
		case ws.OpText: // is ignored
			s.release()
		case ws.OpBinary:
			err := s.handle(data)
			s.release()
			if err != nil {
				return err
			}
		}
	}
}

// setEnded marks the socket and its Conns as ended for the reason why. The lock must be
// held.
func (s *socket) setEnded(why cause) {
	s.ended, s.cause = true, why
	if s.stop != nil {
		s.stop()
	}
	for _, c := range s.conns {
		c.setEnded(why)
	}
}

// removeAlone removes the Conns that have ended without the socket. The lock must be
// held.
func (s *socket) removeAlone() {
	s.conns = slices.DeleteFunc(s.conns, func(c *Conn) bool { return c.alone })
}
