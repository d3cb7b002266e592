package room

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// TestModel compares a room with a simple model on random inputs. After each turn, the
// room and its log must hold the document of the model, and so must every connection
// that took all its outputs.
func TestModel(t *testing.T) { checkModel(t, blocks.V1) }

func TestModelV2(t *testing.T) { checkModel(t, blocks.V2) }

func checkModel(t *testing.T, enc blocks.Encoding) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, enc)
		actions := map[string]func(*rapid.T){
			"nothing":   func(*rapid.T) {},
			"edit":      w.edit,
			"delete":    w.delete,
			"join":      w.join,
			"rejoin":    w.rejoin,
			"leave":     w.leave,
			"send":      w.send,
			"sync":      w.sync,
			"awareness": w.awareness,
			"silent":    w.silent,
			"query":     w.query,
			"bad":       w.bad,
			"stall":     w.stall,
			"resync":    w.resync,
			"wait":      w.wait,
			"ask":       w.ask,
			"apply":     w.apply,
			"watch":     w.watch,
			"unwatch":   w.unwatch,
		}
		for range 150 {
			actions[anyAction.Draw(t, "action")](t)
			if rapid.Bool().Draw(t, "turn") {
				w.turn(t)
			}
		}
		w.turn(t)
	})
}

// anyAction draws actions that add something more often than those that remove
// something. To simplify a failure, rapid replaces actions by the first one.
var anyAction = rapid.SampledFrom([]string{
	"nothing", "edit", "edit", "send", "send", "send", "send", "delete", "join", "sync", "sync", "awareness", "awareness",
	"awareness", "silent", "query", "stall", "resync", "resync", "rejoin", "leave", "bad", "wait",
	"ask", "apply", "apply", "watch", "unwatch",
})

// world is a room, its model, and the other ends of its connections.
type world struct {
	room *Room
	enc  blocks.Encoding // of the room
	ins  []event.Input   // of the next turn
	now  time.Time

	clocks  [4]uint64 // the next clock of each client
	edits   [][]byte  // all updates that were ever written, in enc
	doc     *blocks.Store
	log     *blocks.Store
	docs    map[event.ConnID]*blocks.Store // what each client wrote or received; kept when the client leaves
	joined  map[event.ConnID]*peer
	present map[uint64]shown // the awareness states, by client id
	gone    map[uint64]shown // the states removed in the last 30 seconds; renewed is the time of the removal
	removed map[uint64]int   // by client id: the value of removes after the last removal
	removes int              // the number of removals so far

	own     map[event.ConnID]uint64 // the client id that a connection has for itself
	several map[event.ConnID]bool   // the connections that have sent several states of it
	holders map[uint64]event.ConnID // by client id
	claims  map[uint64]shown        // by client id; the owner is the claimant, and renewed the time of its first claim
	probes  map[event.ConnID]int    // the probes that this turn must send
	due     map[question]int        // the Acks, Rejects and SyncStep1 that are due in this turn

	// The programs that send requests: asker, writer and two watchers.
	told     map[event.ConnID]*blocks.Store // the content of their responses
	at       map[event.ConnID]event.Mark    // the Mark of the newest response
	watching map[event.ConnID]bool
	owed     map[event.ConnID][]event.Cause // the refusals that the responses due must have
}

// The ids of the programs. The second watcher has the id watcher + 1.
const (
	asker event.ConnID = 11 + iota
	writer
	watcher
)

// peer is the other end of a connection.
type peer struct {
	access   event.Access
	acks     bool
	user     string
	greeting event.Greeting
	answered bool // in this turn
	enc      blocks.Encoding
	doc      *blocks.Store
	based    bool // it received a SyncStep2 or the answer to a Resync
	behind   bool // it doesn't receive the broadcasts
	mark     event.Mark
	vectors  []event.Output // the outputs with a state vector
	shown    bool           // it received the awareness states
	since    int            // the value of removes when it joined
	present  map[uint64]shown
}

