package consumer

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

// modelRoom is a document as a set of numbered updates: its sequence n means
// that the updates 1 to n were made.
type modelRoom struct {
	seq  int
	line []*frame // on their way to the consumer, in order
}

func model(typ protocol.Type, shared bool, from, to, size int) *frame {
	data := make([]byte, size)
	f := newMessage(protocol.Message{Type: typ, Data: data}, uint64(to))
	f.shared = shared
	f.state = fmt.Appendf(nil, "%d %d", from, to) // what it holds: the updates after from, up to to
	return f
}

// However slow the client, and however the room's outputs, its reading and its
// own questions interleave: it gets every update, the outbox never claims more
// than was written, and holds no more than it may.
func TestNoUpdateIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size, largest = 8 << 10, 2 << 10
		r := &modelRoom{}
		o := &outbox{size: size}
		has := map[int]bool{}
		prefix := func() int {
			n := 0
			for has[n+1] {
				n++
			}
			return n
		}
		greeted := false
		step2 := func(bytes int) {
			r.line = append(r.line, model(protocol.SyncStep2, false, prefix(), r.seq, bytes))
			greeted = true
		}
		update := func() {
			r.seq++
			r.line = append(r.line, model(protocol.Update, true, r.seq-1, r.seq, rapid.IntRange(1, largest).Draw(t, "bytes")))
		}
		arrive := func() {
			if len(r.line) > 0 {
				if err := o.add(r.line[0]); err != nil {
					t.Fatal(err)
				}
				r.line = r.line[1:]
			}
			held := o.writing
			for _, f := range o.queue {
				held += f.cost()
			}
			if held != o.waiting+o.writing {
				t.Fatalf("%d bytes are held, %d are known of", held, o.waiting+o.writing)
			}
			// Half of the size, and the two that are kept.
			if bound := size/2 + 2*(largest+frameCost+64); held > bound {
				t.Fatalf("%d bytes are held", held)
			}
		}
		// write is what the writer does in two steps, so that frames arrive between them.
		write := func() {
			if len(o.batch) == 0 {
				switch {
				case o.due():
					o.asked = true
					from := int(o.written)
					r.line = append(r.line, model(protocol.Update, false, from, r.seq, rapid.IntRange(1, largest).Draw(t, "diff")))
				case !o.empty():
					o.take()
				}
				return
			}
			for _, f := range o.batch {
				var from, to int
				if _, err := fmt.Sscanf(string(f.state), "%d %d", &from, &to); err != nil {
					t.Fatal(err)
				}
				for i := from + 1; i <= to; i++ {
					has[i] = true
				}
			}
			o.wrote()
			if int(o.written) > prefix() {
				t.Fatalf("%d is claimed to be written, the client has all up to %d", o.written, prefix())
			}
		}
		for range rapid.IntRange(0, 50).Draw(t, "before") {
			update()
		}
		r.line = nil // nobody was there yet
		t.Repeat(map[string]func(*rapid.T){
			"update": func(*rapid.T) { update() },
			"burst": func(*rapid.T) {
				for range 8 {
					update()
					arrive()
				}
			},
			"step 2": func(t *rapid.T) { step2(rapid.IntRange(1, largest).Draw(t, "bytes")) },
			"arrive": func(*rapid.T) { arrive() },
			"write":  func(*rapid.T) { write() },
		})
		if !greeted {
			step2(1)
		}
		for range 1000 {
			arrive()
			write()
		}
		if got := prefix(); got != r.seq {
			t.Fatalf("the client has all up to %d of %d; %+v", got, r.seq, o)
		}
		if o.behind || o.asked || !o.empty() || o.waiting+o.writing != 0 {
			t.Fatalf("the outbox did not come to rest: %+v", o)
		}
	})
}

func presence(id uint64, state string) *frame {
	var data []byte
	data = lib0.AppendUint(data, 1)
	data = lib0.AppendUint(data, id)
	data = lib0.AppendUint(data, 1)
	data = lib0.AppendBytes(data, []byte(state))
	f := newMessage(protocol.Message{Type: protocol.Awareness, Data: data}, 0)
	f.shared = true
	return f
}

