package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

const (
	smallBuffer = 4 << 10   // of a socket, at first
	largeBuffer = 64 << 10  // a buffer beyond this is given back once its message is handled
	maxMessage  = 512 << 20 // the largest message that a client reads
	headRoom    = 14        // the longest header of a frame that a client sends
)

// socket is a WebSocket of a client. One goroutine reads from it, and any may write to it.
type socket struct {
	conn  net.Conn
	clock func() time.Duration
	read  time.Duration          // when the bytes that were read last had arrived
	large func(size int64) error // reads a message of this size, if it isn't nil

	in       []byte // in[from:to] is not handled yet
	from, to int
	parts    []byte // of a message in several frames

	mask [4]byte
	mu   sync.Mutex // guards out, and keeps frames apart
	out  []byte
}

// newSocket returns a socket whose first bytes are early.
func newSocket(conn net.Conn, early []byte, clock func() time.Duration) *socket {
	s := &socket{conn: conn, clock: clock, mask: ws.NewMask(), in: make([]byte, max(smallBuffer, len(early)))}
	s.to = copy(s.in, early)
	return s
}

// A ClosedError says with which code and reason the server has closed a connection.
type ClosedError struct {
	Code   int
	Reason string
}

func (e *ClosedError) Error() string {
	return fmt.Sprintf("the server closed the connection with the code %d (%q)", e.Code, e.Reason)
}

// errCut means that a connection has ended without a close frame.
var errCut = errors.New("the server ended the connection without a close frame")

var errTooBig = fmt.Errorf("the server sends a message of more than %d MiB, which is more than a client of this program takes", maxMessage>>20)

// next returns the next binary message. It is valid until the next call.
func (s *socket) next() ([]byte, error) {
	s.parts = nil
	for {
		h, err := s.header()
		if err != nil {
			return nil, err
		}
		if h.Length > maxMessage-int64(len(s.parts)) {
			return nil, errTooBig
		}
		if h.Length >= streamed && s.large != nil && h.OpCode == ws.OpBinary && h.Fin {
			if err := s.large(h.Length); err != nil {
				return nil, err
			}
			continue
		}
		if err := s.need(int(h.Length)); err != nil {
			return nil, err
		}
		payload := s.in[s.from : s.from+int(h.Length)]
		s.from += int(h.Length)
		switch {
		case h.OpCode == ws.OpPing:
			if err := s.flush(ws.OpPong, append(s.message(), payload...)); err != nil {
				return nil, err
			}
		case h.OpCode == ws.OpClose:
			code, reason := ws.ParseCloseFrameData(payload)
			return nil, &ClosedError{int(code), reason}
		case h.OpCode == ws.OpBinary && h.Fin:
			return payload, nil
		case h.OpCode == ws.OpBinary || h.OpCode == ws.OpContinuation && s.parts != nil:
			s.parts = append(s.parts, payload...)
			if h.Fin {
				return s.parts, nil
			}
		}
	}
}

// header reads the header of a frame.
func (s *socket) header() (h ws.Header, err error) {
	if err := s.need(2); err != nil {
		return h, err
	}
	first, second := s.in[s.from], s.in[s.from+1]
	h.Fin, h.OpCode, h.Length = first&0x80 != 0, ws.OpCode(first&0xf), int64(second)
	s.from += 2
	switch {
	case first&0x70 != 0 || second&0x80 != 0:
		return h, errors.New("the server sends a frame of WebSocket that no client has asked for")
	case second == 126:
		if err := s.need(2); err != nil {
			return h, err
		}
		h.Length = int64(binary.BigEndian.Uint16(s.in[s.from:]))
		s.from += 2
	case second == 127:
		if err := s.need(8); err != nil {
			return h, err
		}
		h.Length = int64(binary.BigEndian.Uint64(s.in[s.from:]) & (1<<63 - 1))
		s.from += 8
	}
	return h, nil
}

// need reads until n bytes are there.
func (s *socket) need(n int) error {
	if s.from == s.to {
		s.from, s.to = 0, 0
		if len(s.in) > largeBuffer && n <= smallBuffer {
			s.in = make([]byte, smallBuffer)
		}
	}
	for s.to-s.from < n {
		if s.from+n > len(s.in) {
			whole := s.in
			if n > len(whole) {
				whole = make([]byte, n)
			}
			s.from, s.to = 0, copy(whole, s.in[s.from:s.to])
			s.in = whole
		}
		got, err := s.conn.Read(s.in[s.to:])
		s.to += got
		if got > 0 {
			s.read = s.clock()
		} else if err != nil {
			if errors.Is(err, io.EOF) {
				err = errCut
			}
			return err
		}
	}
	return nil
}

// message locks the socket, and returns the buffer to which the caller appends the message
// that it passes to flush.
func (s *socket) message() []byte {
	s.mu.Lock()
	if cap(s.out) < headRoom {
		s.out = make([]byte, headRoom, 128)
	}
	return s.out[:headRoom]
}

// flush writes the message that was appended to the result of message, and unlocks the
// socket.
func (s *socket) flush(op ws.OpCode, b []byte) error {
	defer s.mu.Unlock()
	if cap(b) <= largeBuffer {
		s.out = b
	}
	payload := b[headRoom:]
	ws.Cipher(payload, s.mask, 0)
	head := headRoom - 4
	copy(b[head:], s.mask[:])
	switch n := len(payload); {
	case n < 126:
		head--
		b[head] = 0x80 | byte(n)
	case n < 1<<16:
		head -= 3
		b[head] = 0x80 | 126
		binary.BigEndian.PutUint16(b[head+1:], uint16(n))
	default:
		head -= 9
		b[head] = 0x80 | 127
		binary.BigEndian.PutUint64(b[head+1:], uint64(n))
	}
	head--
	b[head] = 0x80 | byte(op)
	_, err := s.conn.Write(b[head:])
	return err
}
