package room

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/protocol"
)

func at(second int64) time.Time { return time.Unix(second, 0) }

func write(conn ConnID, update []byte, when time.Time) Input {
	return Input{Kind: Message, Conn: conn, Msg: protocol.Message{Type: protocol.Update, Data: update}, At: when}
}

// asked gives the answer to a Query that is a turn of its own.
func asked(t *testing.T, r *Room, ask Ask) Answer {
	t.Helper()
	e := r.Step([]Input{{Kind: Query, Conn: 99, Ask: &ask}})
	if len(e.Durable) != 1 || e.Durable[0].To != 99 || e.Durable[0].Answer == nil || len(e.Now) > 0 || e.Update != nil {
		t.Fatalf("a Query led to %+v", e)
	}
	return *e.Durable[0].Answer
}

func TestSummaryTellsOfTheLastChange(t *testing.T) {
	r := New(Config{})
	if err := r.Load(insertion(9, 0, "stored"), blocks.V1); err != nil {
		t.Fatal(err)
	}
	loaded := r.Summary()
	if loaded.Size == 0 || !loaded.Changed.IsZero() {
		t.Errorf("a loaded room: %+v", loaded)
	}
	r.Step([]Input{{Kind: Join, Conn: 1, Access: Write, At: at(1)}, write(1, insertion(7, 0, "a"), at(2))})
	changed := r.Summary()
	if changed.Size <= loaded.Size || !changed.Changed.Equal(at(2)) || changed.Conns != 1 {
		t.Errorf("after an edit: %+v", changed)
	}
	r.Step([]Input{write(1, insertion(7, 0, "a"), at(3))}) // again, so nothing is new
	if diff := cmp.Diff(changed, r.Summary()); diff != "" {
		t.Errorf("nothing was new (-want +got)\n%s", diff)
	}
}

func TestQuery(t *testing.T) {
	life := at(9)
	r := New(Config{Encoding: blocks.V2}) // what is asked for is V1 nevertheless
	r.Open(life)
	r.Step([]Input{
		{Kind: Join, Conn: 2, Access: Write | Present, At: at(1)},
		{Kind: Join, Conn: 1, At: at(1)},
		{Kind: Message, Conn: 2, Msg: protocol.Message{Type: protocol.Awareness, Data: []byte("\x01\x07\x01\x02{}")}, At: at(2)},
	})
	want := Answer{
		Summary: Summary{Conns: 2, Clients: 1},
		At:      Mark{life, 1},
		Update:  []byte{0, 0},
		Whole:   true,
		Vector:  []byte{0},
		Members: []Member{{ID: 1}, {ID: 2, Access: Write | Present}},
		States:  []awareness.State{{Client: 7, Clock: 1, Conn: 2, JSON: []byte("{}"), Renewed: at(2)}},
	}
	got := asked(t, r, Ask{})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got.States[0].JSON[0] = 'x' // the answer is the caller's
	if got := string(asked(t, r, Ask{}).States[0].JSON); got != "{}" {
		t.Errorf("the state has become %s", got)
	}

	r.markEvery = 1
	for i, text := range []string{"a", "b"} {
		v2, err := blocks.Convert(blocks.V1, blocks.V2, insertion(7, uint64(i), text))
		if err != nil {
			t.Fatal(err)
		}
		r.Step([]Input{write(2, v2, at(3))})
	}
	ab, b := insertion(7, 0, "ab"), insertion(7, 1, "b")
	for _, test := range []struct {
		name  string
		ask   Ask
		want  []byte
		whole bool
	}{
		{"all", Ask{}, ab, true},
		{"since the beginning", Ask{Since: Mark{life, 1}}, ab, false},
		{"since the first letter", Ask{Since: Mark{life, 2}}, b, false},
		{"since now", Ask{Since: Mark{life, 3}}, nil, false},
		{"since a sequence that was never reached", Ask{Since: Mark{life, 9}}, ab, true},
		{"since another life", Ask{Since: Mark{at(8), 3}}, ab, true},
		{"since it was not open", Ask{Since: Mark{Seq: 3}}, ab, true},
		{"behind a state vector", Ask{Vector: []byte{1, 7, 1}}, b, false},
		{"behind an empty state vector", Ask{Vector: []byte{0}}, ab, false},
		{"bare", Ask{Bare: true}, nil, false},
	} {
		a := asked(t, r, test.ask)
		if diff := cmp.Diff(test.want, a.Update); diff != "" || a.Whole != test.whole {
			t.Errorf("%s: whole %v, (-want +got)\n%s", test.name, a.Whole, diff)
		}
		if a.At != (Mark{life, 3}) || !bytes.Equal(a.Vector, []byte{1, 7, 2}) {
			t.Errorf("%s: at %+v, state vector %v", test.name, a.At, a.Vector)
		}
	}
	if a := asked(t, r, Ask{Vector: []byte{9}}); a.Refusal.Cause != Malformed || a.Refusal.Reason == "" || a.Vector != nil {
		t.Errorf("what is no state vector led to %+v", a)
	}
}

// Summary and members leave out those who watch, but the room is not empty for them.
func TestWatchersAreNotShown(t *testing.T) {
	r := New(Config{})
	r.Step([]Input{{Kind: Watch, Conn: 5, Ask: &Ask{}}})
	if a := asked(t, r, Ask{}); r.Empty() || len(a.Members) > 0 || a.Conns != 0 {
		t.Errorf("empty %v, answer %+v", r.Empty(), a)
	}
	r.Step([]Input{{Kind: Leave, Conn: 5}})
	if !r.Empty() {
		t.Error("the room is not empty when the watcher has left")
	}
}