func held(o *outbox) (n int) {
	for _, f := range o.queue {
		n += f.cost()
	}
	return n
}

func TestAwarenessIsMerged(t *testing.T) {
	o := &outbox{size: defaultOutboxSize}
	for i := range 20_000 {
		if err := o.add(presence(uint64(i%50), fmt.Sprintf(`{"x":%d}`, i))); err != nil {
			t.Fatal(err)
		}
		if n := held(o); n != o.aware || n > 2*awareBatch {
			t.Fatalf("%d bytes of awareness are held, %d are known of", n, o.aware)
		}
	}
	// All that is left ends with the last word of everybody.
	var all []byte
	for _, f := range o.take() {
		all = append(all, f.head...)
	}
	for i := range 50 {
		if last := fmt.Sprintf(`{"x":%d}`, 20_000-50+i); !bytes.Contains(all, []byte(last)) {
			t.Errorf("%s is missing", last)
		}
	}
}

// Where people come without end, what waits is still bounded.
func TestAwarenessIsBounded(t *testing.T) {
	o := &outbox{size: 64 << 10}
	for i := range 10_000 {
		if err := o.add(presence(uint64(i), "null")); err != nil {
			t.Fatal(err)
		}
		if n := held(o); n > o.size/4 {
			t.Fatalf("%d bytes of awareness are held", n)
		}
	}
	big := presence(1, string(bytes.Repeat([]byte("1"), 100<<10)))
	o = &outbox{size: 64 << 10}
	if err := o.add(big); err != nil || len(o.queue) != 1 {
		t.Errorf("%d frames wait, %v: one message is taken however large", len(o.queue), err)
	}
}

func TestBadAwareness(t *testing.T) {
	o := &outbox{size: 1 << 10}
	bad := newMessage(protocol.Message{Type: protocol.Awareness, Data: bytes.Repeat([]byte{0xff}, 100)}, 0)
	if err := o.add(bad); err != nil {
		t.Fatal(err)
	}
	if err := o.add(bad); err == nil {
		t.Error("awareness that can't be read was merged")
	}
}

func TestOnlyTheNewest(t *testing.T) {
	o := &outbox{size: 1 << 10}
	for i := range 1000 {
		for _, f := range []*frame{pingFrame, keepaliveFrame, {kind: kindPong, head: []byte{byte(i)}}, {kind: kindSyncStep1, head: []byte{byte(i)}}} {
			if err := o.add(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	batch := o.take()
	if len(batch) != 4 || batch[1].head[0] != 999%256 || batch[3].head[0] != 999%256 {
		t.Errorf("%d frames wait", len(batch))
	}
}

// Which of SyncStep1 and SyncStep2 comes first is the room's to say.
func TestSyncStepsKeepTheirOrder(t *testing.T) {
	step := func(typ protocol.Type, seq uint64, size int) *frame {
		return newMessage(protocol.Message{Type: typ, Data: make([]byte, size)}, seq)
	}
	step1, step2 := step(protocol.SyncStep1, 0, 1), step(protocol.SyncStep2, 1, 1)
	newer, update := step(protocol.SyncStep1, 0, 2), step(protocol.Update, 2, 1)
	update.shared = true
	large := step(protocol.Update, 3, 1<<10)
	large.shared = true
	for name, tc := range map[string]struct{ in, want []*frame }{
		"ServerStarts":        {[]*frame{step1, step2, update}, []*frame{step1, step2, update}},
		"ClientStarts":        {[]*frame{step2, step1, update}, []*frame{step2, step1, update}},
		"asked again":         {[]*frame{step1, step2, newer, update}, []*frame{step2, newer, update}},
		"updates are dropped": {[]*frame{step2, update, step1, large}, []*frame{step2, step1}},
	} {
		t.Run(name, func(t *testing.T) {
			o := &outbox{size: 1 << 10}
			for _, f := range tc.in {
				if err := o.add(f); err != nil {
					t.Fatal(err)
				}
			}
			if got := o.take(); !slices.Equal(got, tc.want) {
				t.Errorf("%d frames wait, want %d in another order: %v", len(got), len(tc.want), got)
			}
		})
	}
}
