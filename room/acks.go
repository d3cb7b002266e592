package room

import (
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// write handles a SyncStep2 or an Update of a connection. If the connection has joined with
// Acks, the message is counted in exactly one Ack or Reject, unless it ends the connection.
// One that adds nothing is acknowledged even if the connection may not write, because
// everything in it is in the document.
func (t *turn) write(in *event.Input, m member) error {
	if m.access.May(event.AccessWrite) {
		before := t.blocks.Pending()
		if err := t.apply(in.Message.Data, t.encodingOf(m)); err != nil {
			return err
		}
		if in.Message.Type == protocol.Update && t.blocks.Pending() > before && m.opened { // otherwise it is asked after its SyncStep1
			t.noteLack(in.Conn, false)
		}
		if m.acks {
			t.count(in.Conn, protocol.Ack)
		}
		return nil
	}
	if m.acks {
		typ := protocol.Reject
		if held, err := t.blocks.Contains(in.Message.Data, t.encodingOf(m)); err == nil && held {
			typ = protocol.Ack
		}
		t.count(in.Conn, typ)
	}
	return nil
}

// count counts a message of a connection in the Ack or the Reject that the connection is
// sent for this turn. Both are among the durable outputs, so that an Ack follows the append
// of its updates, and those of earlier turns that they may repeat.
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
