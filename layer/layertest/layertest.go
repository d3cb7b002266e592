// Package layertest is the conformance suite of channel layers: whatever passes
// it can stand between consumers and workers. Each rule of the contract in
// package layer is one subtest that carries its name.
package layertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// Run checks the layers that open makes. Each subtest calls open once and
// expects a layer that nobody uses; open registers what is to be cleaned up
// with its t.
func Run(t *testing.T, open func(t *testing.T) layer.Layer) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		check func(*testing.T, layer.Layer)
	}{
		{"Send/brings the whole input and the way back", sendWhole},
		{"Send/is refused while no worker serves", sendNoOwner},
		{"Send/is refused after the worker has gone", sendAfterServe},
		{"Send/tells when the room is full", sendFull},
		{"Send/keeps the order of a connection", sendOrder},
		{"Serve/returns nil when its context ends", serveEnds},
		{"Serve/waits for what it handles", serveWaits},
		{"Serve/handles nothing once it has returned", serveQuiet},
		{"Serve/can begin again", serveAgain},
		{"Deliver/brings the whole output", deliverWhole},
		{"Deliver/to an address reaches that consumer alone", deliverAddress},
		{"Deliver/to everyone reaches who has joined the room", deliverEveryone},
		{"Deliver/keeps the order of a room", deliverOrder},
		{"Deliver/keeps the order of each of many rooms", deliverRooms},
		{"Deliver/does not keep the slice", deliverSlice},
		{"Deliver/to a consumer that is gone is no error", deliverGone},
		{"Deliver/can be answered from the callback", deliverReentrant},
		{"Deliver/reaches the others when one leaves meanwhile", deliverWhileLeaving},
		{"Join/tells rooms apart by any byte of their names", joinNames},
		{"Join/twice is once", joinTwice},
		{"Join/of others changes nothing for who has joined", joinWhileDelivering},
		{"Leave/ends what Join began and nothing else", leaveEnds},
		{"Leave/of a room that was not joined changes nothing", leaveUnjoined},
		{"Close/leaves all rooms", closeLeaves},
		{"Close/waits for a delivery", closeWaits},
		{"Close/delivers nothing once it has returned", closeQuiet},
		{"Close/closes the port and no other", closePort},
		{"Close/twice is once", closeTwice},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.check(t, open(t)) })
	}
}

// patience is how long what has to happen may take. Only a failing test waits for it.
const patience = 20 * time.Second

const name = "layertest.room"

// waitUntil waits for what only the layer can make true.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// list collects values as they arrive.
type list[T any] struct {
	mu     sync.Mutex
	values []T
}

func (l *list[T]) add(values ...T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.values = append(l.values, values...)
}

func (l *list[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]T{}, l.values...)
}

// consumer is an attached port and what was delivered to it.
type consumer struct {
	layer.Port

	outs    list[layer.Output]
	address layer.Address
}

// servedRoom is a room whose inputs tell the addresses of consumers and that a worker is there.
const servedRoom = "layertest.served"

// worker serves a layer and collects its inputs.
type worker struct {
	layer layer.Layer
	ins   list[layer.Input]
	hello list[layer.Input]
	end   context.CancelFunc
	ended chan error
}

// serve starts a worker; handle may be nil.
func serve(t *testing.T, l layer.Layer, handle func(layer.Input) error) *worker {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &worker{layer: l, end: cancel, ended: make(chan error, 1)}
	go func() {
		w.ended <- l.Serve(ctx, func(in layer.Input) error {
			if in.Room == servedRoom {
				w.hello.add(in)
				return nil
			}
			if handle != nil {
				return handle(in)
			}
			w.ins.add(in)
			return nil
		})
	}()
	t.Cleanup(func() { w.stop(t) })
	p, err := l.Attach(func([]layer.Output) {})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	defer func() { _ = p.Close() }()
	waitUntil(t, "the worker serves", func() bool {
		err := p.Send(layer.Input{Room: servedRoom, Input: room.Input{Kind: room.Tick}})
		if err != nil && !errors.Is(err, layer.ErrNoOwner) {
			t.Fatalf("Send: %v", err)
		}
		return err == nil
	})
	return w
}

// stop ends Serve and waits for it.
func (w *worker) stop(t *testing.T) {
	t.Helper()
	w.end()
	select {
	case err, first := <-w.ended:
		if err != nil && first {
			t.Errorf("Serve returned %v", err)
		}
		if first {
			close(w.ended)
		}
	case <-time.After(patience):
		t.Error("Serve does not return although its context has ended")
	}
}

