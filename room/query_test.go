package room

import (
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
	r := New(Config{Encoding: blocks.V2}) // what is asked for is V1 nevertheless
	r.Step([]Input{
		{Kind: Join, Conn: 2, Access: Write | Present, At: at(1)},
		{Kind: Join, Conn: 1, At: at(1)},
		{Kind: Message, Conn: 2, Msg: protocol.Message{Type: protocol.Awareness, Data: []byte("\x01\x07\x01\x02{}")}, At: at(2)},
	})
	want := Answer{
		Summary: Summary{Conns: 2, Clients: 1},
		Seq:     1,
		Update:  []byte{0, 0},
		Members: []Member{{ID: 1}, {ID: 2, Access: Write | Present}},
		States:  []awareness.State{{Client: 7, Clock: 1, Conn: 2, JSON: []byte("{}"), Renewed: at(2)}},
	}
	got := r.Query(0)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got.States[0].JSON[0] = 'x' // the answer is the caller's
	if got := string(r.Query(1).States[0].JSON); got != "{}" {
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
	for since, want := range map[uint64][]byte{
		0: insertion(7, 0, "ab"), 1: insertion(7, 0, "ab"), 2: insertion(7, 1, "b"), 3: nil,
		9: insertion(7, 0, "ab"), // of another life
	} {
		if diff := cmp.Diff(want, r.Query(since).Update); diff != "" {
			t.Errorf("since %d: (-want +got)\n%s", since, diff)
		}
	}
}
