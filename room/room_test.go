package room

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

func TestLoadRefuses(t *testing.T) {
	r := New(Config{})
	if err := r.Load([]byte{1}, blocks.V1); !errors.Is(err, blocks.ErrMalformed) {
		t.Errorf("error %v, want blocks.ErrMalformed", err)
	}
	if got := r.blocks.Encode(blocks.V1); !bytes.Equal(got, []byte{0, 0}) {
		t.Errorf("the document is %x", got)
	}
}

func TestStepKeepsNoInputs(t *testing.T) {
	r := New(Config{})
	ins := []event.Input{
		{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite},
		write(1, testkit.Typed(7, 0, "a")),
	}
	got := r.Step(at(1), ins)
	clear(ins)
	if want := testkit.Typed(7, 0, "a"); !bytes.Equal(got.Update, want) {
		t.Errorf("update %x, want %x", got.Update, want)
	}
	// The outputs to several connections share their data.
	got = r.Step(at(1), []event.Input{
		{Kind: event.InputJoin, Conn: 2},
		{Kind: event.InputJoin, Conn: 3},
		message(2, protocol.SyncStep1, []byte{0}),
		message(3, protocol.SyncStep1, []byte{0}),
	})
	for i := 0; i < 4; i += 2 {
		if &got.Durable[i].Message.Data[0] != &got.Durable[i+1].Message.Data[0] {
			t.Errorf("outputs %d and %d were encoded twice", i, i+1)
		}
	}
}

// TestRefuse checks that a room that refuses updates takes everything else.
func TestRefuse(t *testing.T) {
	r := New(Config{})
	r.Step(at(1), []event.Input{
		{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite},
		{Kind: event.InputJoin, Conn: 2, Access: event.AccessWrite},
		write(1, testkit.Typed(7, 0, "ab")),
	})
	why := protocol.CloseError{Code: protocol.CloseTryLater, Reason: "not now"}
	r.Refuse(&why)
	got := r.Step(at(2), []event.Input{
		write(1, testkit.Typed(7, 2, "c")),
		write(2, testkit.Typed(7, 0, "ab")), // is known
		message(2, protocol.SyncStep2, []byte{0, 0}),
		{Kind: event.InputRequest, Conn: 3, Request: &event.Request{Kind: event.RequestApply, Update: testkit.Typed(8, 0, "x")}},
	})
	if len(got.Durable) > 0 || got.Update != nil || len(got.Now) != 2 {
		t.Fatalf("effects %+v, want two outputs", got)
	}
	if out := got.Now[0]; out.To != 1 || out.Message.Code != why.Code || out.Message.Reason != why.Reason {
		t.Errorf("the first output is %+v, want a Close for 1", out)
	}
	if out := got.Now[1]; out.To != 3 || out.Response == nil || out.Response.Refusal != (event.Refusal{Cause: event.CauseClosed, Code: why.Code, Reason: why.Reason}) {
		t.Errorf("the second output is %+v, want a refusal for 3", out)
	}
	r.Refuse(nil)
	if got := r.Step(at(3), []event.Input{write(2, testkit.Typed(7, 2, "c"))}); got.Update == nil {
		t.Error("the room still refuses updates")
	}
}

// Connections that join an unchanged document with nothing share one encoding of it.
// The room doesn't keep the encoding once it was sent to all of them.
func TestManyJoin(t *testing.T) {
	const size = 5_000_000
	r := New(Config{})
	if err := r.Load(testkit.Typed(7, 0, strings.Repeat("x", size)), blocks.V1); err != nil {
		t.Fatal(err)
	}
	join := func(conn event.ConnID) []byte {
		t.Helper()
		got := r.Step(at(1), []event.Input{
			{Kind: event.InputJoin, Conn: conn, Access: event.AccessWrite},
			message(conn, protocol.SyncStep1, []byte{0}),
		})
		if len(got.Durable) != 2 || got.Durable[1].Message.Type != protocol.SyncStep2 {
			t.Fatalf("%d outputs to a connection that joined", len(got.Durable))
		}
		return got.Durable[1].Message.Data
	}
	kept := func() uint64 {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}

	before := kept()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	allocated := memory.TotalAlloc
	waiting := [][]byte{join(1)} // the data that still has to be written
	for conn := event.ConnID(2); conn <= 1000; conn++ {
		if conn%100 == 0 {
			runtime.GC()
		}
		waiting = append(waiting, join(conn))
		if &waiting[conn-1][0] != &waiting[0][0] {
			t.Fatalf("the document was encoded again for connection %d", conn)
		}
	}
	runtime.ReadMemStats(&memory)
	if n := memory.TotalAlloc - allocated; n > 2*size {
		t.Errorf("1,000 joins allocated %d bytes, want one encoding of %d", n, size)
	}

	change := testkit.Typed(8, 0, "!")
	r.Step(at(1), []event.Input{write(1, change)})
	doc := blocks.New()
	if _, err := doc.Apply(join(1001), blocks.V1); err != nil {
		t.Fatal(err)
	}
	if held, err := doc.Contains(change, blocks.V1); !held || err != nil {
		t.Errorf("a connection that joined after a change does not have it (%v)", err)
	}

	runtime.KeepAlive(waiting)
	if n := int64(kept() - before); n > size/10 {
		t.Errorf("%d bytes are kept after all have joined", n)
	}
	runtime.KeepAlive(r)
}

