package link

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Two Nodes may place a room differently for a moment. A worker that doesn't run a room
// refuses its inputs. It drops those of connections and tells the front, whose connections
// join again. It returns requests to the front, which sends them again.

// returned is an input with a request that a worker has returned.
type returned struct {
	front uint64
	in    layer.Input
	since time.Time
	size  int
}

// runs reports whether the worker of this Node accepts an input of a room. If the room is
// placed elsewhere, the worker accepts the input only if the peer has been sending such
// inputs for so long that the two Nodes won't agree.
func (n *Node) runs(p *peer, room string) bool {
	if n.state != StateServing {
		return false
	}
	if room == "" { // for all workers
		return true
	}
	owner, found := n.view.owner(n.config.Channel(room), room)
	if !found || owner == n.config.ID {
		return true
	}
	n.stats.Strays++
	if n.now.Sub(p.lastStray) >= agreement {
		p.firstStray = n.now
	}
	p.lastStray = n.now
	if n.now.Sub(p.firstStray) < agreement {
		return false
	}
	n.guests = true
	return true
}

// refuseStray answers an input of a room that the worker of this Node doesn't run.
func (n *Node) refuseStray(p *peer, front uint64, in layer.Input) {
	if in.Kind == event.InputLeave { // the connection has left already, when the room was handed over
		return
	}
	if in.Kind == event.InputRequest {
		m := encodeInput(front, &in)
		m.kind = frameReturned
		n.put(p, m)
		return
	}
	n.put(p, message{kind: frameStray, room: in.Room, head: appendString(nil, fieldRoom, in.Room)})
}

// stray is called when another worker has refused an input of a connection.
func (n *Node) stray(room string) {
	if n.strays == nil {
		n.strays = make(map[string]bool)
		n.straysDue = n.now.Add(n.strayDelay())
	}
	n.strays[room] = true
}

// keepReturned keeps an input that another worker has returned, until it is sent again.
func (n *Node) keepReturned(front uint64, in layer.Input, size int) {
	if n.fronts[front] == nil {
		return
	}
	r := returned{front: front, in: in, since: n.now, size: size}
	waiting := 0
	for _, other := range n.returned {
		waiting += other.size
	}
	if waiting >= mostReturned {
		n.refuse(&r)
		return
	}
	if len(n.returned) == 0 {
		n.returnedDue = n.now.Add(n.strayDelay())
	}
	n.returned = append(n.returned, r)
}

// strayDelay returns how long an input that is refused now waits before it is sent again.
// When this Node has just changed its view, the others will do so soon. So the delay is
// the time since that change, up to strayInterval.
func (n *Node) strayDelay() time.Duration {
	if len(n.past) == 0 {
		return strayInterval
	}
	return min(strayInterval, n.now.Sub(n.past[len(n.past)-1].until))
}

// sendStrays makes the connections whose inputs were refused join again, and sends the
// returned requests again.
func (n *Node) sendStrays() {
	if n.strays != nil && !n.now.Before(n.straysDue) {
		rooms := n.strays
		n.strays = nil
		n.emit(Event{Kind: EventFrontLost, Rooms: func(room string) bool { return rooms[room] }})
	}
	if len(n.returned) == 0 || n.now.Before(n.returnedDue) {
		return
	}
	n.returnedDue = n.now.Add(n.strayDelay())
	waiting := n.returned
	n.returned = nil
	for _, r := range waiting {
		local, err := n.Send(n.now, r.front, &r.in)
		switch {
		case local:
			in := r.in
			in.From = n.fronts[r.front].addressAt(n.config.ID, 0, r.front)
			n.emit(Event{Kind: EventInput, Input: in})
		case err == nil:
		case n.now.Sub(r.since) >= strayPatience:
			n.refuse(&r)
		default:
			n.returned = append(n.returned, r)
		}
	}
}

// refuse answers a request that no worker takes.
func (n *Node) refuse(r *returned) {
	out := layer.Output{Room: r.in.Room, To: n.fronts[r.front].addressAt(n.config.ID, 0, r.front), Output: event.Output{
		Kind: event.OutputResponse, To: r.in.Conn,
		Response: &event.Response{Refusal: event.Refusal{
			Cause: event.CauseClosed, Code: protocol.CloseTryLater, Reason: "no worker has taken the request",
		}},
	}}
	n.emit(Event{Kind: EventOutputs, Front: r.front, Outputs: []layer.Output{out}})
}

// moveGuests makes the worker hand over the rooms that are placed elsewhere, if it has
// accepted inputs of such rooms.
func (n *Node) moveGuests() {
	if !n.guests || n.now.Sub(n.guestsAsked) < agreement {
		return
	}
	n.guests, n.guestsAsked = false, n.now
	n.emit(Event{Kind: EventMoved, Rooms: n.placedElsewhere(n.view)})
}
