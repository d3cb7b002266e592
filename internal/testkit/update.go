package testkit

import "encoding/binary"

// Typed returns the V1 update of a client that types text after the clock characters
// that it has typed so far, in the root "text". The clock counts UTF-16 code units, as
// Yjs does.
func Typed(client, clock uint64, text string) []byte {
	return TypedIn("text", client, clock, text)
}

// TypedIn is [Typed] in the root that has this name.
func TypedIn(root string, client, clock uint64, text string) []byte {
	b := []byte{1, 1} // one client with one block
	b = binary.AppendUvarint(b, client)
	b = binary.AppendUvarint(b, clock)
	if clock == 0 {
		b = appendString(append(b, 4, 1), root) // a string, the first in its parent
	} else {
		b = append(b, 4|0x80) // a string with an origin, the character before it
		b = binary.AppendUvarint(b, client)
		b = binary.AppendUvarint(b, clock-1)
	}
	b = appendString(b, text)
	return append(b, 0) // no deletions
}

// Present returns the awareness update of a client with this state, which is
// JSON. The state null removes the client.
func Present(client, clock uint64, state string) []byte {
	b := []byte{1} // one client
	b = binary.AppendUvarint(b, client)
	b = binary.AppendUvarint(b, clock)
	return appendString(b, state)
}

// SyncStep1 returns the y-websocket message that requests what a document with this
// state vector lacks.
func SyncStep1(stateVector []byte) []byte { return syncMessage(0, stateVector) }

// SyncStep2 returns the y-websocket message that answers a SyncStep1.
func SyncStep2(update []byte) []byte { return syncMessage(1, update) }

// Update returns the y-websocket message of an update.
func Update(update []byte) []byte { return syncMessage(2, update) }

// Awareness returns the y-websocket message of an awareness update.
func Awareness(update []byte) []byte { return appendString([]byte{1}, string(update)) }

func syncMessage(step byte, data []byte) []byte {
	return appendString([]byte{0, step}, string(data))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
