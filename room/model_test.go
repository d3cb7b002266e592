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
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

// TestModel plays random inputs against a simple model of a room: after each
// turn the room holds what it should, its log gives the same document, and
// every connection that took all its outputs has it too.
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
			"leave":     w.leave,
			"send":      w.send,
			"sync":      w.sync,
			"awareness": w.awareness,
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

// anyAction draws those that make the story more often than those that end it.
// The first is what failures are made simpler with.
var anyAction = rapid.SampledFrom([]string{
	"nothing", "edit", "edit", "send", "send", "send", "send", "delete", "join", "sync", "sync", "awareness", "awareness",
	"awareness", "query", "stall", "resync", "resync", "leave", "bad", "wait",
	"ask", "apply", "apply", "watch", "unwatch",
})

// world is a room, the model of it, and the connections' ends.
type world struct {
	room *Room
	enc  blocks.Encoding // that the room speaks
	ins  []Input         // of the next turn
	now  time.Time

	clocks  [4]uint64 // the next clock of each client
	edits   [][]byte  // all that was ever written, as the room speaks
	doc     *blocks.Store
	log     *blocks.Store
	docs    map[ConnID]*blocks.Store // what each client wrote or was sent; it stays when the client leaves
	joined  map[ConnID]*peer
	present map[uint64]shown // who is present
	gone    map[uint64]shown // who was, not long ago; renewed is when they were removed
	removed map[uint64]int   // and as which of all removals
	removes int

	// Those outside: asker, writer, and two who watch.
	told     map[ConnID]*blocks.Store // what they were told
	at       map[ConnID]Mark          // up to where
	watching map[ConnID]bool
	owed     map[ConnID][]Cause // answers, each with the refusal that it should have
}

// Who asks from outside; those who watch are the two after them.
const (
	asker ConnID = 11 + iota
	writer
	watcher
)

// peer is a connection's end.
type peer struct {
	access   Access
	opening  Opening
	answered bool // in this turn
	enc      blocks.Encoding
	doc      *blocks.Store
	based    bool // it was sent a SyncStep2 or the answer to a Resync
	behind   bool // it misses the updates for everyone
	seq      uint64
	told     bool // it was told who is present
	since    int  // how many removals there were when it joined
	present  map[uint64]shown
}

type shown struct {
	clock   uint64
	state   string
	owner   ConnID
	renewed time.Time
}

