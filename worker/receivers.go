package worker

import (
	"slices"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// receivers holds the receivers of a room's outputs.
type receivers struct {
	// known holds the connections and the programs that watch, from their Join or Watch
	// until they leave.
	known map[event.ConnID]receiver
	// fronts holds the fronts that have connections in the room, in the order in which
	// these joined. A broadcast is sent to each of them once.
	fronts []frontConns
	// requests holds the programs that wait for a response. It is nil if there are none.
	requests map[event.ConnID]requester
	// unknown holds the fronts of unknown connections that sent a message, for the Rejoin
	// that answers it in the same turn. It is nil if there are none.
	unknown map[event.ConnID]layer.Address
}

type receiver struct {
	front   layer.Address
	watches bool // a program that watches, not a connection
	closed  bool // a connection that was sent a Close and has not left yet
	asked   bool // frontLost has sent it a Rejoin, which is not answered yet
}

type frontConns struct {
	front layer.Address
	conns int // how many connections the front has in the room, at least 1
}

type requester struct {
	front     layer.Address
	responses int // how many responses it waits for
}

func (r *receivers) join(conn event.ConnID, front layer.Address) {
	r.remove(conn)
	r.known[conn] = receiver{front: front}
	if i := r.index(front); i >= 0 {
		r.fronts[i].conns++
	} else {
		r.fronts = append(r.fronts, frontConns{front, 1})
	}
}

func (r *receivers) watch(conn event.ConnID, front layer.Address) {
	r.remove(conn)
	r.known[conn] = receiver{front: front, watches: true}
}

// leave removes a connection, or a program with all responses that it waits for.
func (r *receivers) leave(conn event.ConnID) {
	r.remove(conn)
	delete(r.requests, conn)
}

func (r *receivers) remove(conn event.ConnID) {
	old, found := r.known[conn]
	if !found {
		return
	}
	delete(r.known, conn)
	if old.watches {
		return
	}
	i := r.index(old.front)
	if r.fronts[i].conns--; r.fronts[i].conns == 0 {
		r.fronts = slices.Delete(r.fronts, i, i+1)
	}
}

func (r *receivers) index(front layer.Address) int {
	return slices.IndexFunc(r.fronts, func(f frontConns) bool { return f.front == front })
}

// request records that a program waits for one more response.
func (r *receivers) request(conn event.ConnID, front layer.Address) {
	if r.requests == nil {
		r.requests = make(map[event.ConnID]requester)
	}
	r.requests[conn] = requester{front, r.requests[conn].responses + 1}
}

// expectRejoin records the front that the Rejoin for conn must be sent to, if conn is
// not known.
func (r *receivers) expectRejoin(conn event.ConnID, front layer.Address) {
	if _, found := r.known[conn]; found {
		return
	}
	if r.unknown == nil {
		r.unknown = make(map[event.ConnID]layer.Address)
	}
	r.unknown[conn] = front
}

// frontOf returns the front of the receiver of o, and reports whether there is one. If
// o is a response, frontOf counts it as delivered.
func (r *receivers) frontOf(o *event.Output) (front layer.Address, found bool) {
	if q, waits := r.requests[o.To]; waits && o.Kind == event.OutputResponse {
		if q.responses--; q.responses > 0 {
			r.requests[o.To] = q
		} else {
			delete(r.requests, o.To)
		}
		return q.front, true
	}
	if known, found := r.known[o.To]; found {
		return known.front, true
	}
	front, found = r.unknown[o.To]
	return front, found && o.Kind == event.OutputRejoin
}

// at returns the connections and watchers at a front, in order.
func (r *receivers) at(front layer.Address) (conns []event.ConnID) {
	for conn, to := range r.known {
		if to.front == front {
			conns = append(conns, conn)
		}
	}
	slices.Sort(conns)
	return conns
}

// all returns the connections and watchers that were not closed, in order.
func (r *receivers) all() (conns []event.ConnID) {
	for conn, to := range r.known {
		if !to.closed {
			conns = append(conns, conn)
		}
	}
	slices.Sort(conns)
	return conns
}

// close records that receivers were sent a Close. It removes watchers, because a
// program doesn't send a Leave after a Close.
func (r *receivers) close(conns []event.ConnID) {
	for _, conn := range conns {
		switch to, found := r.known[conn]; {
		case !found: // it has left
		case to.watches:
			r.leave(conn)
		default:
			to.closed = true
			r.known[conn] = to
		}
	}
}

// ask records that receivers were sent a Rejoin.
func (r *receivers) ask(conns []event.ConnID) {
	for _, conn := range conns {
		to := r.known[conn]
		to.asked = true
		r.known[conn] = to
	}
}

// asked returns the receivers that have not answered a Rejoin, in order.
func (r *receivers) asked() (conns []event.ConnID) {
	for conn, to := range r.known {
		if to.asked {
			conns = append(conns, conn)
		}
	}
	slices.Sort(conns)
	return conns
}

// clear removes all but the programs that wait for a response.
func (r *receivers) clear() {
	clear(r.known)
	r.fronts = nil
}
