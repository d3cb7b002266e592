package consumer

import (
	"bufio"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom/internal/outbox"
)

const (
	writeBuffer = 32 << 10
	writeStep   = 64 << 10 // the number of bytes that count as progress of a write
	keepBatch   = 16       // the capacity that an empty batch keeps, in frames
)

// addControl queues a control frame and starts the writer.
func (s *socket) addControl(which int, f *outbox.Frame) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.control[which] = f
	s.startWriter()
	s.mu.Unlock()
}

// startWriter starts the writer if there is something to write and it doesn't run. The
// lock must be held.
func (s *socket) startWriter() {
	if s.running || s.empty() && s.closing == nil {
		return
	}
	s.running = true
	s.writer.Add(1)
	s.consumer.pool.run(s.write)
}

// empty reports whether no frame waits, except the close frame. The lock must be held.
func (s *socket) empty() bool {
	for _, f := range s.control {
		if f != nil {
			return false
		}
	}
	return len(s.replies)+len(s.ready) == 0
}

// writeSoon starts the writer if frames of c wait. The lock must be held.
func (s *socket) writeSoon(c *Conn) {
	s.setReady(c)
	s.startWriter()
}

func (s *socket) setReady(c *Conn) {
	if !c.ready && !c.out.Empty() {
		c.ready = true
		s.ready = append(s.ready, c)
	}
}

// runWriter writes until nothing waits. It runs on a goroutine of its own, at
// most one at a time.
func (s *socket) runWriter() {
	defer s.writer.Done()
	err := s.guard("the writer", s.flush)
	switch {
	case errors.Is(err, errPanic):
		s.kill(causeOf(err))
	case err != nil:
		s.kill(broken(err))
	}
}

func (s *socket) flush() error {
	for {
		s.mu.Lock()
		message := s.takeBatch()
		switch {
		case len(s.batch) > 0:
			s.mu.Unlock()
			if err := s.writeFrames(s.batch); err != nil {
				return err
			}
			if message {
				s.wrote.Store(s.consumer.clock(time.Now()))
			}
			s.mu.Lock()
			freed := false
			for _, c := range s.taken {
				c.out.Wrote()
				freed = c.freeAnswers(s.batch) || freed
				c.askIfDue()
			}
			s.mu.Unlock()
			if freed {
				s.consumer.answers.wake()
			}
		case s.closing != nil:
			s.batch, s.closing = append(s.batch, s.closing), nil
			s.mu.Unlock()
			if err := s.writeFrames(s.batch); err != nil {
				return err
			}
			return s.conn.SetReadDeadline(time.Now().Add(closeWait))
		default:
			s.running = false
			s.mu.Unlock()
			return nil
		}
	}
}

// takeBatch moves all frames that wait into the batch. It reports whether the batch
// holds a message that the client's program sees, unlike pings and pongs, which its
// WebSocket library handles. The lock must be held.
func (s *socket) takeBatch() (message bool) {
	clear(s.batch)
	s.batch = s.batch[:0]
	if cap(s.batch) > keepBatch {
		s.batch = nil
	}
	for which, f := range s.control {
		if f != nil {
			s.batch = append(s.batch, f)
			s.control[which] = nil
			message = message || which == controlKeepalive || which == controlAnswer
		}
	}
	before := len(s.batch)
	clear(s.taken)
	s.taken, s.ready = s.ready, s.taken[:0]
	alone := false
	for _, c := range s.taken {
		if c.alone {
			s.batch = c.takeFrames(s.batch)
			alone = true
		}
	}
	// A reply to an address follows the frames of the Conn that it had before.
	s.batch = append(s.batch, s.replies...)
	s.replies = nil
	for _, c := range s.taken {
		c.ready = false
		if !c.alone {
			s.batch = c.takeFrames(s.batch)
			s.setReady(c) // if there were too many acks to take all
		}
	}
	if alone { // the last frames of the Conns that have ended were taken
		s.removeAlone()
	}
	return message || len(s.batch) > before
}

var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBuffer) }}

// writeFrames writes the frames, combining small ones. (Vectored writes would do the same on
// a plain TCP connection, but with TLS each frame would become a record and a system
// call of its own.)
func (s *socket) writeFrames(frames []*outbox.Frame) error {
	defer s.moved.Store(0)
	s.move()
	if len(frames) == 1 && frames[0].Body == nil {
		_, err := s.conn.Write(frames[0].Head)
		return err
	}
	w := writers.Get().(*bufio.Writer)
	w.Reset(s.conn)
	defer func() {
		w.Reset(nil)
		writers.Put(w)
	}()
	for _, f := range frames {
		if _, err := w.Write(f.Head); err != nil {
			return err
		}
		s.move()
		for step := range slices.Chunk(f.Body, writeStep) { // mostly written without a copy in the buffer of w
			if _, err := w.Write(step); err != nil {
				return err
			}
			s.move()
			runtime.Gosched() // as in spend
		}
	}
	return w.Flush()
}

func (s *socket) move() { s.moved.Store(s.consumer.clock(time.Now())) }
