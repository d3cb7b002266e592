package room

import (
	"bytes"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/protocol"
)

// answerSync answers a SyncStep1.
func (t *turn) answerSync(conn event.ConnID, m member, vector []byte) error {
	diff, err := t.diff(vector)
	if err != nil {
		return err
	}
	t.sendDiff(conn, protocol.SyncStep2, diff)
	if !m.opened {
		t.open(conn)
	}
	return nil
}

// sendDiff sends a difference that brings the receiver to the current state.
func (t *turn) sendDiff(conn event.ConnID, typ protocol.Type, diff []byte) {
	past, _ := t.saved.before(t.seq)
	t.sendDurable(event.Output{
		Kind: event.OutputMessage, To: conn, Mark: t.mark(), Vector: past,
		Message: protocol.Message{Type: typ, Data: diff},
	})
}

// diff returns what a document with the given state vector lacks.
func (t *turn) diff(vector []byte) ([]byte, error) {
	if diff, ok := t.diffs[string(vector)]; ok {
		return diff, nil
	}
	diff, err := t.encode(vector)
	if err != nil {
		return nil, err
	}
	if t.diffs == nil {
		t.diffs = make(map[string][]byte)
	}
	t.diffs[string(vector)] = diff
	return diff, nil
}

func (t *turn) encode(vector []byte) ([]byte, error) {
	if !bytes.Equal(vector, emptyVector) {
		return t.blocks.Diff(vector, t.encoding)
	}
	diff := t.whole.Value()
	if diff == nil {
		diff = must(t.blocks.Diff(vector, t.encoding))
		t.whole = weakbytes.Make(diff)
	}
	return diff, nil
}

// noStates is an awareness update without states.
var noStates = []byte{0}

// allStates returns an awareness update with all states.
func (t *turn) allStates() []byte {
	if t.states == nil {
		t.states = t.awareness.Encode()
		if t.states == nil {
			t.states = noStates
		}
	}
	return t.states
}

// sendStates sends all awareness states, if there are any.
func (t *turn) sendStates(conn event.ConnID) {
	if all := t.allStates(); len(all) > len(noStates) {
		t.sendNow(conn, protocol.Message{Type: protocol.Awareness, Data: all})
	}
}
