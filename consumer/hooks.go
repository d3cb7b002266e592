package consumer

import (
	"errors"
	"net/http"

	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// Hooks lets an application take part in the life of a connection. Every hook
// is optional, and every one runs on its connection's own goroutine, one at a
// time and in the order of the fields. A hook that blocks holds up its
// connection and nothing else; one that blocks the receiving for longer than a
// minute loses its connection, because nothing was read meanwhile. A panic in
// a hook is logged and closes the connection with 1011 (before the upgrade:
// HTTP 500).
type Hooks struct {
	// Admit runs first, before the upgrade. It authenticates the request and
	// names the room. A *StatusError refuses with its status and words, any
	// other error with 403 and no word of what the error says, which is logged.
	// Without Admit the room is the pattern's {room} or, where the pattern has
	// none, the path without its leading slash; and everybody may write and be present.
	Admit func(*http.Request) (Admission, error)

	// PreConnect runs before the upgrade, when the room and the user are known.
	// An error refuses, as in Admit.
	PreConnect func(*Conn) error
	// PostConnect runs once the connection is open and the room's worker has
	// been told, before anything is read from it.
	PostConnect func(*Conn)

	// PreReceive runs for each message, before it is looked at. ErrDrop drops
	// the message, a *protocol.CloseError closes the connection with its code,
	// any other error is logged and closes with 1011.
	PreReceive func(*Conn, Frame) error
	// PostReceive runs when the message was handed to the room, which may not
	// have acted on it yet, and which owns Data from then on: read it, never
	// write to it. It doesn't run for a message that was dropped or refused.
	PostReceive func(*Conn, Frame)

	// PreDisconnect runs when the connection is closed, before the room is told.
	// It runs exactly where PostConnect was due. The reason is what the log says:
	// 1005 is a client that gave no code, 1006 a line that broke.
	PreDisconnect func(*Conn, protocol.CloseError)
	// PostDisconnect runs last, after the room was told. It runs exactly once
	// for each connection that PreConnect let in, even if the connection was
	// never opened.
	PostDisconnect func(*Conn, protocol.CloseError)
}

// ErrDrop is what PreReceive returns to drop a message without a word.
var ErrDrop = errors.New("consumer: drop this message")

// Admission is what Admit decided about a request.
type Admission struct {
	Room   string      // 1 to 255 bytes of UTF-8, not blank, without control characters
	Access room.Access // the zero value is read-only
	User   any         // whatever the application wants to find in Conn.User
}

// StatusError refuses a request with an HTTP status before the upgrade. The
// client sees both fields.
type StatusError struct {
	Status int // 400 to 599; anything else becomes 403
	Reason string
}

func (e *StatusError) Error() string { return e.Reason }

// Frame is one message as a client sent it, reassembled from its fragments.
type Frame struct {
	Text bool   // text messages reach the hooks and go no further
	Data []byte // borrowed: valid during the call, not to be changed
}

// ID is random and names the connection within its room.
func (c *Conn) ID() room.ConnID { return c.id }

// Room is the room's name.
func (c *Conn) Room() string { return c.room }

// Access is what the connection may do.
func (c *Conn) Access() room.Access { return c.access }

// User is what Admit put into Admission.User.
func (c *Conn) User() any { return c.user }

// Request is the request that was upgraded; its body is gone. Its context ends
// with the connection.
func (c *Conn) Request() *http.Request { return c.request }