func newWorld(t *rapid.T, enc blocks.Encoding) *world {
	docs := make(map[ConnID]*blocks.Store)
	for conn := ConnID(1); conn <= 3; conn++ {
		docs[conn] = blocks.New()
	}
	room := New(Config{Encoding: enc})
	room.markEvery = 30
	w := &world{
		docs:    docs,
		room:    room,
		enc:     enc,
		now:     time.Unix(0, 0),
		doc:     blocks.New(),
		log:     blocks.New(),
		joined:  make(map[ConnID]*peer),
		present: make(map[uint64]shown),
		gone:    make(map[uint64]shown),
		removed: make(map[uint64]int),

		told:     map[ConnID]*blocks.Store{asker: blocks.New(), watcher: blocks.New(), watcher + 1: blocks.New()},
		at:       make(map[ConnID]Mark),
		watching: make(map[ConnID]bool),
		owed:     make(map[ConnID][]Cause),
	}
	stored := insertion(9, 0, "stored")
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

func (w *world) input(in Input) {
	in.At = w.now
	w.ins = append(w.ins, in)
}

func (w *world) message(conn ConnID, typ protocol.Type, data []byte) {
	w.input(Input{Kind: Message, Conn: conn, Msg: protocol.Message{Type: typ, Data: data}})
}

// edit writes something without sending it.
func (w *world) edit(t *rapid.T) {
	i := rapid.IntRange(0, len(w.clocks)-1).Draw(t, "client")
	text := strings.Repeat("x", rapid.SampledFrom([]int{1, 2, 3}).Draw(t, "length"))
	w.edits = append(w.edits, recoded(w.enc, insertion(uint64(i+1), w.clocks[i], text)))
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
	w.input(Input{
		Kind:   Join,
		Conn:   ConnID(anyConn.Draw(t, "conn")),
		Access: rapid.SampledFrom([]Access{Read, Write, Present, Write | Present}).Draw(t, "access"),
		Open:   rapid.SampledFrom([]Opening{ServerStarts, ClientStarts}).Draw(t, "opening"),
	})
}

func (w *world) leave(t *rapid.T) {
	w.input(Input{Kind: Leave, Conn: ConnID(anyConn.Draw(t, "conn"))})
}

// send sends some edit, perhaps again and perhaps before one that it needs.
func (w *world) send(t *rapid.T) {
	if len(w.edits) == 0 {
		return
	}
	conn := ConnID(anyConn.Draw(t, "conn"))
	data := w.edits[rapid.IntRange(0, len(w.edits)-1).Draw(t, "edit")]
	w.message(conn, rapid.SampledFrom([]protocol.Type{protocol.Update, protocol.SyncStep2}).Draw(t, "type"), data)
	if _, err := w.docs[conn].Apply(data, w.enc); err != nil {
		t.Fatal(err)
	}
}

func (w *world) sync(t *rapid.T) {
	conn := ConnID(anyConn.Draw(t, "conn"))
	w.message(conn, protocol.SyncStep1, w.docs[conn].StateVector())
}

func (w *world) awareness(t *rapid.T) {
	b := []byte{1, rapid.ByteRange(1, 4).Draw(t, "id"), rapid.ByteRange(0, 6).Draw(t, "clock")}
	b = lib0.AppendString(b, rapid.SampledFrom([]string{"null", `"a"`, `"b"`}).Draw(t, "state"))
	w.message(ConnID(anyConn.Draw(t, "conn")), protocol.Awareness, b)
}

func (w *world) query(t *rapid.T) {
	w.message(ConnID(anyConn.Draw(t, "conn")), protocol.QueryAwareness, nil)
}

func (w *world) bad(t *rapid.T) {
	typ := rapid.SampledFrom([]protocol.Type{
		protocol.SyncStep1, protocol.SyncStep2, protocol.Update, protocol.Awareness,
	}).Draw(t, "type")
	w.message(ConnID(anyConn.Draw(t, "conn")), typ, []byte{0xff})
}

// stall lets a connection miss updates from now on.
func (w *world) stall(t *rapid.T) {
	if p := w.joined[ConnID(anyConn.Draw(t, "conn"))]; p != nil {
		p.behind = true
	}
}

func (w *world) resync(t *rapid.T) {
	conn := ConnID(anyConn.Draw(t, "conn"))
	if p := w.joined[conn]; p != nil {
		w.input(Input{Kind: Resync, Conn: conn, Seq: p.seq})
	}
}

func (w *world) wait(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second)
	w.input(Input{Kind: Tick})
}

// ask asks the room for what is new since the last time.
func (w *world) ask(*rapid.T) {
	w.input(Input{Kind: Query, Conn: asker, Ask: &Ask{Since: w.at[asker]}})
}

// watch starts to watch the room, or again, from where it was left.
func (w *world) watch(t *rapid.T) {
	conn := watcher + ConnID(rapid.IntRange(0, 1).Draw(t, "watcher"))
	w.input(Input{Kind: Watch, Conn: conn, Ask: &Ask{Since: w.at[conn]}})
}

func (w *world) unwatch(t *rapid.T) {
	w.input(Input{Kind: Leave, Conn: watcher + ConnID(rapid.IntRange(0, 1).Draw(t, "watcher"))})
}

// apply writes from outside, perhaps behind a guard, and perhaps what is no update.
func (w *world) apply(t *rapid.T) {
	ask := &Ask{Update: []byte{0xff}}
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
	w.input(Input{Kind: Apply, Conn: writer, Ask: ask})
}

