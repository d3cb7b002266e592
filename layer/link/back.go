package link

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Serve attaches the worker of this Node. It returns layer.ErrServed if the Node has one.
func (n *Node) Serve(now time.Time) error {
	n.now = now
	if n.state != StateNone {
		return layer.ErrServed
	}
	n.term++
	n.setState(StateServing)
	return nil
}

// Drain tells all other Nodes to send inputs to other workers. Inputs that still arrive
// are refused.
func (n *Node) Drain(now time.Time) {
	n.now = now
	if n.state == StateServing {
		n.setState(StateDraining)
	}
}

func (n *Node) setState(s State) {
	n.state = s
	n.announce()
	n.connectAll()
	n.place()
}

// CloseBack detaches the worker. What it has delivered is still sent.
func (n *Node) CloseBack(now time.Time) {
	n.now = now
	if n.state == StateNone {
		return
	}
	n.setState(StateNone)
	for _, p := range n.peers {
		if p.open {
			p.queue.putFinal(message{kind: frameBackClosed, head: appendUint(nil, fieldTerm, n.term)})
			n.wakeIfDue(p)
		}
	}
	n.lostWorker(n.config.ID)
	for address := range n.remote {
		r := n.remote[address]
		delete(r.peer.fronts, r.front)
		delete(n.remote, address)
	}
}

// Deliver sends an output to a front of another Node. It returns false if no front of
// another Node has the address. A front of this Node may have it.
func (n *Node) Deliver(now time.Time, out *layer.Output) bool {
	n.now = now
	to, known := n.remote[out.To]
	if !known {
		return false
	}
	p := to.peer
	if !p.open { // the loss is reported when messages can be carried again
		return true
	}
	m := encodeOutput(p.birth, to.front, out)
	switch {
	case p.queue.drops(out.Room): // a message that waits tells the peer
	case p.queue.full(&m):
		// The peer takes the outputs too slowly. Those that wait are still sent, so that it makes
		// progress. After them, its connections join the room again, and are sent only what they
		// lack.
		n.stats.Dropped++
		n.put(p, message{kind: frameDropped, room: out.Room, head: appendString(nil, fieldRoom, out.Room)})
	default:
		n.put(p, m)
	}
	return true
}

// Refusal returns the output that refuses an input. The caller delivers it if the worker
// doesn't take the input, but the front's Send has returned already.
func Refusal(in *layer.Input) layer.Output {
	const reason = "too much waits for the room"
	out := layer.Output{Room: in.Room, To: in.From, Output: event.Output{To: in.Conn}}
	if in.Kind == event.InputRequest {
		out.Kind = event.OutputResponse
		out.Response = &event.Response{Refusal: event.Refusal{Cause: event.CauseClosed, Reason: reason, Code: protocol.CloseTryLater}}
	} else {
		out.Kind = event.OutputMessage
		out.Message = protocol.Message{Type: protocol.Close, Code: protocol.CloseTryLater, Reason: reason}
	}
	return out
}
