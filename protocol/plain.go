package protocol

import (
	"errors"
	"fmt"

	"github.com/yroom/yroom/internal/lib0"
)

// ErrMalformed means that a message of a known type can't be decoded.
var ErrMalformed = errors.New("protocol: malformed message")

// Plain is the dialect of y-websocket clients: the messages of y-protocols in
// binary frames, without an address.
type Plain struct{}

// The types of messages on the wire.
const (
	plainSync           = 0
	plainAwareness      = 1
	plainQueryAwareness = 3

	plainSyncStep1 = 0
	plainSyncStep2 = 1
	plainUpdate    = 2
)

// Next decodes the first message in frame. A frame may hold several messages,
// and rest is what follows the first. ok is false if no message follows: at the end of
// the frame, and before a message that clients don't send or of an unknown type, whose
// length isn't known. The error is an ErrMalformed that names the message.
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

// readPlain decodes a message and returns its name for errors, which is "" for
// an unknown type.
func readPlain(r *lib0.Reader) (m Message, name string) {
	outer := r.Uint()
	if r.Err() != nil {
		return m, ""
	}
	switch outer {
	case plainSync:
		return readSync(r)
	case plainAwareness:
		return Message{Type: Awareness, Data: r.Bytes()}, "awareness"
	case plainQueryAwareness:
		return Message{Type: QueryAwareness}, "awareness query"
	}
	return m, ""
}

// readSync decodes what follows the type of a sync message, as readPlain does.
func readSync(r *lib0.Reader) (m Message, name string) {
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
	return m, ""
}

// Append appends the frame that holds m to dst. A frame holds one message,
// because clients before version 4 read only the first of a frame. Append
// appends nothing for a message that the dialect doesn't have, such as Close.
func (p Plain) Append(dst []byte, m Message) []byte {
	n := len(dst)
	if dst = p.AppendHead(dst, m); len(dst) > n {
		dst = append(dst, m.Data...)
	}
	return dst
}

// AppendHead appends to dst the part before m.Data of the frame that holds m. Nothing
// follows the data, which may be large and need not be copied.
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

// HeadSize returns how many bytes AppendHead appends at most.
func (Plain) HeadSize() int { return 2 + maxUint }

const maxUint = 10 // the length of the longest lib0.AppendUint, in bytes

// Keepalive returns the frame to send to a client to which nothing was sent for
// a while: clients close a connection on which they received no message for 30
// seconds, and WebSocket pings don't count. The frame is an awareness update
// without entries. The caller owns it.
func (Plain) Keepalive() []byte { return []byte{plainAwareness, 1, 0} }
