package room

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// takeRequest applies an input of a program to the model.
func (w *world) takeRequest(t *rapid.T, in event.Input) {
	var refused event.Cause
	if in.Kind == event.InputLeave {
		delete(w.watching, in.Conn)
		delete(w.owed, in.Conn)
		return
	}
	switch in.Request.Kind {
	case event.RequestAccess, event.RequestExpel, event.RequestBroadcast:
		w.takeControl(in.Request)
		return
	case event.RequestWatch:
		w.watching[in.Conn] = true
	case event.RequestApply:
		clock := blocks.ClockOf(w.doc.StateVector(), in.Request.Client)
		switch {
		case in.Request.Client != 0 && clock != in.Request.Clock:
			refused = event.CauseStale
		case bytes.Equal(in.Request.Update, []byte{0xff}):
			refused = event.CauseMalformed
		default:
			if _, err := w.doc.Apply(in.Request.Update, blocks.V1); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.owed[in.Conn] = append(w.owed[in.Conn], refused)
}

// answered checks a response to a program. Refusals precede the other responses of a
// turn.
func (w *world) answered(t *rapid.T, o event.Output) {
	a := o.Response
	if o.To == controller {
		if len(w.counts) == 0 || a.Count != w.counts[0] {
			t.Fatalf("a request was for %d connections, want %v", a.Count, w.counts)
		}
		w.counts = w.counts[1:]
		return
	}
	owed := w.owed[o.To]
	i := slices.Index(owed, a.Refusal.Cause)
	if i >= 0 {
		w.owed[o.To] = slices.Delete(owed, i, i+1)
	} else if !w.watching[o.To] || a.Whole {
		t.Fatalf("connection %d received the response %+v, want %v", o.To, a, owed)
	}
	if doc := w.told[o.To]; doc != nil {
		if a.Mark.Seq < w.at[o.To].Seq || a.Update == nil && a.Mark != w.at[o.To] {
			t.Fatalf("connection %d is at %v and was answered %+v", o.To, w.at[o.To], a)
		}
		w.at[o.To] = a.Mark
		if a.Update == nil {
			return
		}
		if _, err := doc.Apply(a.Update, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	if o.To == asker {
		w.checkAnswer(t, *a)
	}
}

// checkAnswer checks the response to a query.
func (w *world) checkAnswer(t *rapid.T, a event.Response) {
	if !same(t, w.told[asker], w.room.blocks) || !bytes.Equal(a.Vector, w.room.blocks.StateVector()) {
		t.Fatal("the responses to queries result in another document")
	}
	members := make(map[event.ConnID]event.Member)
	for _, m := range a.Members {
		members[m.ID] = m
	}
	joined := make(map[event.ConnID]event.Member)
	for conn, p := range w.joined {
		joined[conn] = event.Member{ID: conn, User: p.user, Access: p.access}
	}
	if diff := cmp.Diff(joined, members); diff != "" || a.Summary.Conns != len(joined) {
		t.Fatalf("%d members (-want +got)\n%s", a.Summary.Conns, diff)
	}
	states := make(map[uint64]shown)
	for _, s := range a.States {
		states[s.Client] = shown{s.Clock, string(s.JSON), event.ConnID(s.Conn), s.Renewed}
	}
	if diff := cmp.Diff(w.present, states, cmp.AllowUnexported(shown{})); diff != "" || a.Summary.Clients != len(states) {
		t.Fatalf("%d clients (-want +got)\n%s", a.Summary.Clients, diff)
	}
}

// take applies an input to the model.
func (w *world) take(t *rapid.T, in event.Input, unknown map[event.ConnID]bool) {
	if in.Conn >= asker {
		w.takeRequest(t, in)
		return
	}
	if in.Kind == event.InputJoin {
		w.takeJoin(in)
		return
	}
	p := w.joined[in.Conn]
	if p == nil {
		switch in.Kind {
		case event.InputMessage, event.InputResync, event.InputAccess:
			unknown[in.Conn] = true
		case event.InputLeave:
			delete(w.banned, in.Conn)
			w.know(in.Conn, gone)
		}
		return
	}
	bad := bytes.Equal(in.Message.Data, []byte{0xff})
	switch {
	case in.Kind == event.InputLeave:
		w.remove(in.Conn)
		w.know(in.Conn, gone)
		return
	case in.Kind == event.InputAccess:
		if in.AccessSeq >= p.accessSeq {
			w.give(in.Conn, p, in.Access)
		}
		w.know(in.Conn, in.AccessSeq)
		return
	case in.Kind == event.InputSilent:
		w.yield(in.Conn)
		return
	case in.Kind != event.InputMessage:
		return
	}
	switch in.Message.Type {
	case protocol.SyncStep1:
		bad = bad && !p.answered
		if p.acks {
			p.uncounted, p.begun, p.replied = in.Message.Data, true, false
		}
		w.takeSyncStep1(t, in, p, bad)
		p.answered = true
		p.shown = true
	case protocol.SyncStep2, protocol.Update:
		bad = w.takeUpdate(t, in, p, bad)
	case protocol.Awareness:
		bad = bad && p.access.May(event.AccessPresent)
		if p.access.May(event.AccessPresent) && !bad {
			w.takeAwareness(in, p)
		}
	}
	if bad {
		w.due[question{in.Conn, protocol.Close}]++
		w.remove(in.Conn)
	}
}

// takeUpdate applies an update to the model, and reports whether it ends its connection.
func (w *world) takeUpdate(t *rapid.T, in event.Input, p *peer, bad bool) (ends bool) {
	typ := protocol.Ack
	if in.Message.Type == protocol.SyncStep2 {
		if p.replied {
			typ = protocol.Uncounted
		}
		p.uncounted, p.replied = nil, p.begun
	}
	if made, err := blocks.Made(p.uncounted, in.Message.Data, w.encOf(in.Conn)); p.uncounted != nil && made && err == nil {
		typ = protocol.Uncounted
	}
	switch {
	case !p.access.May(event.AccessWrite):
		if held, err := w.doc.Contains(in.Message.Data, w.encOf(in.Conn)); bad || err != nil || !held {
			typ = protocol.Reject
		}
	case bad:
		return true
	default:
		before := w.doc.Pending()
		if _, err := w.doc.Apply(in.Message.Data, w.encOf(in.Conn)); err != nil {
			t.Fatal(err)
		}
		p.noted = p.noted || p.shown && in.Message.Type == protocol.Update && w.doc.Pending() > before
	}
	if p.acks {
		w.due[question{in.Conn, typ}]++
	}
	return false
}

func (w *world) takeAwareness(in event.Input, p *peer) {
	id, clock, state := uint64(in.Message.Data[1]), uint64(in.Message.Data[2]), string(in.Message.Data[4:])
	if w.own[in.Conn] == 0 {
		w.own[in.Conn] = in.Client
	}
	own := w.own[in.Conn]
	if w.holders[own] == in.Conn {
		delete(w.claims, own)
	}
	s, held := w.present[id]
	holder, taken := w.holders[id]
	taken = taken && holder != in.Conn && (held || w.several[holder]) && (p.user == "" || p.user != w.joined[holder].user)
	lowest := s.clock + 1
	g, removed := w.gone[id]
	removed = removed && w.now.Sub(g.renewed) < 30*time.Second
	if removed {
		lowest = g.clock + 1
		if w.removed[id] <= p.since {
			lowest = g.clock
		}
	}
	again := held && id == own && s.owner != in.Conn && clock == s.clock && state == s.state
	switch claim := (shown{clock, state, in.Conn, w.now}); {
	case state == "null":
		if w.claims[id].owner == in.Conn {
			delete(w.claims, id)
		}
		if held && s.owner == in.Conn && clock >= s.clock {
			w.several[in.Conn] = w.several[in.Conn] || id == own
			s.clock = clock
			w.present[id] = s
			w.lose(w.now, func(x uint64, _ shown) bool { return x == id })
		}
	case taken && clock >= lowest && id == own:
		w.claim(id, claim)
	case !taken && (clock >= lowest || again):
		if removed && id == own && clock == g.clock {
			w.returned[id] = claim
		}
		w.show(id, claim)
	}
}

// show sets a state.
func (w *world) show(id uint64, s shown) {
	if w.own[s.owner] == id {
		if before, held := w.present[id]; held && before.owner == s.owner {
			w.several[s.owner] = true
		}
		if w.holders[id] != s.owner {
			delete(w.claims, id)
		}
		w.holders[id] = s.owner
	}
	w.present[id] = s
	delete(w.gone, id)
}

// recall decides which connections are asked for a new state, because those that have
// seen the removal of their state refuse its clock.
func (w *world) recall() {
	for id, r := range w.returned {
		if s, present := w.present[id]; present && s.owner == r.owner && s.clock == r.clock {
			w.due[question{s.owner, recalled}]++
			if w.joined[s.owner].acks {
				w.due[question{s.owner, protocol.QueryAwareness}]++
			}
		}
	}
	clear(w.returned)
}

func (w *world) claim(id uint64, s shown) {
	before, found := w.claims[id]
	switch {
	case !found || w.stale(before):
		w.claims[id] = s
		w.probes[w.holders[id]]++
	case before.owner == s.owner:
		s.renewed = before.renewed
		w.claims[id] = s
	}
}

func (w *world) stale(claim shown) bool { return w.now.Sub(claim.renewed) >= 10*time.Second }

// yield passes the client id of a connection to the one that has claimed it.
func (w *world) yield(conn event.ConnID) {
	id := w.own[conn]
	c, claimed := w.claims[id]
	if !claimed || w.holders[id] != conn {
		return
	}
	delete(w.claims, id)
	if !w.stale(c) {
		w.show(id, shown{c.clock, c.state, c.owner, w.now})
	}
}

func (w *world) remove(conn event.ConnID) {
	delete(w.joined, conn)
	w.hide(conn)
}

// hide removes what a connection shows.
func (w *world) hide(conn event.ConnID) {
	own := w.own[conn]
	w.yield(conn)
	if w.claims[own].owner == conn {
		delete(w.claims, own)
	}
	if w.holders[own] == conn {
		delete(w.holders, own)
		delete(w.claims, own)
	}
	delete(w.own, conn)
	delete(w.several, conn)
	w.lose(w.now, func(_ uint64, s shown) bool { return s.owner == conn })
}

// lose removes the awareness states for which which returns true.
func (w *world) lose(at time.Time, which func(uint64, shown) bool) {
	count := w.removes
	for id, s := range w.present {
		if which(id, s) {
			delete(w.present, id)
			w.removes++
			s.renewed = at
			w.gone[id], w.removed[id] = s, count+1
		}
	}
}
