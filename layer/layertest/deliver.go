package layertest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

func deliverWhole(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t, name)
	want := []layer.Output{
		{Room: name, Consumer: c.address, Output: room.Output{To: 1<<64 - 1, Seq: 1<<64 - 1, Msg: protocol.Message{Type: protocol.SyncStep2, Data: []byte{0, 255, 'a'}}}},
		{Room: name, Consumer: c.address, Output: room.Output{To: 7, Msg: protocol.Message{Type: protocol.Close, Code: protocol.ClosePolicy, Reason: "käme später"}}},
		{Room: name, Output: room.Output{To: room.Everyone, Seq: 1, Msg: protocol.Message{Type: protocol.Awareness, Data: bytes.Repeat([]byte{7}, 1<<20)}}},
	}
	deliver(t, l, want...)
	waitUntil(t, "the outputs have come", func() bool { return len(c.outs.all()) >= len(want) })
	for i, got := range c.outs.all() {
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("output %d: %.200v, want %.200v", i, got, want[i])
		}
	}
}

// opened is a time that travels, to the nanosecond.
var opened = time.Unix(1_700_000_000, 123_456_789).UTC()

// An answer comes as it was given, and what is nil in it stays nil.
func deliverAnswer(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t)
	want := []*room.Answer{
		{
			Summary: room.Summary{Conns: 1, Clients: 2, Size: 1 << 40, Changed: opened},
			At:      room.Mark{Opened: opened, Seq: 1<<64 - 1},
			Update:  bytes.Repeat([]byte{0, 255}, 1<<19),
			Whole:   true,
			Vector:  []byte{0},
			Members: []room.Member{{ID: 1<<64 - 1, Access: room.Write | room.Present}},
			States:  []awareness.State{{Client: 1<<53 - 1, Clock: 7, Conn: 1<<64 - 1, JSON: []byte(`{"a":"ä"}`), Renewed: opened}},
		},
		{At: room.Mark{Seq: 3}},
		{Refusal: room.Refusal{Cause: room.Closed, Reason: "käme später", Code: protocol.CloseTryLater}},
	}
	for _, a := range want {
		deliver(t, l, layer.Output{Room: name, Consumer: c.address, Output: room.Output{To: 1<<64 - 1, Answer: a}})
	}
	waitUntil(t, "the answers have come", func() bool { return len(c.outs.all()) >= len(want) })
	for i, got := range c.outs.all() {
		a := *got.Answer
		for _, at := range []*time.Time{&a.Changed, &a.At.Opened} {
			*at = at.UTC()
		}
		a.States = slices.Clone(a.States)
		for i := range a.States {
			a.States[i].Renewed = a.States[i].Renewed.UTC()
		}
		if got.To != 1<<64-1 || got.Msg.Type != 0 || !reflect.DeepEqual(a, *want[i]) {
			t.Errorf("answer %d: %.300v, want %.300v", i, a, *want[i])
		}
	}
}

func deliverAddress(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	// An address is reached whether its consumer has joined the room or not.
	c, d := w.attach(t), w.attach(t, name)
	deliver(t, l, output(name, c.address, "to c"), output(name, d.address, "to d"))
	deliver(t, l, output(name, c.address, "end"), output(name, d.address, "end"))
	wantOuts(t, c, "to c", "end")
	wantOuts(t, d, "to d", "end")
}

func deliverEveryone(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	here, both, other, none := w.attach(t, name), w.attach(t, name, name+"2"), w.attach(t, name+"2"), w.attach(t)
	deliver(t, l, output(name, "", "to all"))
	for _, c := range []*consumer{here, both, other, none} {
		deliver(t, l, output(name, c.address, "end"))
	}
	wantOuts(t, here, "to all", "end")
	wantOuts(t, both, "to all", "end")
	wantOuts(t, other, "end")
	wantOuts(t, none, "end")
}

func deliverOrder(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t, name), w.attach(t, name)
	var wantC, wantD []string
	for i := range 100 {
		var outs []layer.Output
		for j := range i % 5 {
			text := fmt.Sprint(i, ".", j)
			switch (i + j) % 3 {
			case 0:
				outs = append(outs, output(name, "", text))
				wantC, wantD = append(wantC, text), append(wantD, text)
			case 1:
				outs = append(outs, output(name, c.address, text))
				wantC = append(wantC, text)
			case 2:
				outs = append(outs, output(name, d.address, text))
				wantD = append(wantD, text)
			}
		}
		deliver(t, l, outs...)
	}
	wantOuts(t, c, wantC...)
	wantOuts(t, d, wantD...)
}

func deliverRooms(t *testing.T, l layer.Layer) {
	const rooms, each = 4, 200
	w := serve(t, l, nil)
	c := w.attach(t)
	var delivering sync.WaitGroup
	for r := range rooms {
		name := fmt.Sprint(name, r)
		if err := c.Join(name); err != nil {
			t.Fatalf("Join: %v", err)
		}
		delivering.Go(func() {
			for i := range each {
				if err := l.Deliver(t.Context(), []layer.Output{output(name, "", strconv.Itoa(i))}); err != nil {
					t.Errorf("Deliver: %v", err)
				}
			}
		})
	}
	delivering.Wait()
	waitUntil(t, "all outputs have come", func() bool { return len(c.outs.all()) >= rooms*each })
	next := map[string]int{}
	for _, out := range c.outs.all() {
		if got, want := string(out.Msg.Data), strconv.Itoa(next[out.Room]); got != want {
			t.Fatalf("room %s: output %s came where %s was due", out.Room, got, want)
		}
		next[out.Room]++
	}
}

func deliverSlice(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t, name)
	outs := make([]layer.Output, 1)
	var want []string
	for i := range 100 {
		want = append(want, strconv.Itoa(i))
		outs[0] = output(name, "", want[i])
		deliver(t, l, outs...)
		outs[0] = output("another room", "nobody", "overwritten")
	}
	wantOuts(t, c, want...)
}

func deliverGone(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t, name), w.attach(t, name)
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	deliver(t, l, output(name, c.address, "to c"), output(name, "", "to all"))
	wantOuts(t, d, "to all")
}

func deliverReentrant(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	var port layer.Port
	answered := make(chan error, 1)
	port, err := l.Attach(func([]layer.Output) {
		answered <- errors.Join(port.Join(name+"2"), port.Leave(name+"2"), port.Send(input(name, 1, 1)))
	})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	defer func() { _ = port.Close() }()
	if err := port.Join(name); err != nil {
		t.Fatalf("Join: %v", err)
	}
	deliver(t, l, output(name, "", "question"))
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("a method that was called from deliver does not return")
	}
	waitUntil(t, "the answer has come", func() bool { return len(w.ins.all()) == 1 })
}

func deliverWhileLeaving(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	first := w.attach(t, name)
	var leaver layer.Port
	leaver, err := l.Attach(func([]layer.Output) {
		if err := leaver.Leave(name); err != nil {
			t.Errorf("Leave: %v", err)
		}
	})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	defer func() { _ = leaver.Close() }()
	if err := leaver.Join(name); err != nil {
		t.Fatalf("Join: %v", err)
	}
	others := []*consumer{first, w.attach(t, name), w.attach(t, name)}
	deliver(t, l, output(name, "", "to all"))
	for _, c := range others {
		deliver(t, l, output(name, c.address, "end"))
		wantOuts(t, c, "to all", "end")
	}
}
