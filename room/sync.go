package room

import (
	"bytes"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/protocol"
)

// answerSync answers a SyncStep1. A client whose updates are acknowledged expects that it
// is asked in return each time: from its SyncStep1 until its SyncStep2 is acknowledged, it
// counts an update that is not saved. Other clients are asked once, and again if the room
// may lack something: see ask.go.
func (t *turn) answerSync(in *event.Input, m member) error {
	if m.acks && !in.Offered {
		t.ask(in.Conn)
	}
	if err := t.sendDiff(in, m, protocol.SyncStep2, in.Message.Data); err != nil {
		return err
	}
	if !m.opened {
		t.open(in.Conn, !m.acks)
	} else if t.mayLack(m, in.Message.Data) {
		t.noteLack(in.Conn, true)
	}
	return nil
}

// maxEncoded bounds the differences that one turn encodes, in bytes, for consumers that
// understand offers. The whole document is not counted.
const maxEncoded = 32 << 20

// sendDiff sends what a document with the given state vector lacks, which brings the
// receiver to the current state. If that is larger than the consumer can take, it sends
// an offer and encodes nothing. What is offered is the whole document if the difference
// is not much smaller, because all receivers share its encoding.
//
// The error means that the state vector is malformed.
func (t *turn) sendDiff(in *event.Input, m member, typ protocol.Type, vector []byte) error {
	entries, size, err := t.blocks.Measure(vector)
	if err != nil {
		return err
	}
	if in.Most > 0 && size > in.Most && !bytes.Equal(entries, emptyVector) {
		if _, all, err := t.blocks.Measure(emptyVector); err == nil && size > all/2 {
			entries, size = emptyVector, all
		}
	}
	out := event.Output{Kind: event.OutputMessage, To: in.Conn, Mark: t.mark(), Message: protocol.Message{Type: typ}}
	out.Whole = typ == protocol.SyncStep2 && bytes.Equal(entries, emptyVector)
	enc := t.encodingOf(m)
	diff := t.encoded(entries, enc)
	if diff == nil && (in.Most == 0 || size <= in.Most && t.encodedBytes < maxEncoded) {
		diff = t.encode(entries, enc)
	}
	if diff != nil && (in.Most == 0 || len(diff) <= in.Most) {
		out.Vector, _ = t.saved.before(t.seq)
		out.Message.Data = diff
		t.sendDurable(out)
		return nil
	}
	out.Kind = event.OutputOffer
	out.Size = max(size+size/8, len(diff)) // the document may grow until the answer is asked for
	if typ == protocol.SyncStep2 {
		out.Message.Data = entries
	}
	t.sendDurable(out)
	return nil
}

// difference is what a document with a state vector lacks, in an encoding.
type difference struct {
	vector string
	enc    blocks.Encoding
}

// encoded returns what a document with the given state vector lacks, if it is encoded,
// and nil otherwise.
func (t *turn) encoded(vector []byte, enc blocks.Encoding) []byte {
	diff := t.diffs[difference{string(vector), enc}]
	if diff == nil && bytes.Equal(vector, emptyVector) {
		diff = t.whole[enc].Value()
	}
	return diff
}

// encode encodes what a document with the given state vector lacks.
func (t *turn) encode(vector []byte, enc blocks.Encoding) (diff []byte) {
	if bytes.Equal(vector, emptyVector) {
		diff = t.encodeWhole(enc)
	} else {
		diff = must(t.blocks.Diff(vector, enc))
		t.encodedBytes += len(diff)
	}
	if t.diffs == nil {
		t.diffs = make(map[difference][]byte)
	}
	t.diffs[difference{string(vector), enc}] = diff
	return diff
}

// encodeWhole returns the whole document. While the result is in use and the document
// doesn't change, it is encoded once.
func (r *Room) encodeWhole(enc blocks.Encoding) []byte {
	all := r.whole[enc].Value()
	if all == nil {
		all = r.blocks.Encode(enc)
		r.whole[enc] = weakbytes.Make(all)
	}
	return all
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