type shown struct {
	clock   uint64
	state   string
	owner   event.ConnID
	renewed time.Time
}

func newWorld(t *rapid.T, enc blocks.Encoding) *world {
	docs := make(map[event.ConnID]*blocks.Store)
	for conn := event.ConnID(1); conn <= 3; conn++ {
		docs[conn] = blocks.New()
	}
	room := New(Config{Encoding: enc})
	room.saveEvery = 30
	w := &world{
		docs:    docs,
		room:    room,
		enc:     enc,
		now:     time.Unix(0, 0),
		doc:     blocks.New(),
		log:     blocks.New(),
		joined:  make(map[event.ConnID]*peer),
		present: make(map[uint64]shown),
		gone:    make(map[uint64]shown),
		removed: make(map[uint64]int),
		own:     make(map[event.ConnID]uint64),
		several: make(map[event.ConnID]bool),
		holders: make(map[uint64]event.ConnID),
		claims:  make(map[uint64]shown),
		probes:  make(map[event.ConnID]int),
		due:     make(map[question]int),

		told:     map[event.ConnID]*blocks.Store{asker: blocks.New(), watcher: blocks.New(), watcher + 1: blocks.New()},
		at:       make(map[event.ConnID]event.Mark),
		watching: make(map[event.ConnID]bool),
		owed:     make(map[event.ConnID][]event.Cause),
	}
	stored := testkit.Typed(9, 0, "stored")
	if err := room.Load(stored, blocks.V1); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*blocks.Store{w.doc, w.log} {
		if _, err := s.Apply(stored, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

var anyConn = rapid.Uint64Range(1, 3)

func (w *world) input(in event.Input) { w.ins = append(w.ins, in) }

func (w *world) message(conn event.ConnID, typ protocol.Type, data []byte) {
	w.input(message(conn, typ, data))
}

// edit makes an update without sending it.
func (w *world) edit(t *rapid.T) {
	i := rapid.IntRange(0, len(w.clocks)-1).Draw(t, "client")
	text := strings.Repeat("x", rapid.SampledFrom([]int{1, 2, 3}).Draw(t, "length"))
	w.edits = append(w.edits, recoded(w.enc, testkit.Typed(uint64(i+1), w.clocks[i], text)))
	w.clocks[i] += uint64(len(text))
}

func (w *world) delete(t *rapid.T) {
	i := rapid.IntRange(0, len(w.clocks)-1).Draw(t, "client")
	if w.clocks[i] == 0 {
		return
	}
	clock := rapid.Uint64Range(0, w.clocks[i]-1).Draw(t, "clock")
	b := []byte{0, 1, byte(i + 1), 1}
	b = lib0.AppendUint(b, clock)
	b = lib0.AppendUint(b, rapid.Uint64Range(1, min(3, w.clocks[i]-clock)).Draw(t, "length"))
	w.edits = append(w.edits, recoded(w.enc, b))
}

func (w *world) join(t *rapid.T) {
	w.input(event.Input{
		Kind:     event.InputJoin,
		Conn:     event.ConnID(anyConn.Draw(t, "conn")),
		Access:   rapid.SampledFrom([]event.Access{event.AccessRead, event.AccessWrite, event.AccessPresent, event.AccessWrite | event.AccessPresent}).Draw(t, "access"),
		Greeting: rapid.SampledFrom([]event.Greeting{event.GreetingServer, event.GreetingClient}).Draw(t, "greeting"),
		User:     rapid.SampledFrom([]string{"", "", "ada"}).Draw(t, "user"),
		Acks:     rapid.Bool().Draw(t, "acks"),
	})
}

// rejoin joins again with the state that the connection has, as after an outage of the
// layer.
func (w *world) rejoin(t *rapid.T) {
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	in := event.Input{Kind: event.InputJoin, Conn: conn, Greeting: event.GreetingRejoin, Access: event.AccessWrite | event.AccessPresent}
	if p := w.joined[conn]; p != nil {
		in.Access, in.Acks, in.User, in.Mark, in.Vector = p.access, p.acks, p.user, p.mark, p.vectorBefore(p.mark)
		if rapid.Bool().Draw(t, "other epoch") {
			in.Mark.Epoch++
		}
	}
	w.input(in)
}

func (w *world) leave(t *rapid.T) {
	w.input(event.Input{Kind: event.InputLeave, Conn: event.ConnID(anyConn.Draw(t, "conn"))})
}

// send sends a random edit, perhaps again, and perhaps before one that it depends on.
func (w *world) send(t *rapid.T) {
	if len(w.edits) == 0 {
		return
	}
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	data := w.edits[rapid.IntRange(0, len(w.edits)-1).Draw(t, "edit")]
	w.message(conn, rapid.SampledFrom([]protocol.Type{protocol.Update, protocol.SyncStep2}).Draw(t, "type"), data)
	if _, err := w.docs[conn].Apply(data, w.enc); err != nil {
		t.Fatal(err)
	}
}

func (w *world) sync(t *rapid.T) {
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	w.message(conn, protocol.SyncStep1, w.docs[conn].StateVector())
}

func (w *world) awareness(t *rapid.T) {
	id, clock := rapid.Uint64Range(1, 4).Draw(t, "id"), rapid.Uint64Range(0, 6).Draw(t, "clock")
	state := rapid.SampledFrom([]string{"null", `"a"`, `"b"`}).Draw(t, "state")
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	w.message(conn, protocol.Awareness, testkit.Present(id, clock, state))
	w.ins[len(w.ins)-1].Client = rapid.SampledFrom([]uint64{0, 1 + uint64(conn)/3}).Draw(t, "own") // two connections have the same
}

func (w *world) silent(t *rapid.T) {
	w.input(event.Input{Kind: event.InputSilent, Conn: event.ConnID(anyConn.Draw(t, "conn"))})
}

func (w *world) query(t *rapid.T) {
	w.message(event.ConnID(anyConn.Draw(t, "conn")), protocol.QueryAwareness, nil)
}

func (w *world) bad(t *rapid.T) {
	typ := rapid.SampledFrom([]protocol.Type{
		protocol.SyncStep1, protocol.SyncStep2, protocol.Update, protocol.Awareness,
	}).Draw(t, "type")
	w.message(event.ConnID(anyConn.Draw(t, "conn")), typ, []byte{0xff})
}

// stall makes a connection miss broadcasts from now on.
func (w *world) stall(t *rapid.T) {
	if p := w.joined[event.ConnID(anyConn.Draw(t, "conn"))]; p != nil {
		p.behind = true
	}
}

func (w *world) resync(t *rapid.T) {
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	if p := w.joined[conn]; p != nil {
		in := event.Input{Kind: event.InputResync, Conn: conn, Mark: p.mark, Vector: p.vectorBefore(p.mark)}
		if rapid.Bool().Draw(t, "other epoch") {
			in.Mark.Epoch++ // an epoch that the room doesn't know, so that only the state vector counts
		}
		w.input(in)
	}
}

func (w *world) wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second)
}

// ask queries the room for what is new since the last response.
func (w *world) ask(*rapid.T) {
	w.input(event.Input{Kind: event.InputRequest, Conn: asker, Request: &event.Request{Kind: event.RequestQuery, Since: w.at[asker]}})
}

// watch starts a watch of the room, or starts it again, from its last response.
func (w *world) watch(t *rapid.T) {
	conn := watcher + event.ConnID(rapid.IntRange(0, 1).Draw(t, "watcher"))
	w.input(event.Input{Kind: event.InputRequest, Conn: conn, Request: &event.Request{Kind: event.RequestWatch, Since: w.at[conn]}})
}

func (w *world) unwatch(t *rapid.T) {
	w.input(event.Input{Kind: event.InputLeave, Conn: watcher + event.ConnID(rapid.IntRange(0, 1).Draw(t, "watcher"))})
}

// apply requests an apply, perhaps with a guard, and perhaps of a malformed update.
func (w *world) apply(t *rapid.T) {
	ask := &event.Request{Kind: event.RequestApply, Update: []byte{0xff}}
	if len(w.edits) > 0 && !rapid.Bool().Draw(t, "bad") {
		var err error
		edit := w.edits[rapid.IntRange(0, len(w.edits)-1).Draw(t, "edit")]
		if ask.Update, err = blocks.Convert(w.enc, blocks.V1, edit); err != nil {
			t.Fatal(err)
		}
	}
	if rapid.Bool().Draw(t, "guarded") {
		ask.Client, ask.Clock = rapid.Uint64Range(1, 5).Draw(t, "client"), rapid.Uint64Range(0, 3).Draw(t, "clock")
	}
	w.input(event.Input{Kind: event.InputRequest, Conn: writer, Request: ask})
}

// takeRequest applies an input of a program to the model.
func (w *world) takeRequest(t *rapid.T, in event.Input) {
	var refused event.Cause
	if in.Kind == event.InputLeave {
		delete(w.watching, in.Conn)
		delete(w.owed, in.Conn)
		return
	}
	switch in.Request.Kind {
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
	members := make(map[event.ConnID]event.Access)
	for _, m := range a.Members {
		members[m.ID] = m.Access
	}
	joined := make(map[event.ConnID]event.Access)
	for conn, p := range w.joined {
		joined[conn] = p.access
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

// turn runs a turn of the room and of the model.
func (w *world) turn(t *rapid.T) {
	closed := make(map[event.ConnID]int)
	for _, p := range w.joined {
		p.answered = false
	}
	unknown := make(map[event.ConnID]bool)
	for _, in := range w.ins {
		w.take(t, in, closed, unknown)
	}
	old := func(_ uint64, s shown) bool { return w.now.Sub(s.renewed) >= 30*time.Second }
	maps.DeleteFunc(w.gone, old)
	w.lose(w.now, old)
	before := w.room.seq
	effects := w.room.Step(w.now, w.ins)
	w.ins = nil

	if effects.Update != nil {
		if _, err := w.log.Apply(effects.Update, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	if (effects.Update != nil) != (w.room.seq == before+1) {
		t.Fatalf("update %v, sequence %d after %d", effects.Update != nil, w.room.seq, before)
	}
	for _, o := range effects.Durable {
		q := question{o.To, o.Message.Type}
		switch q.typ {
		case protocol.Ack, protocol.Reject:
			w.due[q] -= o.Message.Count
		case protocol.SyncStep1:
			w.due[q]--
		}
	}
	for q, n := range w.due {
		if n != 0 {
			t.Fatalf("connection %d received %d fewer messages of type %d than expected", q.conn, n, q.typ)
		}
	}
	for _, o := range append(effects.Now, effects.Durable...) {
		if o.Response != nil {
			w.answered(t, o)
			continue
		}
		if o.Kind == event.OutputRejoin {
			if !unknown[o.To] {
				t.Fatalf("connection %d was sent a Rejoin, although the room knows it", o.To)
			}
			delete(unknown, o.To)
			continue
		}
		if o.Kind == event.OutputProbe {
			w.probes[o.To]--
			continue
		}
		if o.Message.Type == protocol.Close {
			closed[o.To]--
			continue
		}
		for conn, p := range w.joined {
			if o.To == event.Everyone || o.To == conn {
				p.receive(t, o)
			}
		}
	}
	for conn, n := range closed {
		if n != 0 {
			t.Fatalf("connection %d was closed %d times less than expected", conn, n)
		}
	}
	for conn, n := range w.probes {
		if n != 0 {
			t.Fatalf("connection %d was probed %d times less than expected", conn, n)
		}
	}
	if len(unknown) > 0 {
		t.Fatalf("%v are not in the room and were not sent a Rejoin", unknown)
	}
	for conn, owed := range w.owed {
		if len(owed) > 0 {
			t.Fatalf("connection %d was not answered: %v", conn, owed)
		}
	}
	w.check(t)
}

// take applies an input to the model.
func (w *world) take(t *rapid.T, in event.Input, closed map[event.ConnID]int, unknown map[event.ConnID]bool) {
	if in.Conn >= asker {
		w.takeRequest(t, in)
		return
	}
	if in.Kind == event.InputJoin {
		joined := &peer{
			access:   in.Access,
			acks:     in.Acks,
			user:     in.User,
			greeting: in.Greeting,
			enc:      w.enc,
			doc:      w.docs[in.Conn],
			shown:    in.Greeting != event.GreetingClient,
			since:    w.removes,
			present:  make(map[uint64]shown),
		}
		if before := w.joined[in.Conn]; in.Greeting == event.GreetingRejoin && before != nil {
			joined.since = before.since
			joined.mark, joined.vectors = before.mark, before.vectors
		}
		w.joined[in.Conn] = joined
		if in.Greeting != event.GreetingClient {
			w.due[question{in.Conn, protocol.SyncStep1}]++
		}
	}
	p := w.joined[in.Conn]
	if p == nil {
		if in.Kind == event.InputMessage || in.Kind == event.InputResync {
			unknown[in.Conn] = true
		}
		return
	}
	bad := bytes.Equal(in.Message.Data, []byte{0xff})
	switch {
	case in.Kind == event.InputLeave:
		w.remove(in)
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
		if !p.answered && (p.acks || !p.shown && !bad) {
			w.due[question{in.Conn, protocol.SyncStep1}]++
		}
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
		closed[in.Conn]++
		w.remove(in)
	}
}

// takeUpdate applies an update to the model, and reports whether it ends its connection.
func (w *world) takeUpdate(t *rapid.T, in event.Input, p *peer, bad bool) (ends bool) {
	typ := protocol.Ack
	switch {
	case !p.access.May(event.AccessWrite):
		if held, err := w.doc.Contains(in.Message.Data, w.enc); bad || err != nil || !held {
			typ = protocol.Reject
		}
	case bad:
		return true
	default:
		if _, err := w.doc.Apply(in.Message.Data, w.enc); err != nil {
			t.Fatal(err)
		}
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
	if g, ok := w.gone[id]; ok {
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

func (w *world) remove(in event.Input) {
	delete(w.joined, in.Conn)
	own := w.own[in.Conn]
	w.yield(in.Conn)
	if w.claims[own].owner == in.Conn {
		delete(w.claims, own)
	}
	if w.holders[own] == in.Conn {
		delete(w.holders, own)
		delete(w.claims, own)
	}
	delete(w.own, in.Conn)
	delete(w.several, in.Conn)
	w.lose(w.now, func(_ uint64, s shown) bool { return s.owner == in.Conn })
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

// receive handles an output as a consumer and its client do.
func (p *peer) receive(t *rapid.T, o event.Output) {
	switch o.Message.Type {
	case protocol.Awareness:
		r := lib0.NewReader(o.Message.Data)
		for n := r.Uint(); n > 0; n-- {
			id := r.Uint()
			s := shown{clock: r.Uint(), state: string(r.Text())}
			if s.state == "null" {
				delete(p.present, id)
			} else {
				p.present[id] = s
			}
		}
		return
	case protocol.SyncStep1, protocol.Ack, protocol.Reject:
		return
	case protocol.Update:
		if o.To == event.Everyone && p.behind {
			return
		}
	}
	if o.To != event.Everyone {
		p.behind, p.based = false, true
	}
	if _, err := p.doc.Apply(o.Message.Data, p.enc); err != nil {
		t.Fatal(err)
	}
	if o.Vector != nil {
		if p.based && !covers(t, readVector(t, p.doc.StateVector()), o.Vector) {
			t.Fatalf("the state vector %x was sent to a client that has %x", o.Vector, p.doc.StateVector())
		}
		p.vectors = append(p.vectors, o)
	}
	if p.based {
		if o.Mark.Seq < p.mark.Seq {
			t.Fatalf("sequence %d after %d", o.Mark.Seq, p.mark.Seq)
		}
		p.mark = o.Mark
	}
}

// vectorBefore returns the newest state vector that was sent at or before m.
func (p *peer) vectorBefore(m event.Mark) []byte {
	for _, o := range slices.Backward(p.vectors) {
		if o.Mark.Seq <= m.Seq {
			return o.Vector
		}
	}
	return nil
}

// readVector returns a state vector as a map.
func readVector(t *rapid.T, vector []byte) map[uint64]uint64 {
	clocks := make(map[uint64]uint64)
	r := lib0.NewReader(vector)
	for n := r.Uint(); n > 0; n-- {
		client := r.Uint()
		clocks[client] = r.Uint()
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return clocks
}

// covers reports whether a document holds everything that a state vector counts.
func covers(t *rapid.T, doc map[uint64]uint64, vector []byte) bool {
	for client, clock := range readVector(t, vector) {
		if doc[client] < clock {
			return false
		}
	}
	return true
}

func (w *world) check(t *rapid.T) {
	held := w.room.blocks.Encode(blocks.V1)
	if !same(t, w.doc, w.room.blocks) {
		t.Fatal("the room's document is not what was sent to it")
	}
	if !same(t, w.log, w.room.blocks) {
		t.Fatal("the log holds another document")
	}
	if got := slices.Sorted(maps.Keys(w.room.conns)); !slices.Equal(got, slices.Sorted(maps.Keys(w.joined))) {
		t.Fatalf("in the room: %v", got)
	}
	if w.room.Empty() != (len(w.joined)+len(w.watching) == 0) {
		t.Fatalf("Empty returns %v with %d connections and %d watchers", w.room.Empty(), len(w.joined), len(w.watching))
	}
	for conn := range w.watching {
		if !contains(t, w.told[conn], held) || w.at[conn] != w.room.mark() {
			t.Fatalf("connection %d watches, but lacks something", conn)
		}
	}
	var deadline time.Time
	for _, s := range w.present {
		if end := s.renewed.Add(30 * time.Second); deadline.IsZero() || end.Before(deadline) {
			deadline = end
		}
	}
	if got := w.room.Deadline(); got.IsZero() != deadline.IsZero() || got.After(deadline) {
		t.Fatalf("deadline %v, want %v at the latest", got, deadline)
	}
	want := make(map[uint64]string)
	for id, s := range w.present {
		want[id] = fmt.Sprint(s.clock, s.state)
	}
	for conn, p := range w.joined {
		if p.based && !p.behind {
			if !contains(t, p.doc, held) {
				t.Fatalf("connection %d lacks something", conn)
			}
			if len(w.room.saved.list) > maxSaved {
				t.Fatalf("%d state vectors", len(w.room.saved.list))
			}
		}
		if p.shown {
			got := make(map[uint64]string)
			for id, s := range p.present {
				got[id] = fmt.Sprint(s.clock, s.state)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("connection %d has other awareness states (-want +got)\n%s", conn, diff)
			}
		}
	}
}

// same reports whether two documents have the same content. Pending blocks may be split
// differently.
func same(t *rapid.T, a, b *blocks.Store) bool {
	return bytes.Equal(a.StateVector(), b.StateVector()) &&
		contains(t, a, b.Encode(blocks.V1)) && contains(t, b, a.Encode(blocks.V1))
}

func contains(t *rapid.T, s *blocks.Store, update []byte) bool {
	all, err := s.Contains(update, blocks.V1)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
