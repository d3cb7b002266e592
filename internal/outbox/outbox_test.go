package outbox

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

const testSize = 4 << 20

func newOutbox(size int) *Outbox {
	o := New(size, event.GreetingServer, func(states []byte) *Frame {
		return &Frame{Type: protocol.Awareness, Head: states, States: states}
	})
	return &o
}

func mark(epoch, seq uint64) event.Mark { return event.Mark{Epoch: epoch, Seq: seq} }

// frame returns a document frame of the given size, whose Head is its name.
func frame(typ protocol.Type, broadcast bool, m event.Mark, size int) *Frame {
	return &Frame{Type: typ, Broadcast: broadcast, Mark: m, Head: fmt.Append(nil, m), Body: make([]byte, size)}
}

func broadcast(epoch, seq uint64) *Frame { return frame(protocol.Update, true, mark(epoch, seq), 1) }

func answer(epoch, seq uint64) *Frame { return frame(protocol.Update, false, mark(epoch, seq), 1) }

func step2(epoch, seq uint64) *Frame { return frame(protocol.SyncStep2, false, mark(epoch, seq), 1) }

func (o *Outbox) mustAdd(t testing.TB, f *Frame) Change {
	t.Helper()
	change, err := o.Add(f)
	if err != nil {
		t.Fatal(err)
	}
	return change
}

// mustAsk returns the input that is due, and fails the test if there is none.
func (o *Outbox) mustAsk(t testing.TB, vector func(event.Mark) []byte) event.Input {
	t.Helper()
	in, due := o.Ask(vector)
	if !due {
		t.Fatal("nothing is due")
	}
	return in
}

func noVector(event.Mark) []byte { return nil }

// write writes all frames that wait, and returns their Marks.
func (o *Outbox) write() (marks []string) {
	for _, f := range o.Take(nil) {
		marks = append(marks, string(f.Head))
	}
	o.Wrote()
	return marks
}

// modelRoom is a document as a list of numbered updates. The state n has the
// updates 1 to n.
type modelRoom struct {
	epoch   uint64
	base    map[uint64]int // by epoch: the number of updates at its Seq 0
	seq     uint64
	knows   bool // the room knows the connection
	vectors Vectors
	wire    []*Frame // frames on their way to the consumer, in order; nil stands for an OutputRejoin or a report of losses
	sent    []*Frame // the broadcasts
}

func (r *modelRoom) mark() event.Mark { return mark(r.epoch, r.seq) }

func (r *modelRoom) state() int { return r.base[r.epoch] + int(r.seq) }

// at returns the state of a Mark.
func (r *modelRoom) at(m event.Mark) int {
	if m == (event.Mark{}) {
		return 0
	}
	return r.base[m.Epoch] + int(m.Seq)
}

// offered is the type of a frame that stands for an OutputOffer of the type in its Head.
// Its States are the state vector.
const offered protocol.Type = 99

// answer sends an answer, or an offer if it is larger than most.
func (r *modelRoom) answer(typ protocol.Type, from, size, most int) {
	if size <= most {
		r.send(typ, false, from, size)
		return
	}
	f := frame(offered, false, r.mark(), size)
	f.Head, f.States = []byte{byte(typ)}, fmt.Append(nil, from)
	r.wire = append(r.wire, f)
}

func (r *modelRoom) send(typ protocol.Type, broadcast bool, from, size int) {
	f := frame(typ, broadcast, r.mark(), size)
	f.Head = fmt.Appendf(nil, "%d %d", from, r.state()) // the updates after from, up to the state
	r.wire = append(r.wire, f)
	if broadcast {
		r.sent = append(r.sent, f)
	}
}

