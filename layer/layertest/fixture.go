package layertest

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// waitUntil waits until the layer makes ok return true.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	waitFor(t, patience, what, ok)
}

// waitLonger is waitUntil for what takes a while on a slow machine.
func waitLonger(t *testing.T, what string, ok func() bool) {
	t.Helper()
	waitFor(t, 6*patience, what, ok)
}

func waitFor(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timed out before %s", what)
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

// clear forgets the content of a value.
func (l *list[T]) clear(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var none T
	l.values[i] = none
}

// front is an attached front that records what is delivered to it.
type front struct {
	layer.Front

	address layer.Address
	outs    list[layer.Output]
	lost    list[func(room string) bool]
}

// worker is an attached back that records the inputs that it handles.
type worker struct {
	layer.Back

	layer layer.Layer
	ins   list[layer.Input]
	hello list[layer.Input] // inputs of servedRoom
	lost  list[layer.Address]
	gone  list[layer.Address]
}

// servedRoom is a room used for set-up: an input to it shows whether a worker serves
// the layer, and the address of the front.
const servedRoom = "layertest.served"

// serve attaches a worker and waits until inputs reach it. handle may be nil.
func serve(t *testing.T, l layer.Layer, handle func(layer.Input) error) *worker {
	t.Helper()
	w := &worker{layer: l}
	back, err := l.Serve(layer.BackHandler{
		Handle: func(in layer.Input) error {
			switch {
			case in.Room == servedRoom:
				w.hello.add(in)
			case handle != nil:
				return handle(in)
			default:
				w.ins.add(in)
			}
			return nil
		},
		Lost:  func(front layer.Address) { w.lost.add(front) },
		Gone:  func(front layer.Address) { w.gone.add(front) },
		Moved: func(func(string) bool) {},
	})
	if err != nil {
		t.Fatalf("Serve: %v", err)
	}
	w.Back = back
	t.Cleanup(func() { _ = back.Close() })
	probe := attach(t, l)
	defer func() { _ = probe.Close() }()
	w.meet(t, probe)
	return w
}

// meet sends inputs of f until one has reached the worker, and returns the address of f.
func (w *worker) meet(t *testing.T, f layer.Front) layer.Address {
	t.Helper()
	before := len(w.hello.all())
	waitUntil(t, "the front finds the worker", func() bool {
		err := f.Send(layer.Input{Room: servedRoom, Input: event.Input{Kind: event.InputLeave, Conn: 1}})
		if err != nil && !errors.Is(err, layer.ErrNoOwner) {
			t.Fatalf("Send: %v", err)
		}
		return err == nil
	})
	waitUntil(t, "the worker sees the front", func() bool { return len(w.hello.all()) > before })
	return w.hello.all()[before].From
}

// attach attaches a front whose address isn't known.
func attach(t *testing.T, l layer.Layer) *front {
	t.Helper()
	f := &front{}
	attached, err := l.Attach(layer.FrontHandler{
		Deliver: func(outs []layer.Output) { f.outs.add(outs...) },
		Lost:    func(affected func(string) bool) { f.lost.add(affected) },
	})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	f.Front = attached
	t.Cleanup(func() { _ = attached.Close() })
	return f
}

// attach attaches a front and finds out its address.
func (w *worker) attach(t *testing.T) *front {
	t.Helper()
	f := attach(t, w.layer)
	f.address = w.meet(t, f)
	return f
}

func send(t *testing.T, f *front, in layer.Input) {
	t.Helper()
	if err := f.Send(in); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

func input(name string, conn event.ConnID, n int) layer.Input {
	return layer.Input{Room: name, Input: event.Input{
		Kind: event.InputMessage, Conn: conn,
		Message: protocol.Message{Type: protocol.Update, Data: []byte(strconv.Itoa(n))},
	}}
}

func output(name string, to layer.Address, text string) layer.Output {
	return layer.Output{Room: name, To: to, Output: event.Output{
		Kind: event.OutputMessage, Message: protocol.Message{Type: protocol.Update, Data: []byte(text)},
	}}
}

// wantOuts waits until f has as many outputs and compares their data.
func wantOuts(t *testing.T, f *front, want ...string) {
	t.Helper()
	waitUntil(t, fmt.Sprintf("%d outputs arrive", len(want)), func() bool { return len(f.outs.all()) >= len(want) })
	got := []string{}
	for _, out := range f.outs.all() {
		got = append(got, string(out.Message.Data))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("delivered: %q, want: %q", got, want)
	}
}