// A room that keeps its history stores and sends what was deleted, even if it was
// typed and deleted in one turn. Any other room drops it.
func TestHistory(t *testing.T) {
	const deletion = "\x00\x01\x07\x01\x00\x08" // client 7's first 8 elements
	for _, enc := range []blocks.Encoding{blocks.V1, blocks.V2} {
		for _, history := range []bool{false, true} {
			r := New(Config{Encoding: enc, Blocks: blocks.Options{History: history}})
			r.Step(at(1), []event.Input{{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite}})
			send := func(updates ...[]byte) Effects {
				var ins []event.Input
				for _, u := range updates {
					ins = append(ins, write(1, recoded(enc, u)))
				}
				return r.Step(at(1), ins)
			}
			got := send(testkit.Typed(7, 0, "mistaken"), []byte(deletion))
			if history && !bytes.Contains(got.Update, []byte("mistaken")) {
				t.Errorf("V%d: stored %q", enc, got.Update)
			}
			if history && !bytes.Contains(got.Durable[0].Message.Data, []byte("mistaken")) {
				t.Errorf("V%d: broadcast %q", enc, got.Durable[0].Message.Data)
			}
			got = r.Step(at(1), []event.Input{message(1, protocol.SyncStep1, []byte{0})})
			if bytes.Contains(got.Durable[0].Message.Data, []byte("mistaken")) != history {
				t.Errorf("V%d, history %v: the answer to a SyncStep1 is %q", enc, history, got.Durable[0].Message.Data)
			}
		}
	}
}

// A connection is answered once a turn, however many requests it sends, unless it has
// left and joined again meanwhile.
func TestAnswersOnceATurn(t *testing.T) {
	for typ, want := range map[protocol.Type]protocol.Type{
		protocol.SyncStep1:      protocol.SyncStep2,
		protocol.QueryAwareness: protocol.Awareness,
	} {
		r := New(Config{})
		ask := message(1, typ, []byte{0})
		join := event.Input{Kind: event.InputJoin, Conn: 1}
		r.Step(at(1), []event.Input{join})
		for _, c := range []struct {
			ins  []event.Input
			want int
		}{
			{slices.Repeat([]event.Input{ask}, 1000), 1},
			{[]event.Input{ask, {Kind: event.InputLeave, Conn: 1}, join, ask, ask}, 2},
		} {
			got := 0
			effects := r.Step(at(1), c.ins)
			for _, o := range append(effects.Now, effects.Durable...) {
				if o.To == 1 && o.Message.Type == want {
					got++
				}
			}
			if got != c.want {
				t.Errorf("%d inputs with messages of type %d got %d answers, want %d", len(c.ins), typ, got, c.want)
			}
		}
	}
}

// TestAllocations bounds the allocations of a turn with one small update.
func TestAllocations(t *testing.T) {
	r := New(Config{})
	for conn := event.ConnID(1); conn <= 5; conn++ {
		r.Step(at(1), []event.Input{{Kind: event.InputJoin, Conn: conn, Access: event.AccessWrite | event.AccessPresent}})
	}
	const turns = 2000
	ins := make([]event.Input, 0, turns+1)
	for i := range uint64(turns + 1) {
		ins = append(ins, write(3, testkit.Typed(7, i, "x")))
	}
	n := testing.AllocsPerRun(turns, func() {
		if got := r.Step(at(1), ins[:1]); got.Update == nil || len(got.Durable) != 1 {
			t.Fatalf("%v", got)
		}
		ins = ins[1:]
	})
	t.Logf("%v allocations a turn", n)
	if n > 2 {
		t.Errorf("%v allocations a turn, at most 2 are allowed", n)
	}
}