// However slow the client is, and in whatever order the room's outputs, losses, changes
// of the worker and writes interleave, the client receives every update, and all that an answer stands for
// before its SyncStep2. The outbox never claims more than was written, and holds no more than it may.
func TestNoUpdateIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size, largest = 8 << 10, 6 << 10 // the largest answers have to be granted
		r := &modelRoom{epoch: 1, base: map[uint64]int{1: 0}}
		o := newOutbox(size)
		has := map[int]bool{}
		prefix := func() int {
			n := 0
			for has[n+1] {
				n++
			}
			return n
		}
		bytes := func(name string) int { return rapid.IntRange(1, largest).Draw(t, name) }
		greeted, synced := false, false
		step2 := func() {
			if !r.knows {
				r.wire = append(r.wire, nil)
				return
			}
			r.answer(protocol.SyncStep2, prefix(), bytes("step 2"), o.Question())
			greeted = true
		}
		update := func() {
			r.seq++
			r.send(protocol.Update, true, r.state()-1, bytes("update")/3)
			if r.seq%3 == 0 {
				r.vectors.Add(r.mark(), fmt.Append(nil, r.state()))
			}
		}
		arrive := func() {
			if len(r.wire) == 0 {
				return
			}
			f := r.wire[0]
			r.wire = r.wire[1:]
			if f == nil {
				o.Rejoin()
				return
			}
			if f.Type == offered {
				m := protocol.Message{Type: protocol.Type(f.Head[0]), Data: f.States}
				o.Offer(&event.Output{Kind: event.OutputOffer, Mark: f.Mark, Size: len(f.Body), Whole: true, Message: m})
				return
			}
			if _, err := o.Add(f); err != nil {
				t.Fatal(err)
			}
			held := o.writing
			for _, f := range o.queue {
				held += f.cost()
			}
			if held != o.waiting+o.writing {
				t.Fatalf("%d bytes are held, and the outbox counts %d", held, o.waiting+o.writing)
			}
			// Half of the size, the two frames that are kept, and one that was granted.
			if bound := size/2 + 3*(largest+frameCost+64); held > bound {
				t.Fatalf("%d bytes are held", held)
			}
		}
		handle := func(in event.Input) {
			switch {
			case in.Kind == event.InputResync && !r.knows:
				r.wire = append(r.wire, nil)
			case in.Kind == event.InputResync:
				from := 0
				if in.Mark.Epoch == r.epoch {
					from = r.at(in.Mark)
				}
				r.answer(protocol.Update, from, bytes("resync"), in.Most)
			case in.Kind == event.InputMessage && !r.knows:
				r.wire = append(r.wire, nil)
			case in.Kind == event.InputMessage:
				from := 0
				if _, err := fmt.Sscan(string(in.Message.Data), &from); err != nil {
					t.Fatal(err)
				}
				r.answer(protocol.SyncStep2, from, bytes("asked"), in.Most)
			case in.Greeting == event.GreetingServer:
				r.knows = true
			default:
				r.knows = true
				from := 0
				if in.Mark.Epoch == r.epoch {
					from = r.at(in.Mark)
				} else if in.Vector != nil {
					if _, err := fmt.Sscan(string(in.Vector), &from); err != nil {
						t.Fatal(err)
					}
				}
				r.answer(protocol.SyncStep2, from, bytes("rejoin"), in.Most)
				greeted = true
			}
		}
		ask := func() {
			in, due := o.Ask(r.vectors.At)
			switch {
			case !due:
			case rapid.IntRange(0, 3).Draw(t, "sent") == 0:
				o.Failed(in)
			default:
				handle(in)
			}
		}
		// grant grants what the outbox needs, or serves a whole document of another Mark.
		grant := func() {
			n := o.Need()
			if n == 0 {
				return
			}
			m, ok := o.Wants()
			if base, known := r.base[m.Epoch]; ok && known && rapid.Bool().Draw(t, "shared") {
				seq := rapid.Uint64Range(0, m.Seq).Draw(t, "seq")
				f := frame(protocol.Update, false, mark(m.Epoch, seq), n)
				f.Head = fmt.Appendf(nil, "%d %d", 0, base+int(seq))
				if seq < m.Seq {
					last := frame(protocol.SyncStep2, false, m, 0)
					last.Head = fmt.Appendf(nil, "%d %[1]d", r.at(m))
					o.AddOlder(f, last)
					return
				}
				f.Type = protocol.SyncStep2
				if _, err := o.Add(f); err != nil {
					t.Fatal(err)
				}
				return
			}
			o.Grant(n)
		}
		// write does one of the two steps of the writer, so that frames arrive between them.
		var batch []*Frame
		write := func() {
			if batch == nil {
				batch = o.Take(nil)
				return
			}
			for _, f := range batch {
				var from, to int
				if _, err := fmt.Sscan(string(f.Head), &from, &to); err != nil {
					t.Fatal(err)
				}
				for i := from + 1; i <= to; i++ {
					has[i] = true
				}
				if f.Type != protocol.SyncStep2 {
					continue
				}
				if synced = true; prefix() < to {
					t.Fatalf("a SyncStep2 for %d is written, but the client has everything up to %d", to, prefix())
				}
			}
			batch = nil
			o.Wrote()
			if r.at(o.written) > prefix() {
				t.Fatalf("the outbox claims that %d is written, but the client has everything up to %d", r.at(o.written), prefix())
			}
		}
		// lose drops some messages on their way. The loss is reported to the consumer before
		// or after the remaining messages arrive.
		lose := func(t *rapid.T) {
			r.wire = slices.DeleteFunc(r.wire, func(f *Frame) bool {
				return f != nil && rapid.Bool().Draw(t, "lost")
			})
			r.wire = slices.Insert(r.wire, rapid.IntRange(0, len(r.wire)).Draw(t, "notice"), nil)
		}
		for range rapid.IntRange(0, 50).Draw(t, "before") {
			update()
		}
		r.wire = nil // no connection has joined yet
		in, due := o.Ask(noVector)
		if !due {
			t.Fatal("no Join is due")
		}
		handle(in)
		t.Repeat(map[string]func(*rapid.T){
			"update": func(*rapid.T) { update() },
			"burst": func(*rapid.T) {
				for range 8 {
					update()
					arrive()
				}
			},
			"step 2": func(*rapid.T) { step2() },
			"arrive": func(*rapid.T) { arrive() },
			"write":  func(*rapid.T) { write() },
			"ask":    func(*rapid.T) { ask() },
			"grant":  func(*rapid.T) { grant() },
			"lose":   lose,
			"replace": func(t *rapid.T) { // another worker takes over the room
				state := r.state()
				r.epoch, r.seq, r.knows = r.epoch+1, 0, false
				r.base[r.epoch] = state
				lose(t)
			},
			"reorder": func(t *rapid.T) {
				if n := len(r.wire); n > 1 {
					i := rapid.IntRange(1, n-1).Draw(t, "which")
					r.wire[i], r.wire[i-1] = r.wire[i-1], r.wire[i]
				}
			},
			"repeat": func(t *rapid.T) {
				if len(r.sent) > 0 {
					r.wire = append(r.wire, rapid.SampledFrom(r.sent).Draw(t, "which"))
				}
			},
		})
		if !greeted {
			r.knows = true
			step2()
		}
		for range 1000 {
			arrive()
			write()
			grant()
			if in, due := o.Ask(r.vectors.At); due {
				handle(in)
			}
		}
		if got := prefix(); got != r.state() {
			t.Fatalf("the client has everything up to %d of %d; %+v", got, r.state(), o)
		}
		if !synced {
			t.Fatalf("no SyncStep2 was written: %+v", o)
		}
		if o.behind || o.asked || o.question != nil || o.ending != nil || o.Due() || o.rejoining || !o.Empty() || o.waiting+o.writing != 0 {
			t.Fatalf("the outbox still has something due: %+v", o)
		}
	})
}

