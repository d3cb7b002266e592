package layertest

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

func sendWhole(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f, g := w.attach(t), w.attach(t)
	if f.address == "" || f.address == g.address {
		t.Errorf("two fronts have the addresses %q and %q", f.address, g.address)
	}
	mark := event.Mark{Epoch: 1<<64 - 1, Seq: 1<<64 - 2}
	request := func(q event.Request) event.Input {
		return event.Input{Kind: event.InputRequest, Conn: 2, Request: &q}
	}
	want := []event.Input{
		{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite | event.AccessPresent, Greeting: event.GreetingClient, User: "käthe"},
		{Kind: event.InputJoin, Conn: 1, Greeting: event.GreetingRejoin, Mark: mark, Vector: []byte{1, 2, 3}},
		{Kind: event.InputMessage, Conn: 3, Client: 1<<53 - 1, Message: protocol.Message{Type: protocol.Awareness, Data: []byte{0}}},
		{Kind: event.InputMessage, Conn: 1<<64 - 1, Message: protocol.Message{Type: protocol.Update, Data: []byte{0, 255, 'a'}}},
		{Kind: event.InputResync, Conn: 1, Mark: mark, Vector: []byte{0}},
		{Kind: event.InputSilent, Conn: 1},
		{Kind: event.InputJoin, Conn: 4, Acks: true, V1: true, AccessSeq: 1<<64 - 1},
		{Kind: event.InputMessage, Conn: 4, Offered: true, Most: 1 << 20, Message: protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}}},
		{Kind: event.InputAccess, Conn: 4, Access: event.AccessWrite, AccessSeq: 7},
		{Kind: event.InputLeave, Conn: 1},
		request(event.Request{Kind: event.RequestQuery, Since: mark, Bare: true}),
		request(event.Request{Kind: event.RequestQuery, Vector: []byte{0}}),
		request(event.Request{Kind: event.RequestWatch}),
		request(event.Request{
			Kind: event.RequestApply, Update: bytes.Repeat([]byte{0, 255}, 1<<19), Client: 1<<53 - 1, Clock: 1 << 40,
		}),
		request(event.Request{Kind: event.RequestCreate, Update: []byte{0, 0}}),
		request(event.Request{Kind: event.RequestDelete}),
		request(event.Request{Kind: event.RequestAccess, User: "käthe", Access: event.AccessPresent}),
		request(event.Request{Kind: event.RequestExpel, Target: 1<<64 - 1, Message: protocol.Message{Type: protocol.Close, Code: 4403, Reason: "go"}}),
		request(event.Request{Kind: event.RequestBroadcast, Message: protocol.Message{Type: protocol.Stateless, Data: []byte("hi")}}),
	}
	for _, in := range want {
		send(t, f, layer.Input{Room: name, From: "not " + f.address, Input: in}) // Send sets the address
	}
	waitUntil(t, "the inputs arrive", func() bool { return len(w.ins.all()) >= len(want) })
	for i, got := range w.ins.all() {
		if want := (layer.Input{Room: name, From: f.address, Input: want[i]}); !reflect.DeepEqual(got, want) {
			t.Errorf("input %d: %.200v %.200v, want %.200v %.200v", i, got, got.Request, want, want.Request)
		}
	}
}

func sendNoOwner(t *testing.T, l layer.Layer) {
	if err := attach(t, l).Send(input(name, 1, 1)); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("Send returned %v, want ErrNoOwner", err)
	}
}

func sendAfterDrain(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	w.Drain()
	waitUntil(t, "Send returns ErrNoOwner", func() bool { return errors.Is(f.Send(input(name, 1, 1)), layer.ErrNoOwner) })
}

