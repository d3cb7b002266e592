package room

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

func at(second int64) time.Time { return time.Unix(second, 0) }

func message(conn event.ConnID, typ protocol.Type, data []byte) event.Input {
	return event.Input{Kind: event.InputMessage, Conn: conn, Message: protocol.Message{Type: typ, Data: data}}
}

func write(conn event.ConnID, update []byte) event.Input {
	return message(conn, protocol.Update, update)
}

// query returns the response to a query in a turn of its own.
func query(t *testing.T, r *Room, request event.Request) event.Response {
	t.Helper()
	request.Kind = event.RequestQuery
	e := r.Step(at(9), []event.Input{{Kind: event.InputRequest, Conn: 99, Request: &request}})
	if len(e.Durable) != 1 || e.Durable[0].To != 99 || e.Durable[0].Response == nil || len(e.Now) > 0 || e.Update != nil {
		t.Fatalf("a query led to %+v", e)
	}
	return *e.Durable[0].Response
}

func TestSummaryHasTheLastChange(t *testing.T) {
	r := New(Config{})
	if err := r.Load(testkit.Typed(9, 0, "stored"), blocks.V1); err != nil {
		t.Fatal(err)
	}
	loaded := r.Summary(at(1))
	if loaded.Size == 0 || !loaded.Changed.IsZero() {
		t.Errorf("a loaded room: %+v", loaded)
	}
	r.Step(at(2), []event.Input{{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite}, write(1, testkit.Typed(7, 0, "a"))})
	changed := r.Summary(at(2))
	if changed.Size <= loaded.Size || !changed.Changed.Equal(at(2)) || changed.Conns != 1 {
		t.Errorf("after an edit: %+v", changed)
	}
	r.Step(at(3), []event.Input{write(1, testkit.Typed(7, 0, "a"))}) // the same update again, which adds nothing
	if diff := cmp.Diff(changed, r.Summary(at(3))); diff != "" {
		t.Errorf("nothing was new (-want +got)\n%s", diff)
	}
}

func TestQuery(t *testing.T) {
	const epoch = 9
	r := New(Config{Epoch: epoch, Encoding: blocks.V2, Worker: "w"}) // responses are in V1 nevertheless
	r.Step(at(2), []event.Input{
		{Kind: event.InputJoin, Conn: 2, Access: event.AccessWrite | event.AccessPresent},
		{Kind: event.InputJoin, Conn: 1},
		message(2, protocol.Awareness, testkit.Present(7, 1, "{}")),
	})
	want := event.Response{
		Summary: event.Summary{Conns: 2, Clients: 1, Worker: "w"},
		Mark:    event.Mark{Epoch: epoch, Seq: 1},
		Update:  []byte{0, 0},
		Whole:   true,
		Vector:  []byte{0},
		Members: []event.Member{{ID: 1}, {ID: 2, Access: event.AccessWrite | event.AccessPresent}},
		States:  []awareness.State{{Client: 7, Clock: 1, Conn: 2, JSON: []byte("{}"), Renewed: at(2)}},
	}
	got := query(t, r, event.Request{})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got.States[0].JSON[0] = 'x' // the caller owns the response
	if got := string(query(t, r, event.Request{}).States[0].JSON); got != "{}" {
		t.Errorf("the state has become %s", got)
	}

	r.saveEvery = 1
	for i, text := range []string{"a", "b"} {
		v2, err := blocks.Convert(blocks.V1, blocks.V2, testkit.Typed(7, uint64(i), text))
		if err != nil {
			t.Fatal(err)
		}
		r.Step(at(3), []event.Input{write(2, v2)})
	}
	ab, b := testkit.Typed(7, 0, "ab"), testkit.Typed(7, 1, "b")
	for _, test := range []struct {
		name  string
		ask   event.Request
		want  []byte
		whole bool
	}{
		{"all", event.Request{}, ab, true},
		{"since the beginning", event.Request{Since: event.Mark{Epoch: epoch, Seq: 1}}, ab, false},
		{"since the first letter", event.Request{Since: event.Mark{Epoch: epoch, Seq: 2}}, b, false},
		{"since now", event.Request{Since: event.Mark{Epoch: epoch, Seq: 3}}, nil, false},
		{"since a sequence that was never reached", event.Request{Since: event.Mark{Epoch: epoch, Seq: 9}}, ab, true},
		{"since another epoch", event.Request{Since: event.Mark{Epoch: 8, Seq: 3}}, ab, true},
		{"since a Mark without an epoch", event.Request{Since: event.Mark{Seq: 3}}, ab, true},
		{"behind a state vector", event.Request{Vector: []byte{1, 7, 1}}, b, false},
		{"behind an empty state vector", event.Request{Vector: []byte{0}}, ab, false},
		{"bare", event.Request{Bare: true}, nil, false},
	} {
		a := query(t, r, test.ask)
		if diff := cmp.Diff(test.want, a.Update); diff != "" || a.Whole != test.whole {
			t.Errorf("%s: whole %v, (-want +got)\n%s", test.name, a.Whole, diff)
		}
		if a.Mark != (event.Mark{Epoch: epoch, Seq: 3}) || !bytes.Equal(a.Vector, []byte{1, 7, 2}) {
			t.Errorf("%s: mark %+v, state vector %v", test.name, a.Mark, a.Vector)
		}
	}
	if a := query(t, r, event.Request{Vector: []byte{9}}); a.Refusal.Cause != event.CauseMalformed || a.Refusal.Reason == "" || a.Vector != nil {
		t.Errorf("a malformed state vector led to %+v", a)
	}
}

// A room with a watcher is not empty, but neither the summary nor the members count it.
func TestWatchersAreNotShown(t *testing.T) {
	r := New(Config{})
	r.Step(at(1), []event.Input{{Kind: event.InputRequest, Conn: 5, Request: &event.Request{Kind: event.RequestWatch}}})
	if a := query(t, r, event.Request{}); r.Empty() || len(a.Members) > 0 || a.Summary.Conns != 0 {
		t.Errorf("empty %v, response %+v", r.Empty(), a)
	}
	r.Step(at(2), []event.Input{{Kind: event.InputLeave, Conn: 5}})
	if !r.Empty() {
		t.Error("the room is not empty when the watcher has left")
	}
}

// A state vector that is saved when another worker's update is merged is that of the
// document before it.
func TestQueryAfterMerge(t *testing.T) {
	r := New(Config{Epoch: 9})
	before := query(t, r, event.Request{}).Mark
	update := testkit.Typed(7, 0, "a")
	if _, err := r.Merge(at(1), bytes.Clone(update), blocks.V1); err != nil {
		t.Fatal(err)
	}
	got := query(t, r, event.Request{Since: before})
	if !bytes.Equal(got.Update, update) || got.Mark.Seq != before.Seq+1 {
		t.Errorf("since %v: %x at %v, want %x", before, got.Update, got.Mark, update)
	}
}
