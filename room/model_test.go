package room

import (
	"maps"
	"strings"
	"testing"
	"time"

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
			"lose":      w.loseUpdate,
			"answer":    w.answer,
			"sync":      w.sync,
			"awareness": w.awareness,
			"silent":    w.silent,
			"query":     w.query,
			"bad":       w.bad,
			"stall":     w.stall,
			"resync":    w.resync,
			"wait":      w.wait,
			"allow":     w.allow,
			"control":   w.control,
			"confirm":   w.confirm,
			"deafen":    w.deafen,
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
		w.heal(t)
	})
}

// anyAction draws actions that add something more often than those that remove
// something. To simplify a failure, rapid replaces actions by the first one.
var anyAction = rapid.SampledFrom([]string{
	"nothing", "edit", "edit", "send", "send", "send", "send", "lose", "answer", "delete", "join", "sync", "sync", "awareness", "awareness",
	"awareness", "silent", "query", "stall", "resync", "resync", "rejoin", "leave", "bad", "wait",
	"ask", "apply", "apply", "watch", "unwatch", "allow", "control", "control", "confirm", "confirm", "deafen",
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
	users   map[event.ConnID]string // of the last join of each connection
	present map[uint64]shown        // the awareness states, by client id
	gone    map[uint64]shown        // the states removed in the last 30 seconds; renewed is the time of the removal
	removed map[uint64]int          // by client id: the value of removes after the last removal
	removes int                     // the number of removals so far

	own      map[event.ConnID]uint64 // the client id that a connection has for itself
	several  map[event.ConnID]bool   // the connections that have sent several states of it
	holders  map[uint64]event.ConnID // by client id
	claims   map[uint64]shown        // by client id; the owner is the claimant, and renewed the time of its first claim
	probes   map[event.ConnID]int    // the probes that this turn must send
	returned map[uint64]shown        // by client id: the states that were brought back in this turn after their removal
	due      map[question]int        // the Acks, Rejects, SyncStep1 and so on that are due in this turn
	banned   map[event.ConnID]bool   // the connections that were expelled and have not left
	counts   []int                   // the Counts that are due to controller
	controls []pendingControl

	// The programs that send requests: asker, writer, controller and two watchers.
	told     map[event.ConnID]*blocks.Store // the content of their responses
	at       map[event.ConnID]event.Mark    // the Mark of the newest response
	watching map[event.ConnID]bool
	owed     map[event.ConnID][]event.Cause // the refusals that the responses due must have
}

// The ids of the programs. The second watcher has the id watcher + 1.
const (
	asker event.ConnID = 11 + iota
	writer
	controller
	watcher
)

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
		users:   make(map[event.ConnID]string),
		present: make(map[uint64]shown),
		gone:    make(map[uint64]shown),
		removed: make(map[uint64]int),
		own:     make(map[event.ConnID]uint64),
		several: make(map[event.ConnID]bool),
		holders: make(map[uint64]event.ConnID),
		claims:  make(map[uint64]shown),
		probes:  make(map[event.ConnID]int),

		returned: make(map[uint64]shown),
		due:      make(map[question]int),
		banned:   make(map[event.ConnID]bool),

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
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	in := event.Input{
		Kind:     event.InputJoin,
		Conn:     conn,
		Access:   anyAccess.Draw(t, "access"),
		Greeting: rapid.SampledFrom([]event.Greeting{event.GreetingServer, event.GreetingClient}).Draw(t, "greeting"),
		User:     rapid.SampledFrom([]string{"", "", "ada"}).Draw(t, "user"),
		Acks:     rapid.Bool().Draw(t, "acks"),
		V1:       conn == knowsV1,
	}
	w.users[conn] = in.User
	w.input(in)
}

// knowsV1 is the connection that joins with V1.
const knowsV1 event.ConnID = 3

// encOf returns the encoding of the updates to and from a connection.
func (w *world) encOf(conn event.ConnID) blocks.Encoding {
	if conn == knowsV1 {
		return blocks.V1
	}
	return w.enc
}

// rejoin joins again with the state that the connection has, as after an outage of the
// layer.
func (w *world) rejoin(t *rapid.T) {
	conn := event.ConnID(anyConn.Draw(t, "conn"))
	in := event.Input{
		Kind:     event.InputJoin,
		Conn:     conn,
		Greeting: event.GreetingRejoin,
		Access:   event.AccessWrite | event.AccessPresent,
		User:     w.users[conn],
		V1:       conn == knowsV1,
	}
	if p := w.joined[conn]; p != nil {
		in.Access, in.AccessSeq, in.Acks = p.granted, p.seen, p.acks
		in.Mark, in.Vector = p.mark, p.vectorBefore(p.mark)
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
	data, err := blocks.Convert(w.enc, w.encOf(conn), w.edits[rapid.IntRange(0, len(w.edits)-1).Draw(t, "edit")])
	if err != nil {
		t.Fatal(err)
	}
	w.message(conn, rapid.SampledFrom([]protocol.Type{protocol.Update, protocol.SyncStep2}).Draw(t, "type"), data)
	if _, err := w.docs[conn].Apply(data, w.encOf(conn)); err != nil {
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

// turn runs a turn of the room and of the model.
func (w *world) turn(t *rapid.T) {
	for _, p := range w.joined {
		p.answered = false
	}
	unknown := make(map[event.ConnID]bool)
	for _, in := range w.ins {
		w.take(t, in, unknown)
	}
	old := func(_ uint64, s shown) bool { return w.now.Sub(s.renewed) >= 30*time.Second }
	maps.DeleteFunc(w.gone, old)
	w.lose(w.now, old)
	w.recall()
	w.askNoted(unknown)
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
	for i, o := range append(effects.Now, effects.Durable...) {
		if w.settle(t, o, i >= len(effects.Now)) {
			continue
		}
		if o.Response != nil {
			w.answered(t, o)
			continue
		}
		if o.Kind == event.OutputRejoin {
			if !unknown[o.To] {
				t.Fatalf("connection %d was sent a Rejoin, although the room knows it and lacks nothing", o.To)
			}
			delete(unknown, o.To)
			continue
		}
		if o.Kind == event.OutputProbe {
			w.probes[o.To]--
			continue
		}
		for conn, p := range w.joined {
			others := o.Reach == event.ReachV1 && conn != knowsV1 || o.Reach == event.ReachOthers && conn == knowsV1
			if o.To == event.Everyone && !others || o.To == conn {
				p.receive(t, o)
			}
		}
	}
	for q, n := range w.due {
		if n != 0 {
			t.Fatalf("connection %d received %d fewer outputs of type %d than expected", q.conn, n, q.typ)
		}
	}
	for conn, n := range w.probes {
		if n != 0 {
			t.Fatalf("connection %d was probed %d times less than expected", conn, n)
		}
	}
	if len(unknown) > 0 {
		t.Fatalf("%v were not sent a Rejoin", unknown)
	}
	if len(w.counts) > 0 {
		t.Fatalf("%d requests were not responded to", len(w.counts))
	}
	for conn, owed := range w.owed {
		if len(owed) > 0 {
			t.Fatalf("connection %d was not answered: %v", conn, owed)
		}
	}
	w.check(t)
}
