package layertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

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