// takeOutside is what an input from outside does to the model.
func (w *world) takeOutside(t *rapid.T, in Input) {
	var refused Cause
	switch in.Kind {
	case Leave:
		delete(w.watching, in.Conn)
		delete(w.owed, in.Conn)
		return
	case Watch:
		w.watching[in.Conn] = true
	case Apply:
		clock := blocks.ClockOf(w.doc.StateVector(), in.Ask.Client)
		switch {
		case in.Ask.Client != 0 && clock != in.Ask.Clock:
			refused = Stale
		case bytes.Equal(in.Ask.Update, []byte{0xff}):
			refused = Malformed
		default:
			if _, err := w.doc.Apply(in.Ask.Update, blocks.V1); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.owed[in.Conn] = append(w.owed[in.Conn], refused)
}

// answered is what somebody outside does with an answer. What was refused is
// told before the rest.
func (w *world) answered(t *rapid.T, o Output) {
	a := o.Answer
	owed := w.owed[o.To]
	i := slices.Index(owed, a.Refusal.Cause)
	if i >= 0 {
		w.owed[o.To] = slices.Delete(owed, i, i+1)
	} else if !w.watching[o.To] || a.Whole {
		t.Fatalf("connection %d was answered %+v, and is owed %v", o.To, a, owed)
	}
	if doc := w.told[o.To]; doc != nil {
		if a.At.Seq < w.at[o.To].Seq || a.Update == nil && a.At != w.at[o.To] {
			t.Fatalf("connection %d is at %v and was answered %+v", o.To, w.at[o.To], a)
		}
		w.at[o.To] = a.At
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

// checkAnswer looks at an answer to a Query.
func (w *world) checkAnswer(t *rapid.T, a Answer) {
	if !same(t, w.told[asker], w.room.blocks) || !bytes.Equal(a.Vector, w.room.blocks.StateVector()) {
		t.Fatal("who asks about the room is told of another document")
	}
	members := make(map[ConnID]Access)
	for _, m := range a.Members {
		members[m.ID] = m.Access
	}
	joined := make(map[ConnID]Access)
	for conn, p := range w.joined {
		joined[conn] = p.access
	}
	if diff := cmp.Diff(joined, members); diff != "" || a.Conns != len(joined) {
		t.Fatalf("%d members (-want +got)\n%s", a.Conns, diff)
	}
	states := make(map[uint64]shown)
	for _, s := range a.States {
		states[s.Client] = shown{s.Clock, string(s.JSON), ConnID(s.Conn), s.Renewed}
	}
	if diff := cmp.Diff(w.present, states, cmp.AllowUnexported(shown{})); diff != "" || a.Clients != len(states) {
		t.Fatalf("%d clients (-want +got)\n%s", a.Clients, diff)
	}
}

// turn is a turn of the room and of the model.
func (w *world) turn(t *rapid.T) {
	closed := make(map[ConnID]int)
	for _, p := range w.joined {
		p.answered = false
	}
	for _, in := range w.ins {
		w.take(t, in, closed)
	}
	before := w.room.seq
	effects := w.room.Step(w.ins)
	w.ins = nil

	if effects.Update != nil {
		if _, err := w.log.Apply(effects.Update, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	if (effects.Update != nil) != (w.room.seq == before+1) {
		t.Fatalf("update %v, sequence %d after %d", effects.Update != nil, w.room.seq, before)
	}
	for _, o := range append(effects.Now, effects.Durable...) {
		if o.Answer != nil {
			w.answered(t, o)
			continue
		}
		if o.Msg.Type == protocol.Close {
			closed[o.To]--
			continue
		}
		for conn, p := range w.joined {
			if o.To == Everyone || o.To == conn {
				p.receive(t, o)
			}
		}
	}
	for conn, n := range closed {
		if n != 0 {
			t.Fatalf("connection %d was closed %d times too few", conn, n)
		}
	}
	for conn, owed := range w.owed {
		if len(owed) > 0 {
			t.Fatalf("connection %d was not answered: %v", conn, owed)
		}
	}
	w.check(t)
}

// take is what an input does to the model.
func (w *world) take(t *rapid.T, in Input, closed map[ConnID]int) {
	if in.Conn >= asker {
		w.takeOutside(t, in)
		return
	}
	if in.Kind == Join {
		w.joined[in.Conn] = &peer{
			access:  in.Access,
			opening: in.Open,
			enc:     w.enc,
			doc:     w.docs[in.Conn],
			told:    in.Open == ServerStarts,
			since:   w.removes,
			present: make(map[uint64]shown),
		}
	}
	if in.Kind == Tick {
		old := func(_ uint64, s shown) bool { return in.At.Sub(s.renewed) >= 30*time.Second }
		maps.DeleteFunc(w.gone, old)
		w.lose(in.At, old)
	}
	p := w.joined[in.Conn]
	if p == nil {
		return
	}
	bad := bytes.Equal(in.Msg.Data, []byte{0xff})
	switch {
	case in.Kind == Leave:
		w.remove(in)
		return
	case in.Kind != Message:
		return
	}
	switch in.Msg.Type {
	case protocol.SyncStep1:
		bad = bad && !p.answered
		p.answered = true
		p.told = true
	case protocol.SyncStep2, protocol.Update:
		bad = bad && p.access.May(Write)
		if p.access.May(Write) && !bad {
			if _, err := w.doc.Apply(in.Msg.Data, w.enc); err != nil {
				t.Fatal(err)
			}
		}
	case protocol.Awareness:
		bad = bad && p.access.May(Present)
		if p.access.May(Present) && !bad {
			w.takeAwareness(in, p)
		}
	}
	if bad {
		closed[in.Conn]++
		w.remove(in)
	}
}

func (w *world) takeAwareness(in Input, p *peer) {
	id, clock, state := uint64(in.Msg.Data[1]), uint64(in.Msg.Data[2]), string(in.Msg.Data[4:])
	s, held := w.present[id]
	lowest := s.clock + 1
	if g, ok := w.gone[id]; ok {
		lowest = g.clock + 1
		if w.removed[id] <= p.since {
			lowest = g.clock
		}
	}
	switch {
	case state != "null" && clock >= lowest:
		w.present[id] = shown{clock, state, in.Conn, in.At}
		delete(w.gone, id)
	case state == "null" && held && s.owner == in.Conn && clock >= s.clock:
		s.clock = clock
		w.present[id] = s
		w.lose(in.At, func(x uint64, _ shown) bool { return x == id })
	}
}

func (w *world) remove(in Input) {
	delete(w.joined, in.Conn)
	w.lose(in.At, func(_ uint64, s shown) bool { return s.owner == in.Conn })
}

// lose removes some of those who are present.
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

// receive is what a consumer and a client do with an output.
func (p *peer) receive(t *rapid.T, o Output) {
	switch o.Msg.Type {
	case protocol.Awareness:
		r := lib0.NewReader(o.Msg.Data)
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
	case protocol.SyncStep1:
		return
	case protocol.Update:
		if o.To == Everyone && p.behind {
			return
		}
	}
	if o.To != Everyone {
		p.behind, p.based = false, true
	}
	if _, err := p.doc.Apply(o.Msg.Data, p.enc); err != nil {
		t.Fatal(err)
	}
	if p.based {
		if o.Seq < p.seq {
			t.Fatalf("sequence %d after %d", o.Seq, p.seq)
		}
		p.seq = o.Seq
	}
}

func (w *world) check(t *rapid.T) {
	held := w.room.blocks.Encode(blocks.V1)
	if !same(t, w.doc, w.room.blocks) {
		t.Fatal("the room's document is not what was sent to it")
	}
	if !same(t, w.log, w.room.blocks) {
		t.Fatal("the log gives another document")
	}
	if got := slices.Sorted(maps.Keys(w.room.conns)); !slices.Equal(got, slices.Sorted(maps.Keys(w.joined))) {
		t.Fatalf("in the room: %v", got)
	}
	if w.room.Empty() != (len(w.joined)+len(w.watching) == 0) {
		t.Fatal("Empty lies")
	}
	for conn := range w.watching {
		if !contains(t, w.told[conn], held) || w.at[conn] != w.room.mark() {
			t.Fatalf("connection %d watches and lacks something", conn)
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
			if len(w.room.marks.list) > maxMarks {
				t.Fatalf("%d marks", len(w.room.marks.list))
			}
		}
		if p.told {
			got := make(map[uint64]string)
			for id, s := range p.present {
				got[id] = fmt.Sprint(s.clock, s.state)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("connection %d sees others (-want +got)\n%s", conn, diff)
			}
		}
	}
}

// same tells whether two documents hold the same. What waits may be cut into
// other pieces.
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
