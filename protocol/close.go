package protocol

import "fmt"

// CloseCode is a WebSocket close code.
type CloseCode uint16

// The codes with which a server closes a connection.
const (
	// CloseProtocol: the client broke the rules of WebSocket.
	CloseProtocol CloseCode = 1002
	// CloseMalformed: a message of a known type can't be decoded.
	CloseMalformed CloseCode = 1007
	// ClosePolicy: the client exceeded a limit or violated a policy.
	ClosePolicy CloseCode = 1008
	// CloseTooBig: a message exceeds the size limit.
	CloseTooBig CloseCode = 1009
	// CloseInternal: the server has a bug, or a hook of the application failed.
	CloseInternal CloseCode = 1011
	// CloseRestart: the server ends or restarts. The client can connect again at once.
	CloseRestart CloseCode = 1012
	// CloseTryLater: the server is overloaded, or the room can't be loaded,
	// stored or reached at the moment.
	CloseTryLater CloseCode = 1013
	// CloseUnauthorized: the authorization of the client has expired.
	CloseUnauthorized CloseCode = 4401
	// CloseDeleted: the room was deleted.
	CloseDeleted CloseCode = 4404
)

// Codes that are never in a close frame. They describe how a connection ended without a
// code.
const (
	// CloseNoCode: the client closed the connection and sent no code.
	CloseNoCode CloseCode = 1005
	// CloseAbnormal: the connection ended without a close frame.
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
