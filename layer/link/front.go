package link

import (
	"slices"
	"strconv"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// front is a front of this Node.
type front struct {
	addresses map[uint64]layer.Address // its addresses at workers, by the births that these have given this Node
}

// addressAt returns the address of the front at a worker.
func (f *front) addressAt(self ID, birth, number uint64) layer.Address {
	a, known := f.addresses[birth]
	if !known {
		if f.addresses == nil || len(f.addresses) > 1000 {
			f.addresses = make(map[uint64]layer.Address)
		}
		a = addressOf(self, birth, number)
		f.addresses[birth] = a
	}
	return a
}

// addressOf returns the address of a front at a worker. A worker that has given up a Node
// has reported the addresses of its fronts as gone. If the Node returns, the worker gives
// it another birth, so that its fronts have other addresses.
func addressOf(id ID, birth, front uint64) layer.Address {
	return layer.Address(id.String() + "." + strconv.FormatUint(birth, 10) + "." + strconv.FormatUint(front, 10))
}

// Attach adds a front, and returns its number and its address at the worker of this Node.
func (n *Node) Attach(now time.Time) (number uint64, local layer.Address) {
	n.now = now
	n.lastFront++
	f := new(front)
	n.fronts[n.lastFront] = f
	if len(n.fronts) == 1 {
		n.announce()
		n.connectAll()
	}
	return n.lastFront, f.addressAt(n.config.ID, 0, n.lastFront)
}

// Detach removes a front. No Send of the front may follow. The caller reports the
// local address to the worker of this Node as gone.
func (n *Node) Detach(now time.Time, number uint64) {
	n.now = now
	if n.fronts[number] == nil {
		return
	}
	delete(n.fronts, number)
	n.returned = slices.DeleteFunc(n.returned, func(r returned) bool { return r.front == number })
	for _, p := range n.peers {
		if p.open {
			n.sayClosed(p, number)
		}
	}
	if len(n.fronts) == 0 {
		n.announce()
	}
}

// sayClosed tells a peer, after all inputs of the front, that it was closed. If the message
// is lost, the peer's worker asks for the connections of the front, and is told again.
func (n *Node) sayClosed(p *peer, number uint64) {
	p.queue.putFinal(message{kind: frameFrontClosed, head: appendUint(nil, fieldFront, number)})
	n.wakeIfDue(p)
}

// Send sends an input of a front. If local is true, the caller has to pass it to the
// worker of this Node. The errors are layer.ErrFull and layer.ErrNoOwner.
func (n *Node) Send(now time.Time, number uint64, in *layer.Input) (local bool, err error) {
	n.now = now
	p, local := n.route(in.Room)
	switch {
	case local:
		return true, nil
	case p == nil, n.deaf && in.Kind != event.InputLeave: // the caller doesn't repeat a Leave that is refused
		return false, layer.ErrNoOwner
	}
	return false, n.sendTo(p, number, in)
}

// route returns the peer whose worker runs a room, or nil if there is none that can be
// reached. local reports that it is the worker of this Node.
func (n *Node) route(room string) (p *peer, local bool) {
	if !n.settled {
		return nil, false
	}
	owner, found := n.view.owner(n.config.Channel(room), room)
	if found && owner == n.config.ID {
		return nil, true
	}
	if p = n.find(owner); !found || p == nil || !p.open {
		return nil, false
	}
	return p, false
}

func (n *Node) sendTo(p *peer, number uint64, in *layer.Input) error {
	m := encodeInput(number, in)
	if in.Kind != event.InputLeave && p.queue.fullOfInputs(&m) { // a Leave must not be lost, and has no data
		return layer.ErrFull
	}
	n.put(p, m)
	return nil
}

func (n *Node) put(p *peer, m message) {
	p.queue.put(m)
	if n.sends(p) {
		n.wake(p)
	}
}

// SendAll sends an input of a front to each worker that can be reached. If local is
// true, the caller has to pass it to the worker of this Node, which is one of them. The
// errors are those of Send. If it returns one, nothing was sent.
func (n *Node) SendAll(now time.Time, number uint64, in *layer.Input) (workers int, local bool, err error) {
	n.now = now
	if !n.settled {
		return 0, false, layer.ErrNoOwner
	}
	var peers []*peer
	for _, w := range n.view.workers {
		if w.id == n.config.ID {
			local = true
			continue
		}
		p := n.find(w.id)
		switch {
		case p == nil || !p.open || n.deaf:
		case p.queue.inputs >= mostInputs:
			return 0, false, layer.ErrFull
		default:
			peers = append(peers, p)
		}
	}
	for _, p := range peers {
		n.put(p, encodeInput(number, in))
	}
	workers = len(peers)
	if local {
		workers++
	}
	if workers == 0 {
		return 0, false, layer.ErrNoOwner
	}
	return workers, local, nil
}
