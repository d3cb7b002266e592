package protocol

import "fmt"

// CloseCode is a WebSocket close code.
type CloseCode uint16

// The codes with which a server closes a connection, and which package chooses
// each. A hook of the application may choose any code.
const (
	// CloseGoingAway: the program that serves the client ends. Programs that embed yroom may
	// choose it.
	CloseGoingAway CloseCode = 1001
	// CloseProtocol: the client broke the rules of WebSocket. Package consumer
	// chooses it when it reads a frame.
	CloseProtocol CloseCode = 1002
	// CloseMalformed: a message of a known type can't be decoded. Package consumer
	// chooses it for a message and for text that is not UTF-8, package room for the
	// update, the state vector or the awareness in a message.
	CloseMalformed CloseCode = 1007
	// ClosePolicy: the client exceeded a limit or violated a policy. Package room
	// chooses it for the limits of the document and of awareness.
	ClosePolicy CloseCode = 1008
	// CloseTooBig: a message exceeds the size limit. Package consumer chooses it
	// when it reads the header of a frame.
	CloseTooBig CloseCode = 1009
	// CloseInternal: the server has a bug, or a hook of the application failed.
	// Package worker chooses it for all connections of a room after a panic while it
	// ran the room, package consumer for one connection after a panic or an error
	// of a hook, and in place of a code that can't be sent.
	CloseInternal CloseCode = 1011
	// CloseRestart: the server ends or restarts. The client can connect again at
	// once. Package consumer chooses it in Shutdown and when the layer is closed,
	// package worker when the end of its Run cuts off a load or an append.
	CloseRestart CloseCode = 1012
	// CloseTryLater: the server is overloaded, or the room can't be loaded, stored
	// or reached at the moment. Package consumer chooses it when the layer has
	// refused a message for too long, a layer when it has to drop one that it has
	// accepted, and package worker when the store fails or another process has
	// created the room. Package document returns it when no worker can be reached.
	CloseTryLater CloseCode = 1013
	// CloseReset: the client is to connect again and to synchronize its documents. All
	// Hocuspocus providers do so by themselves. Package consumer chooses it for their sockets when
	// messages of a room were lost, when a client reads too slowly, and when it exceeds a limit
	// before it is admitted.
	CloseReset CloseCode = 4205
	// CloseUnauthorized: the authorization of the client has expired. Package
	// consumer chooses it when the time Expires of the Admission has passed.
	CloseUnauthorized CloseCode = 4401
	// CloseForbidden: the client may not be in the room any more. Package consumer chooses
	// it when the renewal of its admission is refused, and package document when it is
	// expelled.
	CloseForbidden CloseCode = 4403
	// CloseDeleted: the room was deleted. Package worker chooses it for the
	// connections in the room, and for a while for those that join it.
	CloseDeleted CloseCode = 4404
	// CloseLateAuth: no token that admits the client to a document has arrived in time.
	// Package consumer chooses it for sockets of Hocuspocus providers.
	CloseLateAuth CloseCode = 4408
	// CloseCut: the document was set back to an earlier state. The client still has what
	// came after it. Package worker chooses it for the connections in the room, and for a
	// while for those that join it.
	CloseCut CloseCode = 4409
)

// Codes that are never in a close frame. They describe how a connection ended without a
// code.
const (
	// CloseNoCode: the client closed the connection and sent no code. Package
	// consumer chooses it when the close frame of the client is empty.
	CloseNoCode CloseCode = 1005
	// CloseAbnormal: the connection ended without a close frame. Package consumer
	// chooses it when the network connection fails, and when it cuts off a client
	// that sends or reads nothing.
	CloseAbnormal CloseCode = 1006
)

// CloseError ends a connection with a code and a reason that the client sees.
type CloseError struct {
	Code   CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("closed with %d: %s", e.Code, e.Reason)
}

// Message returns the Close message that carries e.
func (e *CloseError) Message() Message {
	return Message{Type: Close, Code: e.Code, Reason: e.Reason}
}