func sendFull(t *testing.T, l layer.Layer) {
	var full atomic.Bool
	var taken list[string]
	w := serve(t, l, func(in layer.Input) error {
		switch {
		case in.Kind == event.InputLeave:
		case full.Load():
			return layer.ErrFull
		default:
			taken.add(in.Room + " " + string(in.Message.Data))
		}
		return nil
	})
	f := w.attach(t)
	full.Store(true)
	switch err := f.Send(input(name, 1, 1)); {
	case err == nil: // the layer had taken it
		waitUntil(t, "the connection was closed", func() bool {
			return slices.ContainsFunc(f.outs.all(), func(o layer.Output) bool {
				return o.To == f.address && o.Output.To == 1 && o.Message.Type == protocol.Close && o.Message.Code == protocol.CloseTryLater
			})
		})
	case !errors.Is(err, layer.ErrFull):
		t.Errorf("Send returned %v, want ErrFull", err)
	}
	query := event.Input{Kind: event.InputRequest, Conn: 3, Request: &event.Request{Kind: event.RequestQuery}}
	switch err := f.Send(layer.Input{Room: name, Input: query}); {
	case err == nil:
		waitUntil(t, "the request is refused", func() bool {
			return slices.ContainsFunc(f.outs.all(), func(o layer.Output) bool {
				return o.Output.To == 3 && o.Response != nil &&
					o.Response.Refusal.Cause == event.CauseClosed && o.Response.Refusal.Code == protocol.CloseTryLater
			})
		})
	case !errors.Is(err, layer.ErrFull):
		t.Errorf("Send of a request returned %v, want ErrFull", err)
	}
	full.Store(false)
	send(t, f, input(name, 2, 2))
	waitUntil(t, "an input was taken", func() bool { return len(taken.all()) > 0 })
	if got, want := taken.all(), []string{name + " 2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("taken: %q, want %q", got, want)
	}
}

func sendOrder(t *testing.T, l layer.Layer) {
	const conns, each = 4, 200
	w := serve(t, l, nil)
	f := w.attach(t)
	var sending sync.WaitGroup
	for conn := range conns {
		sending.Go(func() {
			for i := range each {
				if err := f.Send(input(name, event.ConnID(conn+1), i)); err != nil {
					t.Errorf("Send: %v", err)
					return
				}
			}
		})
	}
	sending.Wait()
	waitUntil(t, "all inputs arrive", func() bool { return len(w.ins.all()) >= conns*each })
	next := map[event.ConnID]int{}
	for _, in := range w.ins.all() {
		if got, want := string(in.Message.Data), strconv.Itoa(next[in.Conn]); got != want {
			t.Fatalf("connection %d: input %s arrived, want %s", in.Conn, got, want)
		}
		next[in.Conn]++
	}
}

func sendNames(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	names := []string{
		"a", "A", " a", "a ", "a.b", "a:b", "a/b", "a*", "a?", "[a]", "a>", "*", ">", "?", "{a}", "a\n", "a\x00", "\x00",
		"á", "a\u0301", "🙂", "%61", strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("é", 127),
	}
	for i, name := range names {
		send(t, f, input(name, 1, i))
		w.Deliver([]layer.Output{output(name, f.address, "for "+name)})
	}
	waitUntil(t, "everything arrives", func() bool {
		return len(w.ins.all()) >= len(names) && len(f.outs.all()) >= len(names)
	})
	for _, in := range w.ins.all() {
		if i, err := strconv.Atoi(string(in.Message.Data)); err != nil || in.Room != names[i] {
			t.Errorf("the input %q arrived for room %q", in.Message.Data, in.Room)
		}
	}
	for _, out := range f.outs.all() {
		if want := "for " + out.Room; string(out.Message.Data) != want {
			t.Errorf("the output %q arrived from room %q", out.Message.Data, out.Room)
		}
	}
}

func sendAll(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	rooms := event.Input{Kind: event.InputRequest, Conn: 3, Request: &event.Request{
		Kind: event.RequestRooms, Prefix: "a", After: "ab", Limit: 7,
	}}
	if n, err := f.SendAll(layer.Input{Input: rooms}); n != 1 || err != nil {
		t.Errorf("SendAll returned %d, %v, want 1 worker", n, err)
	}
	waitUntil(t, "the request arrives", func() bool { return len(w.ins.all()) > 0 })
	want := []layer.Input{{From: f.address, Input: rooms}}
	if got := w.ins.all(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v arrived, want %v", got, want)
	}
}

func sendAllNoOwner(t *testing.T, l layer.Layer) {
	if n, err := attach(t, l).SendAll(input("", 1, 1)); n != 0 || !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("SendAll returned %d, %v, want ErrNoOwner", n, err)
	}
}
