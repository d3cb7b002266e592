package consumer

import (
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

	in      input        // the connection, and what the client sends
	max     atomic.Int64 // the maximum size of a message in bytes
	touched atomic.Int64 // when something was read last, by Consumer.clock
	moved   atomic.Int64 // when the write in progress last made progress, by Consumer.clock; 0 if there is none
	wrote   atomic.Int64 // when a message was written last, by Consumer.clock
	pinged  int64        // when a ping was sent last, by Consumer.clock; used only by the sweep

	restUntil atomic.Int64 // until when the socket isn't read, by Consumer.clock; 0: it is read

	// For the reader.
	message  []byte    // the fragments so far of the message that is being read
	op       ws.OpCode // of that message
	fragment bool      // there is one
	deflated bool      // it is compressed
	lingers  bool      // what is read is dropped
	deflates bool      // the client takes compressed messages and may send some; never changed after upgrade
	spent    int       // the bytes that were read since others had their turn

	reserved   atomic.Int64 // bytes of Consumer.incoming, for the message that is being read or handled
	reservedAt atomic.Int64 // when they were reserved, by Consumer.clock

	read       func()         // s.runReader, made once so that calling it allocates nothing
	write      func()         // s.runWriter
	turn       sync.WaitGroup // what serve waits for
	failed     error          // of the last turn: why the socket ends
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
	ending  chan struct{}           // closed when the socket ends; nil: nothing has waited for that
	cause   *cause                  // nil: it has not ended
	running bool                    // the writer runs, or the socket is in Consumer.writes
	ended   bool                    // no frame is added to an outbox any more

	// For the writer.
	visible bool // the batch holds a message that the client's program sees
	final   bool // the batch is the close frame
	tried   int  // how many bytes of the batch were written before it had to wait

	after *socket // the next one in Consumer.writes, whose lock guards it

	keepalive *outbox.Frame       // written when nothing else was for a while
	stop      func()              // called when the socket ends; may be nil
	tidy      func(now time.Time) // called by the sweep; may be nil
	doom      *doom               // nil: none
}

// doom is the time at which a socket ends.
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
	s.read, s.write = s.runReader, s.runWriter
	return s
}

// serve runs the socket, which was upgraded, and its Conns until they have ended. It
// calls open first. An error of open ends the socket.
//
// The goroutine that calls serve waits for the client, and its stack stays small: whatever
// needs more is done by the pool.
func (s *socket) serve(open func() error) {
	s.await(func() { s.begin(open) })
	for s.failed == nil {
		if err := s.in.wait(); err != nil {
			s.failed = &readError{err}
		} else {
			s.await(s.read)
			s.rest()
		}
	}
	s.await(s.finish)
}

// await calls f, which calls turn.Done at its end, in the pool.
func (s *socket) await(f func()) {
	s.turn.Add(1)
	s.consumer.pool.Run(f)
	s.turn.Wait()
}

// begin opens the socket.
func (s *socket) begin(open func() error) {
	defer s.turn.Done()
	s.pinged = s.consumer.clock(time.Now())
	s.wrote.Store(s.pinged)
	if s.failed = errStopping; s.consumer.addSocket(s) {
		s.failed = errPanic
		s.failed = s.guard("the opening", open)
	}
}

// runReader handles what has arrived.
func (s *socket) runReader() {
	defer s.turn.Done()
	s.failed = errPanic
	s.failed = s.guard("the reader", s.receive)
}

// finish ends the socket for the reason failed.
func (s *socket) finish() {
	defer s.turn.Done()
	_ = s.guard("the connection", func() error {
		s.message = nil // the socket may linger
		s.release()
		s.linger(s.endFor(s.failed))
		s.in.close()
		return nil
	})
	s.consumer.removeSocket(s)
	_ = s.guard("the connection", func() error { s.detach(); return nil })
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

// receive reads and handles what has arrived, and returns the reason for which the socket
// ends, if it does.
func (s *socket) receive() error {
	for {
		op, data, err := s.next()
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
		if s.in.rest() || s.mustRest() {
			return nil
		}
	}
}

// whenEnding returns a channel that is closed when a Conn or a socket ends. It is made when
// something first waits for that: most end without. The lock must be held.
func whenEnding(ending *chan struct{}, ended bool) <-chan struct{} {
	if *ending == nil {
		*ending = make(chan struct{})
		if ended {
			close(*ending)
		}
	}
	return *ending
}

// setEnded marks the socket and its Conns as ended for the reason why. The lock must be
// held.
func (s *socket) setEnded(why cause) {
	s.ended, s.cause = true, &why
	if s.ending != nil {
		close(s.ending)
	}
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
