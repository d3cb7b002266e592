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
	if s.in.raw != nil {
		s.consumer.writes.add(s)
	} else {
		s.consumer.pool.Run(s.write)
	}
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
	s.writerEnded(s.guard("the writer", func() error { return s.flush(s.writeBatch) }))
}

// tryWriter writes one batch, unless it has to wait. What is left is written by runWriter then, and
// what has come meanwhile when the sockets that wait in Consumer.writes have had their turn.
func (s *socket) tryWriter(a *attempt) {
	tried := false
	err := s.guard("the writer", func() error {
		return s.flush(func() error {
			if tried {
				return errMore
			}
			tried = true
			return s.tryBatch(a)
		})
	})
	switch {
	case errors.Is(err, errWait):
		s.consumer.pool.Run(s.write)
	case errors.Is(err, errMore):
		s.consumer.writes.add(s)
	default:
		s.writerEnded(err)
	}
}

var (
	errWait = errors.New("consumer: the write has to wait")
	errMore = errors.New("consumer: another batch waits")
)

// writerEnded kills the socket if the writer has failed.
func (s *socket) writerEnded(err error) {
	defer s.writer.Done()
	switch {
	case errors.Is(err, errPanic):
		s.kill(causeOf(err))
	case err != nil:
		s.kill(broken(err))
	}
}

// flush calls write for one batch after the other, until nothing waits. If write returns
// errWait or errMore, the next call of flush goes on with the same batch.
func (s *socket) flush(write func() error) error {
	for left := len(s.batch) > 0; left || s.nextBatch(); left = false {
		if err := write(); err != nil {
			return err
		}
		if s.final {
			return s.in.conn.SetReadDeadline(time.Now().Add(closeWait))
		}
		if s.visible {
			s.wrote.Store(s.consumer.clock(time.Now()))
		}
	}
	return nil
}

// nextBatch records that the batch was written, if there is one, and takes the next one. It
// reports false if nothing waits: then the writer has ended.
func (s *socket) nextBatch() bool {
	freed := false
	s.mu.Lock()
	for _, c := range s.taken {
		c.out.Wrote()
		freed = c.freeAnswers(s.batch) || freed
		c.askIfDue()
	}
	s.visible = s.takeBatch()
	if len(s.batch) == 0 && s.closing != nil {
		s.batch, s.closing, s.final = append(s.batch, s.closing), nil, true
	}
	s.running = len(s.batch) > 0
	more := s.running
	s.mu.Unlock()
	if freed {
		s.consumer.answers.wake()
	}
	return more
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

// writeBatch writes the rest of the batch, combining small frames. (Vectored writes would do
// the same on a plain TCP connection, but with TLS each frame would become a record and a
// system call of its own.)
func (s *socket) writeBatch() error {
	defer s.moved.Store(0)
	s.move()
	wrote := s.tried
	s.tried = 0
	first := s.form(s.batch[0])
	if len(s.batch) == 1 && first.Body == nil {
		_, err := s.in.conn.Write(first.Head[wrote:])
		return err
	}
	w := writers.Get().(*bufio.Writer)
	w.Reset(s.in.conn)
	defer func() {
		w.Reset(nil)
		writers.Put(w)
	}()
	for _, f := range s.batch {
		f = s.form(f)
		if _, err := w.Write(skip(f.Head, &wrote)); err != nil {
			return err
		}
		s.move()
		for step := range slices.Chunk(skip(f.Body, &wrote), writeStep) { // mostly written without a copy in the buffer of w
			if _, err := w.Write(step); err != nil {
				return err
			}
			s.move()
			runtime.Gosched() // as in spend
		}
	}
	return w.Flush()
}

// skip returns b without its first n bytes, and takes as many from n.
func skip(b []byte, n *int) []byte {
	skipped := min(*n, len(b))
	*n -= skipped
	return b[skipped:]
}

// tryBatch writes the batch if that needs no waiting, or as much of it as the system takes. It
// compresses nothing, because that takes long.
func (s *socket) tryBatch(a *attempt) error {
	if slices.ContainsFunc(s.batch, s.compresses) || !a.fill(s.batch) {
		return errWait
	}
	wrote, err := a.run(s.in.raw)
	if err == nil && wrote < len(a.data) {
		s.tried, err = wrote, errWait
	}
	return err
}

// compresses reports whether a frame is written in its compressed form.
func (s *socket) compresses(f *outbox.Frame) bool { return s.deflates && f.Compressed != nil }

// form returns the form in which a frame is written.
func (s *socket) form(f *outbox.Frame) *outbox.Frame {
	if !s.compresses(f) {
		return f
	}
	f = f.Compressed()
	s.move()
	return f
}

func (s *socket) move() { s.moved.Store(s.consumer.clock(time.Now())) }
