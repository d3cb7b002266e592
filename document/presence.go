package document

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Presence is what the clients in a room see of a program that edits. It is shown in
// editors whose awareness states are {"user":{"name":…,"color":…}}.
type Presence struct {
	Name  string `json:"name"`
	Color string `json:"color,omitempty"` // as in CSS: "#ffa500"
}

const (
	presenceInterval = 10 * time.Second // how often the state is sent while an edit is in progress; states expire after 30 s
	presenceLinger   = 3 * time.Second  // how long the presence is shown after the edit
	presenceTimeout  = time.Second      // how long a room that is full is waited for
)

// state returns the awareness state.
func (p Presence) state() (string, error) {
	state, err := json.Marshal(struct {
		User Presence `json:"user"`
	}{p})
	return string(state), err
}

// presence is a connection to a room that an editor has while it edits. It sends one
// awareness state, with the client id of the edits.
type presence struct {
	client uint64
	clock  uint64        // of the awareness state; the editor may read it once ended is closed
	states chan string   // the state to show; empty when the edit has ended
	ended  chan struct{} // closed when the connection has left
	rejoin chan struct{} // holds one value if the room may not know the connection
	closed chan struct{} // holds one value if the room has closed the connection, or a program has changed its access
}

// present shows an awareness state until hide is called, and for a while after it.
func (d *Document) present(ctx context.Context, e *editor, state string) (hide func()) {
	show := func(state string) bool {
		select {
		case e.presence.states <- state:
			return true
		case <-e.presence.ended:
			return false
		}
	}
	if e.presence == nil || e.presence.client != e.client || !show(state) {
		p := &presence{
			client: e.client,
			states: make(chan string),
			ended:  make(chan struct{}),
			rejoin: make(chan struct{}, 1),
			closed: make(chan struct{}, 1),
		}
		if old := e.presence; old != nil && old.client == e.client {
			p.clock = old.clock
		}
		if !d.documents.begin(func() { d.show(context.WithoutCancel(ctx), p, state) }) {
			return func() {}
		}
		e.presence = p
	}
	return func() { show("") }
}

// deliver handles an output of the room to the connection.
func (p *presence) deliver(out event.Output) {
	switch {
	case out.Kind == event.OutputRejoin:
		put(p.rejoin, struct{}{})
	case out.Kind == event.OutputMessage && out.Message.Type == protocol.Close, out.Kind == event.OutputAccess:
		put(p.closed, struct{}{})
	}
}

// show joins the room, sends the state and renews it, and leaves a while after the
// edit. It returns no error, because an edit doesn't depend on its presence.
func (d *Document) show(ctx context.Context, p *presence, state string) {
	defer close(p.ended)
	ds := d.documents
	conn := ds.register(receiver{room: d.room, deliver: p.deliver, lost: func() { put(p.rejoin, struct{}{}) }})
	defer ds.unregister(conn)
	send := func(in event.Input) {
		ctx, cancel := context.WithTimeout(ctx, presenceTimeout)
		defer cancel()
		in.Conn = conn
		_ = ds.send(ctx, d.room, in)
	}
	say := func() {
		p.clock++
		send(event.Input{Kind: event.InputMessage, Message: protocol.Message{Type: protocol.Awareness, Data: awarenessUpdate(p.client, p.clock, state)}})
	}
	join := func() { // with a greeting that sends no document
		send(event.Input{Kind: event.InputJoin, Access: event.AccessPresent, Greeting: event.GreetingClient})
		say()
	}
	join()
	defer ds.leave(ctx, d.room, conn)
	renew := time.NewTicker(presenceInterval)
	defer renew.Stop()
	var linger <-chan time.Time // nil while the edit is in progress
	for {
		select {
		case next := <-p.states:
			if next == "" {
				linger = time.After(presenceLinger)
				continue
			}
			linger, state = nil, next
			say()
		case <-p.rejoin:
			join()
		case <-renew.C:
			say()
		case <-linger:
			return
		case <-p.closed:
			return
		case <-ds.draining:
			return
		}
	}
}

// awarenessUpdate returns the awareness update of one client: the number of
// clients, and for each its id, its clock and its state.
func awarenessUpdate(client, clock uint64, state string) []byte {
	b := binary.AppendUvarint([]byte{1}, client)
	b = binary.AppendUvarint(b, clock)
	b = binary.AppendUvarint(b, uint64(len(state)))
	return append(b, state...)
}
