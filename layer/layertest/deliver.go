package layertest

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

func deliverWhole(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	mark := event.Mark{Epoch: 1<<64 - 1, Seq: 1<<64 - 2}
	message := func(o event.Output, m protocol.Message) event.Output {
		o.Kind, o.Message = event.OutputMessage, m
		return o
	}
	want := []event.Output{
		message(event.Output{To: 1<<64 - 1, Mark: mark, Vector: []byte{0}}, protocol.Message{Type: protocol.SyncStep2, Data: []byte{0, 255, 'a'}}),
		message(event.Output{To: 7}, protocol.Message{Type: protocol.Close, Code: protocol.ClosePolicy, Reason: "käme später"}),
		message(event.Output{To: event.Everyone, Mark: mark}, protocol.Message{Type: protocol.Awareness, Data: bytes.Repeat([]byte{7}, 1<<20)}),
		{Kind: event.OutputRejoin, To: 7},
		{Kind: event.OutputProbe, To: 7},
		{Kind: event.OutputAccess, To: 7, Access: event.AccessWrite, AccessSeq: 1<<64 - 1},
		{Kind: event.OutputMessage, To: 7, Message: protocol.Message{Type: protocol.Ack, Count: 3}},
		{Kind: event.OutputMessage, Reach: event.ReachOthers, Mark: mark, Message: protocol.Message{Type: protocol.Update, Data: []byte{0, 0}}},
	}
	for _, out := range want {
		w.Deliver([]layer.Output{{Room: name, To: f.address, Output: out}})
	}
	waitUntil(t, "the outputs arrive", func() bool { return len(f.outs.all()) >= len(want) })
	for i, got := range f.outs.all() {
		if want := (layer.Output{Room: name, To: f.address, Output: want[i]}); !reflect.DeepEqual(got, want) {
			t.Errorf("output %d: %.200v, want %.200v", i, got, want)
		}
	}
}

// deliverResponse checks that a response arrives as it was sent, and that what
// is nil in it stays nil.
func deliverResponse(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	when := time.Unix(1_700_000_000, 123_456_789).UTC()
	mark := event.Mark{Epoch: 1<<64 - 1, Seq: 1<<64 - 2}
	want := []event.Response{
		{
			Summary: event.Summary{Conns: 1, Clients: 2, Size: 1 << 40, Pending: 1 << 39, Edits: 3, Changed: when, Worker: "ä-1"},
			Mark:    mark,
			Update:  bytes.Repeat([]byte{0, 255}, 1<<19),
			Whole:   true,
			Vector:  []byte{0},
			Members: []event.Member{{ID: 1<<64 - 1, Access: event.AccessWrite | event.AccessPresent}},
			States:  []awareness.State{{Client: 1<<53 - 1, Clock: 7, Conn: 1<<64 - 1, JSON: []byte(`{"a":"ä"}`), Renewed: when}},
		},
		{Mark: event.Mark{Seq: 3}},
		{Refusal: event.Refusal{Cause: event.CauseClosed, Reason: "käme später", Code: protocol.CloseTryLater}},
		{
			Rooms: []event.RoomInfo{
				{Name: "ä", State: event.RoomOpen, Summary: event.Summary{Conns: 1, Changed: when, Worker: "b-2"}, StoredBytes: 1 << 40, StoredAt: when},
				{Name: "b", State: event.RoomFailed, Failure: &protocol.CloseError{Code: protocol.CloseInternal, Reason: "a bug"}},
			},
			Open: 2,
		},
	}
	for _, r := range want {
		w.Deliver([]layer.Output{{Room: name, To: f.address, Output: event.Output{Kind: event.OutputResponse, To: 1<<64 - 1, Response: &r}}})
	}
	waitUntil(t, "the responses arrive", func() bool { return len(f.outs.all()) >= len(want) })
	for i, got := range f.outs.all() {
		r := inUTC(*got.Response)
		if got.Kind != event.OutputResponse || got.Output.To != 1<<64-1 || got.Message.Type != 0 || !reflect.DeepEqual(r, want[i]) {
			t.Errorf("response %d: %.300v, want %.300v", i, r, want[i])
		}
	}
}

// inUTC returns r with all times in UTC: a layer may change their location.
func inUTC(r event.Response) event.Response {
	r.Summary.Changed = r.Summary.Changed.UTC()
	for i := range r.States {
		r.States[i].Renewed = r.States[i].Renewed.UTC()
	}
	for i := range r.Rooms {
		info := &r.Rooms[i]
		info.Summary.Changed, info.StoredAt = info.Summary.Changed.UTC(), info.StoredAt.UTC()
	}
	return r
}

func deliverAddress(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f, g := w.attach(t), w.attach(t)
	w.Deliver([]layer.Output{output(name, f.address, "to f"), output(name, g.address, "to g"), output(name, f.address, "end")})
	wantOuts(t, f, "to f", "end")
	wantOuts(t, g, "to g")
}

func deliverOrder(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f, g := w.attach(t), w.attach(t)
	var wantF, wantG []string
	for i := range 100 {
		var outs []layer.Output
		for j := range i % 5 {
			text := fmt.Sprint(i, ".", j)
			if (i+j)%3 != 0 {
				outs = append(outs, output(name, f.address, text))
				wantF = append(wantF, text)
			}
			if (i+j)%3 != 1 {
				outs = append(outs, output(name, g.address, text))
				wantG = append(wantG, text)
			}
		}
		w.Deliver(outs)
	}
	wantOuts(t, f, wantF...)
	wantOuts(t, g, wantG...)
}

func deliverRooms(t *testing.T, l layer.Layer) {
	const rooms, each = 4, 200
	w := serve(t, l, nil)
	f := w.attach(t)
	var delivering sync.WaitGroup
	for r := range rooms {
		name := fmt.Sprint(name, r)
		delivering.Go(func() {
			for i := range each {
				w.Deliver([]layer.Output{output(name, f.address, strconv.Itoa(i))})
			}
		})
	}
	delivering.Wait()
	waitUntil(t, "all outputs arrive", func() bool { return len(f.outs.all()) >= rooms*each })
	next := map[string]int{}
	for _, out := range f.outs.all() {
		if got, want := string(out.Message.Data), strconv.Itoa(next[out.Room]); got != want {
			t.Fatalf("room %s: output %s arrived, want %s", out.Room, got, want)
		}
		next[out.Room]++
	}
}

func deliverSlice(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	outs := make([]layer.Output, 1)
	var want []string
	for i := range 100 {
		want = append(want, strconv.Itoa(i))
		outs[0] = output(name, f.address, want[i])
		w.Deliver(outs)
		outs[0] = output("another room", "no front", "overwritten")
	}
	wantOuts(t, f, want...)
}

func deliverGone(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f, g := w.attach(t), w.attach(t)
	if err := f.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	w.Deliver([]layer.Output{output(name, f.address, "to f"), output(name, g.address, "to g")})
	wantOuts(t, g, "to g")
	if outs := f.outs.all(); len(outs) > 0 {
		t.Errorf("%v was delivered to a closed front", outs)
	}
}

func deliverReentrant(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	answered := make(chan error, 1)
	attached := make(chan struct{})
	var f *front
	f = w.attachWith(t, func([]layer.Output) {
		<-attached
		answered <- f.Send(input(name, 1, 1))
	})
	close(attached)
	w.Deliver([]layer.Output{output(name, f.address, "question")})
	select {
	case err := <-answered:
		if err != nil {
			t.Errorf("Send: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Send doesn't return when it is called from Deliver")
	}
	waitUntil(t, "the answer arrives", func() bool { return len(w.ins.all()) == 1 })
}
