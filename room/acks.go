package room

import (
	"bytes"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// write handles a SyncStep2 or an Update of a connection. If the connection has joined with
// Acks, the message is counted in exactly one Ack, Reject or Uncounted, unless it ends the
// connection. One that adds nothing is acknowledged even if the connection may not write,
// because everything in it is in the document.
func (t *turn) write(in *event.Input, m member) error {
	typ := protocol.Ack
	if t.isUncounted(in, m) {
		typ = protocol.Uncounted
	}
	if m.access.May(event.AccessWrite) {
		pending, missing := t.blocks.Pending(), t.blocks.Missing()
		if err := t.apply(in.Message.Data, t.encodingOf(m)); err != nil {
			return err
		}
		lacks := t.blocks.Pending() > pending || t.blocks.Missing() > missing
		if in.Message.Type == protocol.Update && lacks && m.opened { // otherwise it is asked after its SyncStep1
			t.noteLack(in.Conn, false)
		}
	} else if m.acks {
		if held, err := t.blocks.Contains(in.Message.Data, t.encodingOf(m)); err != nil || !held {
			typ = protocol.Reject
		}
	}
	if m.acks {
		t.count(in.Conn, typ)
	}
	return nil
}

// maxUncounted bounds the state vector that a room keeps to find what a client doesn't count,
// in bytes.
const maxUncounted = 4 << 10

// restart handles a SyncStep1 of a client with acks. A Hocuspocus provider counts the updates
// that wait for an Ack, and begins again at 1 when it sends SyncStep1: for the SyncStep2 with
// which it will answer the room's. After SyncStep1 it sends the updates that were made while
// it was not connected. It doesn't count these, and would take an Ack for one as that of
// another update, which is not stored yet. The room recognizes them, because the state
// vector in SyncStep1 has their blocks, and so keeps it until the SyncStep2 arrives.
func (t *turn) restart(in *event.Input, m member) member {
	if !m.acks || in.Offered {
		return m
	}
	m.answer = answerExpected
	m.uncounted = t.madeBefore(in.Message.Data)
	t.conns[in.Conn] = m
	for _, typ := range []protocol.Type{protocol.Ack, protocol.Reject, protocol.Uncounted} {
		delete(t.acks, question{in.Conn, typ}) // of what was sent before SyncStep1, the consumer drops the answers
	}
	return m
}

// madeBefore returns what is kept of the state vector of a client: as much of it as may be
// kept. Of a long one, that is what the document lacks, which the client may still send.
func (t *turn) madeBefore(vector []byte) []byte {
	if len(vector) <= maxUncounted {
		return bytes.Clone(vector)
	}
	if ahead, err := t.blocks.Ahead(vector); err == nil && len(ahead) <= maxUncounted {
		return ahead
	}
	return nil
}

// answer says whether the SyncStep2 with which a client answers the room is counted.
type answer uint8

const (
	answerAny      answer = iota // the client has not sent SyncStep1
	answerExpected               // the next one is
	answerReceived               // none is, before the next SyncStep1
)

// isUncounted reports whether the client doesn't count an update, because it made the update
// before it began to count again. It returns false for an update that only deletes, because
// the state vector doesn't have deletions.
//
// Nor does the client count a further SyncStep2: after two SyncStep1 it answers twice, but
// counts one change.
func (t *turn) isUncounted(in *event.Input, m member) bool {
	if in.Message.Type == protocol.SyncStep2 {
		further := m.answer == answerReceived
		if m.uncounted = nil; m.answer == answerExpected {
			m.answer = answerReceived
		}
		t.conns[in.Conn] = m
		return further
	}
	if m.uncounted == nil {
		return false
	}
	made, err := blocks.Made(m.uncounted, in.Message.Data, t.encodingOf(m))
	return err == nil && made
}

// count counts a message of a connection in the Ack, the Reject or the Uncounted that the
// connection is sent for this turn. These are among the durable outputs, so that an Ack
// follows the append of its updates, and those of earlier turns that they may repeat.
func (t *turn) count(conn event.ConnID, typ protocol.Type) {
	q := question{conn, typ}
	if i, sent := t.acks[q]; sent {
		t.effects.Durable[i].Message.Count++
		return
	}
	if t.acks == nil {
		t.acks = make(map[question]int)
	}
	t.acks[q] = len(t.effects.Durable)
	t.sendDurable(event.Output{
		Kind: event.OutputMessage, To: conn,
		Message: protocol.Message{Type: typ, Count: 1},
	})
}