// attach makes a consumer and learns its address from the worker.
func (w *worker) attach(t *testing.T, joins ...string) *consumer {
	t.Helper()
	c := &consumer{}
	port, err := w.layer.Attach(func(outs []layer.Output) { c.outs.add(outs...) })
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	c.Port = port
	t.Cleanup(func() { _ = port.Close() })
	greeted := len(w.hello.all())
	send(t, c, layer.Input{Room: servedRoom, Input: room.Input{Kind: room.Join}})
	waitUntil(t, "the worker knows the consumer", func() bool { return len(w.hello.all()) > greeted })
	c.address = w.hello.all()[greeted].Consumer
	for _, name := range joins {
		if err := c.Join(name); err != nil {
			t.Fatalf("Join(%q): %v", name, err)
		}
	}
	return c
}

func send(t *testing.T, p layer.Port, in layer.Input) {
	t.Helper()
	if err := p.Send(in); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

func input(name string, conn room.ConnID, n int) layer.Input {
	return layer.Input{Room: name, Input: room.Input{
		Kind: room.Message, Conn: conn,
		Msg: protocol.Message{Type: protocol.Update, Data: []byte(strconv.Itoa(n))},
	}}
}

func output(name string, to layer.Address, text string) layer.Output {
	return layer.Output{Room: name, Consumer: to, Output: room.Output{
		Msg: protocol.Message{Type: protocol.Update, Data: []byte(text)},
	}}
}

func deliver(t *testing.T, l layer.Layer, outs ...layer.Output) {
	t.Helper()
	if err := l.Deliver(t.Context(), outs); err != nil {
		t.Fatalf("Deliver: %v", err)
	}
}

// wantOuts waits until c has as many outputs and compares their data.
func wantOuts(t *testing.T, c *consumer, want ...string) {
	t.Helper()
	waitUntil(t, fmt.Sprintf("%d outputs have come", len(want)), func() bool { return len(c.outs.all()) >= len(want) })
	got := []string{}
	for _, out := range c.outs.all() {
		got = append(got, string(out.Msg.Data))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("delivered: %q, want: %q", got, want)
	}
}

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
		want[i].Consumer = c.address
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("input %d: %+v, want %+v", i, got, want[i])
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

func serveEnds(t *testing.T, l layer.Layer) {
	serve(t, l, nil).stop(t) // which looks at what Serve returns
}

// slowness is what a callback takes in which a layer shows that it waits for it.
const slowness = 20 * time.Millisecond

func serveWaits(t *testing.T, l layer.Layer) {
	handling := make(chan struct{})
	var handled atomic.Bool
	w := serve(t, l, func(layer.Input) error {
		close(handling)
		time.Sleep(slowness)
		handled.Store(true)
		return nil
	})
	c := w.attach(t)
	var sending sync.WaitGroup
	sending.Go(func() { _ = c.Send(input(name, 1, 1)) })
	<-handling
	w.stop(t)
	if !handled.Load() {
		t.Error("Serve has returned while an input was handled")
	}
	sending.Wait()
}

func serveQuiet(t *testing.T, l layer.Layer) {
	for range 20 {
		var gone atomic.Bool
		w := serve(t, l, func(layer.Input) error {
			if gone.Load() {
				t.Error("an input is handled after Serve has returned")
			}
			return nil
		})
		c := w.attach(t)
		var sending sync.WaitGroup
		for conn := range 2 {
			sending.Go(func() {
				for i := 0; ; i++ {
					switch err := c.Send(input(name, room.ConnID(conn+1), i)); {
					case errors.Is(err, layer.ErrNoOwner):
						return
					case err != nil:
						t.Errorf("Send: %v", err)
						return
					}
				}
			})
		}
		w.stop(t)
		gone.Store(true)
		sending.Wait()
		_ = c.Close()
	}
}

func serveAgain(t *testing.T, l layer.Layer) {
	serve(t, l, nil).stop(t)
	w := serve(t, l, nil)
	c := w.attach(t)
	send(t, c, input(name, 1, 1))
	waitUntil(t, "the input has come", func() bool { return len(w.ins.all()) == 1 })
}

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

func joinNames(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	names := []string{
		"a", "A", " a", "a ", "a.b", "a:b", "a/b", "a*", "a?", "[a]", "a>", "*", ">", "?", "{a}", "a\n", "a\x00", "\x00",
		"á", "a\u0301", "🙂", "%61", strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("é", 127),
	}
	consumers := make([]*consumer, len(names))
	for i, name := range names {
		consumers[i] = w.attach(t, name)
	}
	for i, name := range names {
		deliver(t, l, output(name, "", "for "+name), output(name, consumers[i].address, "end"))
	}
	for i, name := range names {
		wantOuts(t, consumers[i], "for "+name, "end")
		send(t, consumers[i], input(name, 1, i))
	}
	waitUntil(t, "all inputs have come", func() bool { return len(w.ins.all()) >= len(names) })
	for _, in := range w.ins.all() {
		if i, err := strconv.Atoi(string(in.Msg.Data)); err != nil || in.Room != names[i] {
			t.Errorf("the input %q came for room %q", in.Msg.Data, in.Room)
		}
	}
}

func joinTwice(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t, name, name)
	deliver(t, l, output(name, "", "once"), output(name, c.address, "end"))
	wantOuts(t, c, "once", "end")
	if err := c.Leave(name); err != nil {
		t.Fatalf("Leave: %v", err)
	}
	deliver(t, l, output(name, "", "never"), output(name, c.address, "end"))
	wantOuts(t, c, "once", "end", "end")
}

