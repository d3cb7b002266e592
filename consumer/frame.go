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
	bytes  []byte // header and payload; shared, never written to
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
	pingFrame      = &frame{kind: kindPing, bytes: encode(ws.OpPing, nil)}
	keepaliveFrame = &frame{kind: kindKeepalive, bytes: encode(ws.OpBinary, dialect.Keepalive())}
)

// headerRoom is the length of the longest header that a server writes.
const headerRoom = 10

// newMessage is the frame that carries m; it has no bytes where the dialect has
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
	// The kind, and the length of the data, need less than 13 bytes.
	buf := make([]byte, headerRoom, headerRoom+13+len(m.Data))
	f.bytes = seal(ws.OpBinary, dialect.Append(buf, m))
	return f
}

func encode(op ws.OpCode, payload []byte) []byte {
	return seal(op, append(make([]byte, headerRoom, headerRoom+len(payload)), payload...))
}

// seal writes the header in front of the payload, which begins at headerRoom,
// and returns the frame.
func seal(op ws.OpCode, buf []byte) []byte {
	const fin = 0x80
	n := len(buf) - headerRoom
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
		return &frame{kind: kindClose, bytes: encode(ws.OpClose, nil)}
	}
	if !validCode(e.Code) {
		e.Code = protocol.CloseInternal
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(e.Code))
	return &frame{kind: kindClose, bytes: encode(ws.OpClose, append(payload, cutReason(e.Reason)...))}
}

// cutReason makes reason fit into a close frame.
func cutReason(reason string) string {
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) <= maxReason {
		return reason
	}
	n := maxReason
	for !utf8.RuneStart(reason[n]) {
		n--
	}
	return reason[:n]
}
