package consumer

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// dialect encodes the messages of a document as the frames of a kind of client,
// and decodes them. Dialects are compared with ==: a message is framed once for all
// connections in a room whose dialects are equal. protocol.Plain describes the methods.
type dialect interface {
	Next(frame []byte) (m protocol.Message, rest []byte, ok bool, err error)
	AppendHead(dst []byte, m protocol.Message) []byte
	HeadSize() int
}

// plain is the dialect of y-websocket clients. Its frames have no address, so a
// socket carries one document.
var plain protocol.Plain

var (
	pingFrame      = &outbox.Frame{Head: encode(ws.OpPing, nil)}
	keepaliveFrame = &outbox.Frame{Head: encode(ws.OpBinary, plain.Keepalive())}
)

const (
	headerSize = 10      // the length of the longest frame header that a server writes
	dataCopied = 4 << 10 // the most data that is copied after its header, so that both are written at once
)

// newFrame returns the frame that carries the message of an Output. It has no
// Head if the dialect has no such message.
func newFrame(d dialect, o *event.Output) *outbox.Frame {
	m := o.Message
	f := &outbox.Frame{Type: m.Type, Mark: o.Mark, Count: m.Count, Broadcast: o.To == event.Everyone}
	if m.Type == protocol.Awareness {
		f.States = m.Data
	}
	copied := m.Data
	if len(copied) > dataCopied {
		copied = nil
	}
	buf := d.AppendHead(make([]byte, headerSize, headerSize+d.HeadSize()+len(copied)), m)
	if len(buf) == headerSize {
		return f
	}
	if len(m.Data) > len(copied) {
		f.Body = m.Data
	}
	f.Head = seal(ws.OpBinary, append(buf, copied...), len(f.Body))
	return f
}

// awarenessFrame returns the frame of an awareness update for one connection.
func awarenessFrame(d dialect, states []byte, to event.ConnID) *outbox.Frame {
	return newFrame(d, &event.Output{To: to, Message: protocol.Message{Type: protocol.Awareness, Data: states}})
}

func encode(op ws.OpCode, payload []byte) []byte {
	return seal(op, append(make([]byte, headerSize, headerSize+len(payload)), payload...), 0)
}

// seal writes the frame header before the payload, and returns the header with the
// payload in buf. The payload begins at headerSize in buf; more is the number of its
// bytes that are not in buf.
func seal(op ws.OpCode, buf []byte, more int) []byte {
	const fin = 0x80
	n := len(buf) - headerSize + more
	var start int
	switch {
	case n < 126:
		start = headerSize - 2
		buf[start+1] = byte(n)
	case n <= 0xffff:
		start = headerSize - 4
		buf[start+1] = 126
		binary.BigEndian.PutUint16(buf[start+2:], uint16(n))
	default:
		start = 0
		buf[start+1] = 127
		binary.BigEndian.PutUint64(buf[start+2:], uint64(n))
	}
	buf[start] = fin | byte(op)
	return buf[start:]
}

const maxReason = 123 // the maximum length of the reason in a close frame, in bytes

// validCode reports whether a close frame may hold the code.
func validCode(code protocol.CloseCode) bool {
	return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
}

// newClose returns a close frame. A code that can't be sent is a bug and becomes
// CloseInternal, except CloseNoCode, for which the frame has no code.
func newClose(e protocol.CloseError) *outbox.Frame {
	if e.Code == protocol.CloseNoCode {
		return &outbox.Frame{Head: encode(ws.OpClose, nil)}
	}
	if !validCode(e.Code) {
		e.Code = protocol.CloseInternal
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(e.Code))
	return &outbox.Frame{Head: encode(ws.OpClose, append(payload, cut(e.Reason, maxReason)...))}
}

// cut returns the beginning of s: at most n bytes, in valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
