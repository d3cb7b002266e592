package consumer

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/protocol"
)

const (
	upgradeTimeout = 10 * time.Second
	readStep       = 32 << 10 // the most that is allocated for bytes that haven't arrived yet
	turnSize       = 64 << 10 // the bytes after which the reader lets other goroutines run
	frameCost      = 2 << 10  // what a frame counts as in addition to its bytes, because it is handled
	lingerPause    = 10 * time.Millisecond
)

// upgrade takes over the connection on which the request arrived, and completes the
// WebSocket handshake, with the header fields that a handler before has set. If it
// fails, it has answered the request and ended the socket.
func (s *socket) upgrade(w http.ResponseWriter, r *http.Request) error {
	u := ws.HTTPUpgrader{Timeout: upgradeTimeout, Header: w.Header(), Protocol: func(string) bool { return true }}
	if s.consumer.cfg.Compression != CompressionOff {
		u.Negotiate = s.negotiate
	}
	conn, rw, _, err := u.Upgrade(r, w)
	if err != nil {
		if conn != nil {
			_ = conn.Close()
		}
		s.mu.Lock()
		s.setEnded(cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "no upgrade"}, err: err})
		s.mu.Unlock()
		s.detach()
		return err
	}
	s.in.open(conn, rw.Reader)
	s.touch()
	return nil
}

func (s *socket) touch() { s.touched.Store(s.consumer.clock(time.Now())) }

func protocolError(reason string) error {
	return &protocol.CloseError{Code: protocol.CloseProtocol, Reason: reason}
}

// spend counts n bytes that were read, and lets other goroutines run now and then. While
// more arrives than can be handled, reads don't wait, and the scheduler would let each
// such reader run for 10 ms: a hundred of them would delay all others by half a second.
func (s *socket) spend(n int) {
	if s.spent += n; s.spent < turnSize {
		return
	}
	s.spent = 0
	if s.lingers { // then what is read is dropped, and there may be no end of it
		time.Sleep(lingerPause)
	} else {
		runtime.Gosched()
	}
}

// next returns the next message, reassembled, or the next control frame. The
// caller owns the data of a message; that of a control frame is borrowed until
// the next call. A *protocol.CloseError means that the peer broke a rule, and
// that nothing more can be read.
func (s *socket) next() (ws.OpCode, []byte, error) {
	for {
		h, err := s.header()
		if err != nil {
			return 0, nil, err
		}
		if h.OpCode.IsControl() {
			data := s.in.scratch[:h.Length]
			if _, err := io.ReadFull(&s.in, data); err != nil {
				return 0, nil, err
			}
			s.touch()
			ws.Cipher(data, h.Mask, 0)
			return h.OpCode, data, nil
		}
		if h.Length > s.max.Load()-int64(len(s.message)) {
			return 0, nil, tooBig(s.max.Load())
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
		if s.deflated {
			if data, err = s.inflate(data); err != nil {
				return 0, nil, err
			}
		}
		if s.op == ws.OpText && !utf8.Valid(data) {
			return 0, nil, &protocol.CloseError{Code: protocol.CloseMalformed, Reason: "the text is not UTF-8"}
		}
		return s.op, data, nil
	}
}

// tooBig is the reason for a message that is larger than the limit.
func tooBig(limit int64) *protocol.CloseError {
	return &protocol.CloseError{Code: protocol.CloseTooBig, Reason: fmt.Sprintf("a message is larger than the limit of %d bytes", limit)}
}

// header reads the header of the next frame and checks it.
func (s *socket) header() (ws.Header, error) {
	h, err := ws.ReadHeaderBuffer(&s.in, s.in.scratch[:])
	if errors.Is(err, ws.ErrHeaderLengthMSB) {
		return h, protocolError(err.Error())
	}
	if err != nil {
		return h, err
	}
	s.touch()
	s.spend(frameCost)
	state := ws.StateServerSide
	if s.fragment {
		state = state.Set(ws.StateFragmented)
	}
	deflated := s.deflates && h.Rsv1() && (h.OpCode == ws.OpBinary || h.OpCode == ws.OpText)
	if deflated {
		h.Rsv = ws.Rsv(false, h.Rsv2(), h.Rsv3())
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return h, protocolError(err.Error())
	}
	if !h.OpCode.IsControl() && h.OpCode != ws.OpContinuation {
		s.deflated = deflated
	}
	return h, nil
}

// payload appends the next n bytes to the message. It allocates memory as they arrive,
// not for the length that the header claims.
func (s *socket) payload(n int) error {
	end := len(s.message) + n
	for len(s.message) < end {
		have := len(s.message)
		if have == cap(s.message) {
			size := min(end, max(2*have, readStep))
			if err := s.reserve(size); err != nil {
				return err
			}
			grown := make([]byte, have, size)
			copy(grown, s.message)
			s.message = grown
		}
		got, err := s.in.Read(s.message[have:min(cap(s.message), end, have+turnSize)])
		s.message = s.message[:have+got]
		s.spend(got)
		if err != nil {
			return err
		}
		s.touch()
	}
	return nil
}

// parseClose decodes the payload of a close frame.
func parseClose(data []byte) (protocol.CloseError, error) {
	if len(data) == 0 {
		return protocol.CloseError{Code: protocol.CloseNoCode}, nil
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

// skip drops the next n bytes.
func (s *socket) skip(n int64) error {
	for n > 0 {
		dropped, err := s.in.discard(n)
		if err != nil {
			return err
		}
		n -= int64(dropped)
		s.spend(dropped)
	}
	return nil
}

// drain reads until the peer's close frame, or the end.
func (s *socket) drain() {
	for {
		h, err := s.header()
		if err != nil || h.OpCode == ws.OpClose {
			return
		}
		if s.skip(h.Length) != nil {
			return
		}
		s.fragment = !h.OpCode.IsControl() && !h.Fin || h.OpCode.IsControl() && s.fragment
	}
}