// joined returns an Outbox that has written the state 1.10.
func joined(t *testing.T) *Outbox {
	t.Helper()
	o := newOutbox(testSize)
	if in := o.mustAsk(t, noVector); in.Kind != event.InputJoin || in.Greeting != event.GreetingServer {
		t.Fatalf("the first input is %+v", in)
	}
	o.mustAdd(t, step2(1, 10))
	o.write()
	return o
}

// Each case has the frames that arrive, those that are written, and the input that is
// due afterwards.
func TestSequence(t *testing.T) {
	for name, tc := range map[string]struct {
		in     []*Frame
		want   []string
		change Change // the result of Add for the last frame
		asked  string // the Mark of the Resync; "" if none is due
	}{
		"in order":              {in: []*Frame{broadcast(1, 11), broadcast(1, 12)}, want: []string{"1.b", "1.c"}},
		"duplicate":             {in: []*Frame{broadcast(1, 10), broadcast(1, 11), broadcast(1, 11), broadcast(1, 3)}, want: []string{"1.b"}},
		"gap":                   {in: []*Frame{broadcast(1, 11), broadcast(1, 13)}, want: []string{"1.b"}, change: ChangeBehind, asked: "1.b"},
		"after a gap":           {in: []*Frame{broadcast(1, 12), broadcast(1, 13)}, asked: "1.a"},
		"first after the whole": {in: []*Frame{broadcast(1, 12)}, change: ChangeBehind, asked: "1.a"},
		"other epoch":           {in: []*Frame{broadcast(2, 11)}, change: ChangeBehind, asked: "1.a"},
		"other epoch, smaller":  {in: []*Frame{broadcast(2, 1), broadcast(1, 11)}, asked: "1.a"},
		"a gap that a SyncStep2 closes": {
			in: []*Frame{broadcast(1, 13), step2(1, 14), broadcast(1, 15)}, want: []string{"1.e", "1.f"},
		},
		"another epoch's SyncStep2": {in: []*Frame{step2(2, 1), broadcast(2, 2)}, want: []string{"2.1", "2.2"}},
		"a SyncStep2 is older": {
			in: []*Frame{broadcast(1, 11), step2(1, 10), broadcast(1, 12)}, want: []string{"1.b", "1.a", "1.c"},
		},
		"a SyncStep2 that was overtaken": {
			in: []*Frame{broadcast(1, 13), step2(1, 12)}, want: []string{"1.c"}, asked: "1.c",
		},
		"another epoch's SyncStep2, overtaken": {
			in: []*Frame{broadcast(2, 3), step2(1, 11)}, want: []string{"1.b"}, asked: "1.b",
		},
		"an answer that was not asked for": {in: []*Frame{answer(1, 20), broadcast(1, 21)}, want: []string{"1.14", "1.15"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := joined(t)
			change := ChangeNone
			for _, f := range tc.in {
				change = o.mustAdd(t, f)
			}
			if change != tc.change {
				t.Errorf("the last frame changed %d, want %d", change, tc.change)
			}
			if diff := cmp.Diff(tc.want, o.write()); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			in, due := o.Ask(noVector)
			got := ""
			if due {
				got = in.Mark.String()
			}
			if got != tc.asked || due && in.Kind != event.InputResync {
				t.Errorf("asked with %+v, want a Resync from %q", in, tc.asked)
			}
		})
	}
}