func joinWhileDelivering(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t, name)
	guests := []*consumer{w.attach(t), w.attach(t)}
	done := make(chan struct{})
	var visiting sync.WaitGroup
	for _, guest := range guests {
		visiting.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := errors.Join(guest.Join(name), guest.Leave(name)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var want []string
	for i := range 500 {
		want = append(want, strconv.Itoa(i))
		deliver(t, l, output(name, "", want[i]))
	}
	close(done)
	visiting.Wait()
	wantOuts(t, c, want...)
	for _, guest := range guests {
		last := -1
		for _, out := range guest.outs.all() {
			i, err := strconv.Atoi(string(out.Msg.Data))
			if err != nil || i <= last {
				t.Fatalf("%q came after %d", out.Msg.Data, last)
			}
			last = i
		}
	}
}

func leaveEnds(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t, name, name+"2"), w.attach(t, name)
	if err := c.Leave(name); err != nil {
		t.Fatalf("Leave: %v", err)
	}
	deliver(t, l, output(name, "", "to d"), output(name, c.address, "end"))
	wantOuts(t, c, "end")
	wantOuts(t, d, "to d")
	deliver(t, l, output(name+"2", "", "to c"))
	wantOuts(t, c, "end", "to c")
	if err := c.Join(name); err != nil {
		t.Fatalf("Join: %v", err)
	}
	deliver(t, l, output(name, "", "to both"))
	wantOuts(t, c, "end", "to c", "to both")
	wantOuts(t, d, "to d", "to both")
}

func leaveUnjoined(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t), w.attach(t, name)
	if err := c.Leave(name); err != nil {
		t.Fatalf("Leave: %v", err)
	}
	deliver(t, l, output(name, "", "to d"))
	wantOuts(t, d, "to d")
}

func closeLeaves(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t, name, name+"2"), w.attach(t, name)
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	deliver(t, l, output(name, "", "to d"))
	deliver(t, l, output(name+"2", "", "to nobody"))
	wantOuts(t, d, "to d")
	if outs := c.outs.all(); len(outs) > 0 {
		t.Errorf("a closed port was given %v", outs)
	}
}

func closeWaits(t *testing.T, l layer.Layer) {
	serve(t, l, nil)
	delivering := make(chan struct{})
	var delivered atomic.Bool
	p, err := l.Attach(func([]layer.Output) {
		close(delivering)
		time.Sleep(slowness)
		delivered.Store(true)
	})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	if err := p.Join(name); err != nil {
		t.Fatalf("Join: %v", err)
	}
	var worker sync.WaitGroup
	worker.Go(func() { _ = l.Deliver(t.Context(), []layer.Output{output(name, "", "text")}) })
	<-delivering
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if !delivered.Load() {
		t.Error("Close has returned while outputs were delivered")
	}
	worker.Wait()
}

func closeQuiet(t *testing.T, l layer.Layer) {
	serve(t, l, nil)
	for range 20 {
		var gone atomic.Bool
		var calls atomic.Int64
		p, err := l.Attach(func([]layer.Output) {
			calls.Add(1)
			if gone.Load() {
				t.Error("delivered after Close has returned")
			}
		})
		if err != nil {
			t.Fatalf("Attach: %v", err)
		}
		if err := p.Join(name); err != nil {
			t.Fatalf("Join: %v", err)
		}
		done := make(chan struct{})
		var delivering sync.WaitGroup
		delivering.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := l.Deliver(t.Context(), []layer.Output{output(name, "", "text")}); err != nil {
					t.Errorf("Deliver: %v", err)
					return
				}
			}
		})
		waitUntil(t, "outputs come", func() bool { return calls.Load() > 0 })
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		gone.Store(true)
		close(done)
		delivering.Wait()
	}
}

func closePort(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t), w.attach(t)
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for what, err := range map[string]error{
		"Send": c.Send(input(name, 1, 1)), "Join": c.Join(name), "Leave": c.Leave(name),
	} {
		if !errors.Is(err, layer.ErrClosed) {
			t.Errorf("%s gave %v, want ErrClosed", what, err)
		}
	}
	send(t, d, input(name, 1, 1))
	waitUntil(t, "the input has come", func() bool { return len(w.ins.all()) == 1 })
}

func closeTwice(t *testing.T, l layer.Layer) {
	p, err := l.Attach(func([]layer.Output) {})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
