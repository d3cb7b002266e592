package consumer

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/protocol"
)

var dialect protocol.Plain

// frame is one WebSocket frame, ready for the wire. One frame may wait in many
// outboxes.
type frame struct {
	head   []byte // the header and the payload, or what stands before data; shared, never written to
	data   []byte // a large message's data, as the room gave it; shared, never written to
	kind   kind
	seq    uint64 // kindUpdate, kindSyncStep2: where it brings the receiver to
	state  []byte // kindAwareness: the awareness update, in case it must be merged
	shared bool   // for everyone in the room
	keep   bool   // never dropped; set by the outbox
	whole  bool   // brings the receiver to seq, whatever was dropped before it; set by the outbox
}

type kind uint8

// The first kinds are those of which only the newest is worth writing, and which
// may overtake all others.
const (
	kindPing kind = iota
	kindPong
	kindKeepalive
	newestOnly // how many those are
	kindSyncStep1
	kindSyncStep2
	kindUpdate
	kindAwareness
	kindClose
)

var (
	pingFrame      = &frame{kind: kindPing, head: encode(ws.OpPing, nil)}
	keepaliveFrame = &frame{kind: kindKeepalive, head: encode(ws.OpBinary, dialect.Keepalive())}
)

const (
	headerRoom = 10      // the length of the longest header that a server writes
	dataCopied = 4 << 10 // the most data that is copied next to its header, so that both are one write
)

// newMessage is the frame that carries m; it has no head where the dialect has
// no such message.
func newMessage(m protocol.Message, seq uint64) *frame {
	f := &frame{seq: seq}
	switch m.Type {
	case protocol.SyncStep1:
		f.kind = kindSyncStep1
	case protocol.SyncStep2:
		f.kind = kindSyncStep2
	case protocol.Update:
		f.kind = kindUpdate
	case protocol.Awareness:
		f.kind = kindAwareness
		f.state = m.Data
	default:
		return f
	}
	copied := m.Data
	if len(copied) > dataCopied {
		copied, f.data = nil, m.Data
	}
	// The kind, and the length of the data, need less than 13 bytes.
	buf := dialect.AppendHead(make([]byte, headerRoom, headerRoom+13+len(copied)), m)
	f.head = seal(ws.OpBinary, append(buf, copied...), len(f.data))
	return f
}

func encode(op ws.OpCode, payload []byte) []byte {
	return seal(op, append(make([]byte, headerRoom, headerRoom+len(payload)), payload...), 0)
}

// seal writes the header in front of the payload, which begins at headerRoom
// and goes on for more bytes elsewhere, and returns both.
func seal(op ws.OpCode, buf []byte, more int) []byte {
	const fin = 0x80
	n := len(buf) - headerRoom + more
	var start int
	switch {
	case n < 126:
		start = headerRoom - 2
		buf[start+1] = byte(n)
	case n <= 0xffff:
		start = headerRoom - 4
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

// Codes that stand for an end without a code; they are never on the wire.
const (
	closeNoCode   protocol.CloseCode = 1005
	closeBroken   protocol.CloseCode = 1006
	closeProtocol protocol.CloseCode = 1002
	maxReason                        = 123
)

// validCode tells whether a close frame may hold the code.
func validCode(code protocol.CloseCode) bool {
	return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
}

// newClose is a close frame. A code that can't be sent is a mistake of the
// server, except closeNoCode, which makes a frame without one.
func newClose(e protocol.CloseError) *frame {
	if e.Code == closeNoCode {
		return &frame{kind: kindClose, head: encode(ws.OpClose, nil)}
	}
	if !validCode(e.Code) {
		e.Code = protocol.CloseInternal
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(e.Code))
	return &frame{kind: kindClose, head: encode(ws.OpClose, append(payload, cut(e.Reason, maxReason)...))}
}

// cut is at most n bytes of s, in valid UTF-8.
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
