package layertest

import (
	"bytes"
	"errors"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

func sendWhole(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t), w.attach(t)
	if c.address == "" || c.address == d.address {
		t.Errorf("two ports have the addresses %q and %q", c.address, d.address)
	}
	at := time.Unix(1_700_000_000, 123_456_789)
	want := []layer.Input{
		{Room: name, Input: room.Input{Kind: room.Join, Conn: 1, Access: room.Write | room.Present, Open: room.ClientStarts, At: at}},
		{Room: name, Input: room.Input{Kind: room.Message, Conn: 1<<64 - 1, At: at, Msg: protocol.Message{Type: protocol.Update, Data: []byte{0, 255, 'a'}}}},
		{Room: name, Input: room.Input{Kind: room.Resync, Conn: 1, Seq: 1<<64 - 1, At: at}},
		{Room: name, Input: room.Input{Kind: room.Leave, Conn: 1, At: at}},
		{Room: name, Input: room.Input{Kind: room.Query, Conn: 2, At: at, Ask: &room.Ask{
			Since: room.Mark{Opened: opened, Seq: 1<<64 - 1}, Bare: true,
		}}},
		{Room: name, Input: room.Input{Kind: room.Query, Conn: 2, At: at, Ask: &room.Ask{Vector: []byte{0}}}},
		{Room: name, Input: room.Input{Kind: room.Watch, Conn: 2, At: at, Ask: &room.Ask{}}},
		{Room: name, Input: room.Input{Kind: room.Apply, Conn: 2, At: at, Ask: &room.Ask{
			Update: bytes.Repeat([]byte{0, 255}, 1<<19), Client: 1<<53 - 1, Clock: 1 << 40,
		}}},
		{Room: name, Input: room.Input{Kind: room.Create, Conn: 2, At: at, Ask: &room.Ask{Update: []byte{0, 0}}}},
		{Room: name, Input: room.Input{Kind: room.Delete, Conn: 2, At: at, Ask: &room.Ask{}}},
	}
	for _, in := range want {
		in.Consumer = "not " + c.address // is set by the port
		send(t, c, in)
	}
	waitUntil(t, "the inputs have come", func() bool { return len(w.ins.all()) >= len(want) })
	for i, got := range w.ins.all() {
		if !got.At.Equal(at) {
			t.Errorf("input %d is of %v, want %v", i, got.At, at)
		}
		got.At = at
		if got.Ask != nil {
			if since := &got.Ask.Since.Opened; since.Equal(want[i].Ask.Since.Opened) {
				*since = want[i].Ask.Since.Opened // in whatever place
			}
		}
		want[i].Consumer = c.address
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("input %d: %.200v %.200v, want %.200v %.200v", i, got, got.Ask, want[i], want[i].Ask)
		}
	}
}

func sendNoOwner(t *testing.T, l layer.Layer) {
	p, err := l.Attach(func([]layer.Output) {})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	defer func() { _ = p.Close() }()
	if err := p.Send(input(name, 1, 1)); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("Send gave %v, want ErrNoOwner", err)
	}
}

func sendAfterServe(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t)
	w.stop(t)
	if err := c.Send(input(name, 1, 1)); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("Send gave %v, want ErrNoOwner", err)
	}
}

func sendFull(t *testing.T, l layer.Layer) {
	var full atomic.Bool
	var taken list[string]
	w := serve(t, l, func(in layer.Input) error {
		if full.Load() {
			return layer.ErrFull
		}
		taken.add(string(in.Msg.Data))
		return nil
	})
	c := w.attach(t)
	full.Store(true)
	if err := c.Send(input(name, 1, 1)); !errors.Is(err, layer.ErrFull) {
		t.Errorf("Send gave %v, want ErrFull", err)
	}
	full.Store(false)
	send(t, c, input(name, 1, 2))
	waitUntil(t, "an input is taken", func() bool { return len(taken.all()) > 0 })
	if got := taken.all(); !reflect.DeepEqual(got, []string{"2"}) {
		t.Errorf("taken: %q", got)
	}
}

func sendOrder(t *testing.T, l layer.Layer) {
	const conns, each = 4, 200
	w := serve(t, l, nil)
	c := w.attach(t)
	var sending sync.WaitGroup
	for conn := range conns {
		sending.Go(func() {
			for i := range each {
				if err := c.Send(input(name, room.ConnID(conn+1), i)); err != nil {
					t.Errorf("Send: %v", err)
					return
				}
			}
		})
	}
	sending.Wait()
	waitUntil(t, "all inputs have come", func() bool { return len(w.ins.all()) >= conns*each })
	next := map[room.ConnID]int{}
	for _, in := range w.ins.all() {
		if got, want := string(in.Msg.Data), strconv.Itoa(next[in.Conn]); got != want {
			t.Fatalf("connection %d: input %s came where %s was due", in.Conn, got, want)
		}
		next[in.Conn]++
	}
}
