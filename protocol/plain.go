package protocol

import (
	"errors"
	"fmt"

	"github.com/yroom/yroom/internal/lib0"
)

// ErrMalformed means that a message of a known kind can't be read.
var ErrMalformed = errors.New("protocol: malformed message")

// Plain is the dialect of y-websocket clients: y-protocols' messages in binary
// frames, without an address.
type Plain struct{}

// What the messages are on the wire.
const (
	plainSync           = 0
	plainAwareness      = 1
	plainQueryAwareness = 3

	plainSyncStep1 = 0
	plainSyncStep2 = 1
	plainUpdate    = 2
)

// Next reads the first message in frame. rest is what follows it; a frame may
// hold several messages. ok is false when none is left: at the end, and before
// a message that clients have no business to send, or of an unknown kind, whose
// length isn't known. The error, an ErrMalformed, says which message can't be
// read.
//
// The message's data and rest alias frame.
func (Plain) Next(frame []byte) (m Message, rest []byte, ok bool, err error) {
	if len(frame) == 0 {
		return m, nil, false, nil
	}
	r := lib0.NewReader(frame)
	m, name := readPlain(&r)
	if name == "" {
		return m, nil, false, nil
	}
	if err := r.Err(); err != nil {
		return Message{}, nil, false, fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
	}
	return m, frame[r.Offset():], true, nil
}

// readPlain reads one message and says what it is, "" for an unknown kind.
func readPlain(r *lib0.Reader) (m Message, name string) {
	outer := r.Uint()
	if r.Err() != nil {
		return m, ""
	}
	switch outer {
	case plainSync:
		sub := r.Uint()
		if r.Err() != nil {
			return m, "sync message"
		}
		switch sub {
		case plainSyncStep1:
			return Message{Type: SyncStep1, Data: r.Bytes()}, "sync step 1"
		case plainSyncStep2:
			return Message{Type: SyncStep2, Data: r.Bytes()}, "sync step 2"
		case plainUpdate:
			return Message{Type: Update, Data: r.Bytes()}, "update"
		}
	case plainAwareness:
		return Message{Type: Awareness, Data: r.Bytes()}, "awareness"
	case plainQueryAwareness:
		return Message{Type: QueryAwareness}, "awareness query"
	}
	return m, ""
}

// Append appends the frame that holds m to dst: one message, because clients
// before version 4 read only the first of a frame. It appends nothing for a
// message that the dialect doesn't have, such as Close.
func (p Plain) Append(dst []byte, m Message) []byte {
	return append(p.AppendHead(dst, m), m.Data...)
}

// AppendHead appends what stands before m's data in the frame that holds m. The
// data itself, which may be large, is all that follows.
func (Plain) AppendHead(dst []byte, m Message) []byte {
	switch m.Type {
	case SyncStep1:
		dst = append(dst, plainSync, plainSyncStep1)
	case SyncStep2:
		dst = append(dst, plainSync, plainSyncStep2)
	case Update:
		dst = append(dst, plainSync, plainUpdate)
	case Awareness:
		dst = append(dst, plainAwareness)
	case QueryAwareness:
		return append(dst, plainQueryAwareness)
	default:
		return dst
	}
	return lib0.AppendUint(dst, uint64(len(m.Data)))
}

// Keepalive is the frame to send on a line on which nothing was sent for a
// while: clients close a line that was silent for 30 seconds, and don't count
// WebSocket pings. It is an awareness update that tells of nobody. The caller
// owns it.
func (Plain) Keepalive() []byte { return []byte{plainAwareness, 1, 0} }