// Before the first whole frame, broadcasts are queued without a check, because there is
// no state that they could continue.
func TestBroadcastsBeforeTheFirstAnswer(t *testing.T) {
	o := newOutbox(testSize)
	o.mustAsk(t, noVector)
	for _, f := range []*Frame{broadcast(1, 5), broadcast(1, 6), step2(1, 6), broadcast(1, 7)} {
		if change := o.mustAdd(t, f); change != ChangeNone {
			t.Errorf("%v changed %d", f.Mark, change)
		}
	}
	if diff := cmp.Diff([]string{"1.5", "1.6", "1.6", "1.7"}, o.write()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if o.written != mark(1, 7) {
		t.Errorf("written up to %v", o.written)
	}
}

func TestResync(t *testing.T) {
	o := joined(t)
	o.mustAdd(t, broadcast(1, 11))
	o.mustAdd(t, broadcast(1, 13))
	if o.Due() {
		t.Error("a Resync is due while a document frame waits")
	}
	batch := o.Take(nil)
	if o.Due() {
		t.Error("a Resync is due while a document frame is being written")
	}
	if len(batch) != 1 {
		t.Errorf("Take returned %d frames", len(batch))
	}
	o.Wrote()
	in := o.mustAsk(t, noVector)
	if diff := cmp.Diff(event.Input{Kind: event.InputResync, Mark: mark(1, 11), Most: testSize / 2}, in); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if o.Due() {
		t.Error("a second Resync is due")
	}
	o.Failed(in)
	if again := o.mustAsk(t, noVector); again.Mark != in.Mark {
		t.Errorf("asked again with %+v", again)
	}
	o.mustAdd(t, broadcast(1, 14)) // the answer includes it
	if change := o.mustAdd(t, answer(1, 14)); change != ChangeResynced {
		t.Errorf("the answer changed %d", change)
	}
	o.mustAdd(t, broadcast(1, 15))
	if diff := cmp.Diff([]string{"1.e", "1.f"}, o.write()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if o.Due() {
		t.Error("something is due")
	}
}

func TestRejoin(t *testing.T) {
	var vectors Vectors
	vectors.Add(mark(1, 8), []byte("eight"))
	o := joined(t)
	o.mustAdd(t, broadcast(1, 11))
	o.Take(nil) // it is being written
	o.mustAdd(t, broadcast(1, 12))
	o.Rejoin()
	want := event.Input{Kind: event.InputJoin, Greeting: event.GreetingRejoin, Mark: mark(1, 10), Vector: []byte("eight"), Most: testSize / 2}
	in := o.mustAsk(t, vectors.At)
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if o.Due() {
		t.Error("a second Join is due")
	}
	o.Failed(in)
	if diff := cmp.Diff(want, o.mustAsk(t, vectors.At)); diff != "" {
		t.Errorf("after a failure: -want +got:\n%s", diff)
	}
	o.Wrote()
	o.mustAdd(t, broadcast(1, 13)) // of the old room: it continues the frames that wait
	o.mustAdd(t, broadcast(2, 3))  // of the new room, for other connections: the answer includes it
	if o.Due() {
		t.Error("a Resync is due before the answer to the Join has arrived")
	}
	if change := o.mustAdd(t, step2(2, 3)); change != ChangeRejoined {
		t.Errorf("the answer changed %d", change)
	}
	o.mustAdd(t, broadcast(2, 4))
	if diff := cmp.Diff([]string{"2.3", "2.4"}, o.write()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	o.Rejoin()
	if in := o.mustAsk(t, vectors.At); in.Mark != mark(2, 4) || in.Vector != nil {
		t.Errorf("the next Join is %+v", in)
	}
}

// An answer to a Join counts as the answer even if a broadcast has overtaken it.
func TestRejoinIsOvertaken(t *testing.T) {
	o := joined(t)
	o.Rejoin()
	o.mustAsk(t, noVector)
	o.mustAdd(t, broadcast(1, 11))
	if change := o.mustAdd(t, step2(1, 10)); change != ChangeRejoined {
		t.Errorf("the answer changed %d", change)
	}
	o.mustAdd(t, broadcast(1, 13))
	if diff := cmp.Diff([]string{"1.b", "1.a"}, o.write()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if in := o.mustAsk(t, noVector); in.Kind != event.InputResync || in.Mark != mark(1, 11) {
		t.Errorf("asked with %+v", in)
	}
}

// The answer to a Resync may be lost with the worker of the room.
func TestRejoinForgetsTheResync(t *testing.T) {
	o := joined(t)
	o.mustAdd(t, broadcast(1, 12))
	if in := o.mustAsk(t, noVector); in.Kind != event.InputResync {
		t.Fatalf("asked with %+v", in)
	}
	o.Rejoin()
	if in := o.mustAsk(t, noVector); in.Greeting != event.GreetingRejoin || in.Mark != mark(1, 10) {
		t.Fatalf("asked with %+v", in)
	}
	o.mustAdd(t, step2(2, 1))
	o.write()
	o.mustAdd(t, broadcast(2, 3))
	if in := o.mustAsk(t, noVector); in.Kind != event.InputResync || in.Mark != mark(2, 1) {
		t.Errorf("asked with %+v", in)
	}
}

// A Join that could not be sent is sent again unchanged, even if a loss is reported in
// between.
func TestFirstJoinFails(t *testing.T) {
	o := newOutbox(testSize)
	in := o.mustAsk(t, noVector)
	if !o.Joined() {
		t.Error("the connection has not joined")
	}
	o.Failed(in)
	if o.Joined() {
		t.Error("the connection has joined")
	}
	o.Rejoin()
	if again := o.mustAsk(t, noVector); again.Greeting != event.GreetingServer || o.Due() {
		t.Errorf("asked with %+v, and more is due: %v", again, o.Due())
	}
}

func TestOverflow(t *testing.T) {
	o := newOutbox(2 << 10)
	o.mustAsk(t, noVector)
	o.mustAdd(t, step2(1, 1))
	o.mustAdd(t, broadcast(1, 2))
	if change := o.mustAdd(t, frame(protocol.Update, true, mark(1, 3), 1<<10)); change != ChangeBehind {
		t.Errorf("the large frame changed %d", change)
	}
	if change := o.mustAdd(t, broadcast(1, 4)); change != ChangeNone {
		t.Errorf("the next frame changed %d", change)
	}
	if diff := cmp.Diff([]string{"1.1"}, o.write()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if in := o.mustAsk(t, noVector); in.Kind != event.InputResync || in.Mark != mark(1, 1) {
		t.Errorf("asked with %+v", in)
	}
}

// However often the worker of a room is replaced, at most one answer waits for a client
// that doesn't read.
func TestRejoinsAreBounded(t *testing.T) {
	o := newOutbox(8 << 10)
	o.mustAsk(t, noVector)
	o.mustAdd(t, step2(1, 1))
	for epoch := range uint64(100) {
		o.Rejoin()
		o.mustAsk(t, noVector)
		o.mustAdd(t, frame(protocol.SyncStep2, false, mark(epoch+2, 1), 8<<10))
		if len(o.queue) != 1 || o.Waiting() > 10<<10 {
			t.Fatalf("%d frames of %d bytes wait", len(o.queue), o.Waiting())
		}
	}
}

func TestDiscard(t *testing.T) {
	o := joined(t)
	o.mustAdd(t, broadcast(1, 11))
	o.mustAdd(t, presence(1, "{}"))
	o.Discard()
	if !o.Empty() || o.Waiting() != 0 {
		t.Errorf("%d bytes are left", o.Waiting())
	}
}

// An Outbox keeps no reference to frames that were taken.
func TestTakeKeepsNoFrame(t *testing.T) {
	o := joined(t)
	for i := range uint64(10) {
		o.mustAdd(t, broadcast(1, 11+i))
	}
	o.Take(nil)
	for _, f := range o.queue[:cap(o.queue)] {
		if f != nil {
			t.Fatal("a frame is kept")
		}
	}
}

func presence(id uint64, state string) *Frame {
	data := testkit.Present(id, 1, state)
	return &Frame{Type: protocol.Awareness, Broadcast: true, Head: data, States: data}
}

func held(o *Outbox) (n int) {
	for _, f := range o.queue {
		n += f.cost()
	}
	return n
}

func TestAwarenessIsMerged(t *testing.T) {
	o := newOutbox(testSize)
	for i := range 20_000 {
		o.mustAdd(t, presence(uint64(i%50), fmt.Sprintf(`{"x":%d}`, i)))
		if n := held(o); n != o.aware || n > 2*awarenessBatch {
			t.Fatalf("%d bytes of awareness are held, and the outbox counts %d", n, o.aware)
		}
	}
	// The frames that are left contain the last state of every client.
	var all []byte
	for _, f := range o.Take(nil) {
		all = append(all, f.Head...)
	}
	for i := range 50 {
		if last := fmt.Sprintf(`{"x":%d}`, 20_000-50+i); !bytes.Contains(all, []byte(last)) {
			t.Errorf("%s is missing", last)
		}
	}
}

// The awareness that waits is bounded even if ever more clients connect.
func TestAwarenessIsBounded(t *testing.T) {
	o := newOutbox(64 << 10)
	for i := range 10_000 {
		o.mustAdd(t, presence(uint64(i), "null"))
		if n := held(o); n > o.size/4 {
			t.Fatalf("%d bytes of awareness are held", n)
		}
	}
	big := presence(1, string(bytes.Repeat([]byte("1"), 100<<10)))
	o = newOutbox(64 << 10)
	if o.mustAdd(t, big); len(o.queue) != 1 {
		t.Errorf("%d frames wait: one message is taken however large", len(o.queue))
	}
}

func TestBadAwareness(t *testing.T) {
	o := newOutbox(1 << 10)
	bad := bytes.Repeat([]byte{0xff}, 100)
	f := &Frame{Type: protocol.Awareness, Head: bad, States: bad}
	o.mustAdd(t, f)
	if _, err := o.Add(f); err == nil {
		t.Error("awareness that can't be decoded was merged")
	}
}

func TestOnlyTheNewestSyncStep1(t *testing.T) {
	o := newOutbox(1 << 10)
	for i := range 1000 {
		o.mustAdd(t, &Frame{Type: protocol.SyncStep1, Head: []byte{byte(i)}})
	}
	if batch := o.Take(nil); len(batch) != 1 || batch[0].Head[0] != 999%256 {
		t.Errorf("%d frames wait", len(batch))
	}
}

// SyncStep1 and SyncStep2 are written in the order in which the room sends them.
func TestSyncStepsKeepTheirOrder(t *testing.T) {
	step1, two := &Frame{Type: protocol.SyncStep1}, step2(1, 1)
	newer, update := &Frame{Type: protocol.SyncStep1}, broadcast(1, 2)
	large := frame(protocol.Update, true, mark(1, 3), 1<<10)
	for name, tc := range map[string]struct{ in, want []*Frame }{
		"GreetingServer":      {[]*Frame{step1, two, update}, []*Frame{step1, two, update}},
		"GreetingClient":      {[]*Frame{two, step1, update}, []*Frame{two, step1, update}},
		"asked again":         {[]*Frame{step1, two, newer, update}, []*Frame{newer, two, update}},
		"updates are dropped": {[]*Frame{two, update, step1, large}, []*Frame{two, step1}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox(1 << 10)
			for _, f := range tc.in {
				o.mustAdd(t, f)
			}
			if got := o.Take(nil); !slices.Equal(got, tc.want) {
				t.Errorf("%d frames wait, want %d in another order: %v", len(got), len(tc.want), got)
			}
		})
	}
}

func TestVectors(t *testing.T) {
	var v Vectors
	if got := v.At(mark(1, 100)); got != nil {
		t.Errorf("the zero Vectors have %q", got)
	}
	add := func(epoch, seq uint64) { v.Add(mark(epoch, seq), []byte(mark(epoch, seq).String())) }
	for seq := range uint64(5) {
		add(1, 2*seq)
	}
	add(1, 3) // older than the newest
	v.Add(mark(1, 9), nil)
	before := v
	want := func(m event.Mark, want string) {
		t.Helper()
		if got := string(v.At(m)); got != want {
			t.Errorf("at %v: %q, want %q", m, got, want)
		}
	}
	want(mark(1, 20), "1.8")
	want(mark(1, 8), "1.8")
	want(mark(1, 7), "1.6")
	want(mark(1, 5), "") // long ago
	want(mark(2, 20), "")
	want(event.Mark{}, "")
	for seq := range uint64(5) {
		add(2, seq) // connections with a Mark of the previous epoch still rejoin
	}
	want(mark(2, 9), "2.4")
	want(mark(2, 3), "2.3")
	want(mark(1, 20), "1.8")
	want(mark(1, 7), "1.6")
	add(3, 0)
	want(mark(1, 20), "")
	if got := string(before.At(mark(1, 20))); got != "1.8" {
		t.Errorf("the copy has %q", got)
	}
}
