package consumer

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/protocol"
)

// socket is the WebSocket under a connection, and all that the rest of the
// package knows of it: reading messages, writing frames that are ready, closing.
type socket struct {
	conn    net.Conn
	in      *bufio.Reader
	max     int          // bytes in a message
	touched atomic.Int64 // when something was read last, in Unix nanoseconds
	moved   atomic.Int64 // when the write that is under way last got on, in Unix nanoseconds; 0: none is under way

	scratch  [ws.MaxControlFramePayloadSize]byte // a header, or a control frame's payload
	op       ws.OpCode                           // of the message that is being read
	message  []byte                              // its fragments so far
	fragment bool                                // one is being read
}

const (
	upgradeTimeout = 10 * time.Second
	readStep       = 32 << 10 // the most that is allocated for bytes which haven't come yet
	writeBuffer    = 32 << 10
	writeStep      = 64 << 10 // how much must get through for a write to have got on
)

// upgrade takes over the connection that a request came on and shakes hands.
// When it fails it has answered the request.
func upgrade(w http.ResponseWriter, r *http.Request, s *socket) error {
	u := ws.HTTPUpgrader{Timeout: upgradeTimeout, Protocol: func(string) bool { return true }}
	conn, rw, _, err := u.Upgrade(r, w)
	if err != nil {
		if conn != nil {
			_ = conn.Close()
		}
		return err
	}
	s.conn, s.in = conn, rw.Reader
	s.touch()
	return nil
}

func (s *socket) touch() { s.touched.Store(time.Now().UnixNano()) }

func protocolError(reason string) error {
	return &protocol.CloseError{Code: closeProtocol, Reason: reason}
}

// read returns the next message, reassembled, or the next control frame. A
// message's data is new and the caller's; that of a control frame is valid
// until the next call. A *protocol.CloseError says what the peer did wrong, and
// that nothing more can be read.
func (s *socket) read() (ws.OpCode, []byte, error) {
	for {
		h, err := s.header()
		if err != nil {
			return 0, nil, err
		}
		if h.OpCode.IsControl() {
			data := s.scratch[:h.Length]
			if _, err := io.ReadFull(s.in, data); err != nil {
				return 0, nil, err
			}
			s.touch()
			ws.Cipher(data, h.Mask, 0)
			return h.OpCode, data, nil
		}
		if h.Length > int64(s.max-len(s.message)) {
			return 0, nil, &protocol.CloseError{Code: protocol.CloseTooBig, Reason: "the message is too big"}
		}
		if h.OpCode != ws.OpContinuation {
			s.op = h.OpCode
		}
		s.fragment = !h.Fin
		start := len(s.message)
		if err := s.payload(int(h.Length)); err != nil {
			return 0, nil, err
		}
		ws.Cipher(s.message[start:], h.Mask, 0)
		if !h.Fin {
			continue
		}
		data := s.message
		s.message = nil
		if s.op == ws.OpText && !utf8.Valid(data) {
			return 0, nil, &protocol.CloseError{Code: protocol.CloseMalformed, Reason: "the text is not UTF-8"}
		}
		return s.op, data, nil
	}
}

// header reads the header of the next frame and checks it.
func (s *socket) header() (ws.Header, error) {
	h, err := ws.ReadHeaderBuffer(s.in, s.scratch[:])
	if errors.Is(err, ws.ErrHeaderLengthMSB) {
		return h, protocolError(err.Error())
	}
	if err != nil {
		return h, err
	}
	s.touch()
	state := ws.StateServerSide
	if s.fragment {
		state = state.Set(ws.StateFragmented)
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return h, protocolError(err.Error())
	}
	return h, nil
}

// payload appends the next n bytes to the message. Its memory grows as they
// come, not as they are announced.
func (s *socket) payload(n int) error {
	end := len(s.message) + n
	for len(s.message) < end {
		have := len(s.message)
		if have == cap(s.message) {
			grown := make([]byte, have, min(end, max(2*have, readStep)))
			copy(grown, s.message)
			s.message = grown
		}
		got, err := s.in.Read(s.message[have:min(cap(s.message), end)])
		s.message = s.message[:have+got]
		if err != nil {
			return err
		}
		s.touch()
	}
	return nil
}

// parseClose reads what a close frame says.
func parseClose(data []byte) (protocol.CloseError, error) {
	if len(data) == 0 {
		return protocol.CloseError{Code: closeNoCode}, nil
	}
	if len(data) == 1 {
		return protocol.CloseError{}, protocolError("half a close code")
	}
	code, reason := ws.ParseCloseFrameData(data)
	e := protocol.CloseError{Code: protocol.CloseCode(code), Reason: reason}
	switch {
	case !validCode(e.Code):
		return e, protocolError("not a close code")
	case !utf8.ValidString(reason):
		return e, &protocol.CloseError{Code: protocol.CloseMalformed, Reason: "the reason is not UTF-8"}
	}
	return e, nil
}

var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, writeBuffer) }}

// write writes the frames, small ones together. (Gathered writes would do the
// same on a bare TCP connection; under TLS each frame would become a record and
// a system call of its own.)
func (s *socket) write(frames []*frame) error {
	defer s.moved.Store(0)
	s.move()
	if len(frames) == 1 && frames[0].data == nil {
		_, err := s.conn.Write(frames[0].head)
		return err
	}
	w := writers.Get().(*bufio.Writer)
	w.Reset(s.conn)
	defer func() {
		w.Reset(nil)
		writers.Put(w)
	}()
	for _, f := range frames {
		if _, err := w.Write(f.head); err != nil {
			return err
		}
		s.move()
		for step := range slices.Chunk(f.data, writeStep) { // past w, but for its ends
			if _, err := w.Write(step); err != nil {
				return err
			}
			s.move()
		}
	}
	return w.Flush()
}

func (s *socket) move() { s.moved.Store(time.Now().UnixNano()) }

// drain reads until the peer's close frame, or the end.
func (s *socket) drain() {
	for {
		h, err := s.header()
		if err != nil || h.OpCode == ws.OpClose {
			return
		}
		if _, err := io.CopyN(io.Discard, s.in, h.Length); err != nil {
			return
		}
		s.fragment = !h.OpCode.IsControl() && !h.Fin || h.OpCode.IsControl() && s.fragment
	}
}
