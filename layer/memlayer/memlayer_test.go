package memlayer_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/memlayer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	layertest.Run(t, func(*testing.T) layer.Layer { return memlayer.New() })
}

var handler = layer.BackHandler{
	Handle: func(layer.Input) error { return nil },
	Lost:   func(layer.Address) {},
	Gone:   func(layer.Address) {},
}

func TestServesOneWorker(t *testing.T) {
	l := memlayer.New()
	first, err := l.Serve(handler)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Serve(handler); !errors.Is(err, layer.ErrServed) {
		t.Errorf("a second worker: %v, want ErrServed", err)
	}
	first.Drain()
	if _, err := l.Serve(handler); !errors.Is(err, layer.ErrServed) {
		t.Errorf("a second worker while the first drains: %v, want ErrServed", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Serve(handler); err != nil {
		t.Errorf("a second worker after the first: %v", err)
	}
}

// TestSendReturnsErrFull checks that within one process the error of the worker
// reaches the caller of Send, which can then wait.
func TestSendReturnsErrFull(t *testing.T) {
	l := memlayer.New()
	full := handler
	full.Handle = func(layer.Input) error { return layer.ErrFull }
	if _, err := l.Serve(full); err != nil {
		t.Fatal(err)
	}
	f, err := l.Attach(layer.FrontHandler{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Send(layer.Input{Room: "room", Input: event.Input{Kind: event.InputLeave}}); !errors.Is(err, layer.ErrFull) {
		t.Errorf("Send returned %v, want ErrFull", err)
	}
}

func TestNothingAllocates(t *testing.T) {
	l := memlayer.New()
	inputs, outputs := 0, 0
	var last layer.Address
	h := handler
	h.Handle = func(in layer.Input) error { inputs++; last = in.From; return nil }
	back, err := l.Serve(h)
	if err != nil {
		t.Fatal(err)
	}
	var outs []layer.Output
	var front layer.Front
	for range 3 {
		front, err = l.Attach(layer.FrontHandler{Deliver: func(outs []layer.Output) { outputs += len(outs) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := front.Send(layer.Input{Room: "room"}); err != nil {
			t.Fatal(err)
		}
		outs = append(outs, layer.Output{Room: "room", To: last}, layer.Output{Room: "room", To: last})
	}
	in := layer.Input{Room: "room", Input: event.Input{Kind: event.InputMessage, Conn: 1}}
	allocs := testing.AllocsPerRun(100, func() {
		if err := front.Send(in); err != nil {
			t.Fatal(err)
		}
		back.Deliver(outs)
	})
	if allocs > 0 {
		t.Errorf("Send and Deliver make %v allocations", allocs)
	}
	if inputs != 3+101 || outputs != 101*len(outs) { // AllocsPerRun warms up once
		t.Errorf("%d inputs and %d outputs arrived", inputs, outputs)
	}
}

func TestFaults(t *testing.T) {
	layertest.RunFaults(t, func(_ *testing.T, f layertest.Faults) (layer.Layer, func()) {
		l := layertest.Inject(memlayer.New(), f)
		return l, l.Stop
	})
}
