package protocol

import (
	"errors"
	"fmt"

	"github.com/yroom/yroom/internal/lib0"
)

// Hocuspocus is the dialect of Hocuspocus providers, for the document with an address.
// One socket carries many documents, and each frame begins with the address of the
// document to which its message belongs.
type Hocuspocus struct {
	// Address is the name of the document. A provider with session awareness appends a NUL
	// and a random text, so that several providers may share a document and a socket.
	Address string
}

// The frames of one byte, which have no address. Only providers since version 4
// understand them.
const (
	HocuspocusPing = 9
	HocuspocusPong = 10
)

// The types of messages on the wire. Those of sync messages are the types of y-protocols.
const (
	hocuspocusSync       = 0
	hocuspocusAwareness  = 1
	hocuspocusAuth       = 2
	hocuspocusQuery      = 3
	hocuspocusStateless  = 5
	hocuspocusBroadcast  = 6
	hocuspocusClose      = 7
	hocuspocusSyncStatus = 8

	authToken         = 0
	authDenied        = 1
	authAuthenticated = 2
)

// ReadAddress reads the address with which a frame begins. It returns an ErrMalformed if
// there is none. The results alias frame.
func ReadAddress(frame []byte) (address, body []byte, err error) {
	r := lib0.NewReader(frame)
	address = r.Text()
	if err := r.Err(); err != nil {
		return nil, nil, fmt.Errorf("%w: address: %w", ErrMalformed, err)
	}
	return address, r.Rest(), nil
}

// Auth is the message with which a client authenticates itself for a document.
type Auth struct {
	Token string
	// Version is the version of the provider, such as 4.8.0. It is empty for providers before
	// version 4.
	Version string
}

// IsAuth reports whether the body of a frame is an Auth. It may be malformed.
func IsAuth(body []byte) bool {
	r := lib0.NewReader(body)
	return isAuth(&r)
}

// isAuth reads the types of an Auth, and reports whether it is one.
func isAuth(r *lib0.Reader) bool {
	outer := r.Uint()
	inner := r.Uint() // authToken, too, if the body is too short for it
	return outer == hocuspocusAuth && inner == authToken
}

// ReadAuth reads an Auth from the body of a frame. ok is false if the body is another
// message.
func ReadAuth(body []byte) (a Auth, ok bool, err error) {
	r := lib0.NewReader(body)
	if !isAuth(&r) {
		return a, false, nil
	}
	a.Token = string(r.Text())
	if r.Err() == nil && r.Len() > 0 {
		a.Version = string(r.Text())
	}
	if err := r.Err(); err != nil {
		return Auth{}, true, fmt.Errorf("%w: token: %w", ErrMalformed, err)
	}
	return a, true, nil
}

var (
	errBroadcast = errors.New("only servers send it")
	errSync      = errors.New("its type is not known")
)

// Next decodes the message in the body of a frame, which is one at most. ok is false for a
// body without a message for a room: an Auth, and a message of an unknown type. A Close
// means that the client leaves the document. The error is an ErrMalformed that names the
// message.
//
// The message's data aliases body.
func (Hocuspocus) Next(body []byte) (m Message, rest []byte, ok bool, err error) {
	if len(body) == 0 {
		return m, nil, false, nil
	}
	r := lib0.NewReader(body)
	m, name := readHocuspocus(&r)
	if name == "" {
		return m, nil, false, nil
	}
	if err := r.Err(); err != nil {
		return Message{}, nil, false, fmt.Errorf("%w: %s: %w", ErrMalformed, name, err)
	}
	return m, nil, true, nil
}

// readHocuspocus decodes a message and returns its name for errors, which is "" for a
// message that is not for a room.
func readHocuspocus(r *lib0.Reader) (m Message, name string) {
	outer := r.Uint()
	if r.Err() != nil {
		return m, "type"
	}
	switch outer {
	case hocuspocusSync:
		m, name = readSync(r)
		if name == "" {
			r.Fail(errSync)
			name = "sync message"
		}
		return m, name
	case hocuspocusAwareness:
		return Message{Type: Awareness, Data: r.Bytes()}, "awareness"
	case hocuspocusQuery:
		return Message{Type: QueryAwareness}, "awareness query"
	case hocuspocusStateless:
		return Message{Type: Stateless, Data: r.Text()}, "stateless message"
	case hocuspocusBroadcast:
		r.Fail(errBroadcast)
		return m, "stateless broadcast"
	case hocuspocusClose:
		return Message{Type: Close}, "close"
	}
	return m, ""
}

// AppendHead appends to dst the part before m.Data of the frame that holds m. Nothing
// follows the data. A frame holds one update of an Ack or a Reject: it has to be sent
// m.Count times. The first ReadWrite or ReadOnly admits the client to the document.
// AppendHead appends nothing for a message that the dialect doesn't have.
func (d Hocuspocus) AppendHead(dst []byte, m Message) []byte {
	var kind, sub byte
	switch m.Type {
	case SyncStep1:
		kind, sub = hocuspocusSync, plainSyncStep1
	case SyncStep2:
		kind, sub = hocuspocusSync, plainSyncStep2
	case Update:
		kind, sub = hocuspocusSync, plainUpdate
	case Awareness:
		kind = hocuspocusAwareness
	case Stateless:
		kind = hocuspocusStateless
	case QueryAwareness:
		return append(d.begin(dst), hocuspocusQuery)
	case Ack:
		return append(d.begin(dst), hocuspocusSyncStatus, 1)
	case Reject:
		return append(d.begin(dst), hocuspocusSyncStatus, 0)
	case ReadWrite:
		return lib0.AppendString(append(d.begin(dst), hocuspocusAuth, authAuthenticated), "read-write")
	case ReadOnly:
		return lib0.AppendString(append(d.begin(dst), hocuspocusAuth, authAuthenticated), "readonly")
	case Close:
		return lib0.AppendString(append(d.begin(dst), hocuspocusClose), m.Reason)
	default:
		return dst
	}
	dst = append(d.begin(dst), kind)
	if kind == hocuspocusSync {
		dst = append(dst, sub)
	}
	return lib0.AppendUint(dst, uint64(len(m.Data)))
}

// HeadSize returns how many bytes AppendHead appends at most, unless m is a Close.
func (d Hocuspocus) HeadSize() int { return maxUint + len(d.Address) + 2 + maxUint }

func (d Hocuspocus) begin(dst []byte) []byte { return lib0.AppendString(dst, d.Address) }

// AppendDenied appends the frame that refuses the client the document.
func (d Hocuspocus) AppendDenied(dst []byte, reason string) []byte {
	return lib0.AppendString(append(d.begin(dst), hocuspocusAuth, authDenied), reason)
}

// AppendTokenRequest appends the frame that asks the client to send its token again.
// Providers before version 3.3 ignore it.
func (d Hocuspocus) AppendTokenRequest(dst []byte) []byte {
	return append(d.begin(dst), hocuspocusAuth, authToken)
}

// Keepalive returns the frame to send to a client to which nothing was sent for a while:
// providers of every version close a connection on which they received nothing for 30
// seconds. It is an awareness update without entries. The caller owns it.
func (d Hocuspocus) Keepalive() []byte {
	return append(d.AppendHead(nil, Message{Type: Awareness, Data: []byte{0}}), 0)
}
