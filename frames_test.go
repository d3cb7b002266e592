package yroom_test

// hello is the update that a Yjs document with client id 1 makes of
// getText('text').insert(0, 'hello').
var hello = []byte("\x01\x01\x01\x00\x04\x01\x04text\x05hello\x00")

// nothing is the update, and the state vector, of an empty document.
var nothing, emptyStateVector = []byte{0, 0}, []byte{0}

// Messages of the y-websocket protocol, with less than 128 bytes of data.

func syncStep1(data []byte) []byte { return syncFrame(0, data) }
func syncStep2(data []byte) []byte { return syncFrame(1, data) }
func update(data []byte) []byte    { return syncFrame(2, data) }

func syncFrame(step byte, data []byte) []byte {
	return append([]byte{0, step, byte(len(data))}, data...)
}
