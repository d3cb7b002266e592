package protocol

import "fmt"

// CloseCode is a WebSocket close code.
type CloseCode uint16

// The codes a yroom server closes with.
const (
	CloseMalformed CloseCode = 1007 // a malformed message of a known kind
	ClosePolicy    CloseCode = 1008 // a limit or a policy
	CloseTooBig    CloseCode = 1009 // a message over the size limit
	CloseInternal  CloseCode = 1011 // a bug in the server
	CloseRestart   CloseCode = 1012 // the server restarts: come back
	CloseTryLater  CloseCode = 1013 // overloaded, or the room can't be loaded now
	CloseDeleted   CloseCode = 4404 // the room was deleted
)

// CloseError ends a connection with a code and a reason that the client sees.
type CloseError struct {
	Code   CloseCode
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("closed with %d: %s", e.Code, e.Reason)
}

// Message is the Close message that carries e.
func (e *CloseError) Message() Message {
	return Message{Type: Close, Code: e.Code, Reason: e.Reason}
}
