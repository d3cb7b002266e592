package consumer

import (
	"context"
	"errors"
	"net/http"

	"github.com/yroom/yroom/protocol"
)

// Hooks are functions of the application that decide about connections. Each may
// be nil. The hooks of a connection run one at a time, in the order of the
// fields, on a goroutine that serves this connection. A hook that blocks delays its
// connection and no other. Only a hook for a message of a Hocuspocus client also delays
// the other documents on its socket. If such a hook, of any client, blocks for longer than
// a minute, the connection is cut off, because nothing was read meanwhile. A panic in a
// hook is logged and closes the connection with 1011 (before the upgrade: HTTP 500).
type Hooks struct {
	// Admit runs first, before the upgrade. It authenticates the request and
	// names the room. A *StatusError refuses with its status and reason. Any other
	// error refuses with 403; it is logged, and the client doesn't see it. It also runs
	// for a request that isn't a WebSocket upgrade, by which a page learns why its upgrade
	// was refused; if it admits such a request, the status is 426. ctx ends with the
	// request. Without Admit the room is Request.Room, and all clients may write and be
	// present.
	//
	// For a Hocuspocus client, Admit runs when the client opens a document, and again when it
	// sends its token again; ctx ends with the socket. Admit may run for several documents of
	// a socket at once. The client sees the Reason of a *StatusError, or "permission-denied".
	// If the Status is 500 or more, the client sees nothing, and tries again on another
	// socket; a document that is open stays open.
	Admit func(ctx context.Context, r Request) (Admission, error)

	// PreConnect runs after Admit, when the room and the user are known.
	// An error refuses, as in Admit. The request must not be kept, as in Admit.
	PreConnect func(*Conn, *http.Request) error
	// PostConnect runs once the connection has joined its room, before anything
	// is read from it.
	PostConnect func(*Conn)

	// PreReceive runs for each message before it is sent to the room. ErrDrop
	// drops the message, a *protocol.CloseError closes the connection with its
	// code, and any other error is logged and closes with 1011. The message's data
	// is borrowed until PreReceive returns, and must not be changed.
	PreReceive func(*Conn, protocol.Message) error
	// PostReceive runs when the message was sent to the room, which may not have
	// handled it yet. The room owns the message's data, which must not be changed.
	// PostReceive doesn't run for a message that was dropped or refused.
	PostReceive func(*Conn, protocol.Message)

	// Stateless runs for each stateless message of a Hocuspocus client, after PreReceive.
	// Such a message is for the program alone: it doesn't reach the room, and PostReceive
	// doesn't run for it.
	Stateless func(c *Conn, payload string)

	// PreDisconnect runs when the connection is closed, before it leaves the room.
	// It runs exactly for those connections for which PostConnect had to run. The code is
	// the one that is logged; it may be protocol.CloseNoCode or protocol.CloseAbnormal.
	PreDisconnect func(*Conn, protocol.CloseError)
	// PostDisconnect runs last, after the connection has left the room. It runs
	// once for each connection that PreConnect has admitted, even if the
	// connection was never opened.
	PostDisconnect func(*Conn, protocol.CloseError)
}

// ErrDrop is returned by PreReceive to drop a message.
var ErrDrop = errors.New("consumer: drop this message")
