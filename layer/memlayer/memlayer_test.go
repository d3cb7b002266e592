package memlayer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/memlayer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	layertest.Run(t, func(*testing.T) layer.Layer { return memlayer.New() })
}

func TestServesOneWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memlayer.New()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if err := l.Serve(ctx, func(layer.Input) error { return nil }); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if err := l.Serve(ctx, nil); !errors.Is(err, memlayer.ErrServed) {
			t.Errorf("a second worker: %v, want ErrServed", err)
		}
		cancel()
	})
}

func TestServing(t *testing.T) {
	l := memlayer.New()
	port, err := l.Attach(func([]layer.Output) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := port.Send(layer.Input{Room: "room"}); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("before a worker serves, Send gave %v, want ErrNoOwner", err)
	}
	select {
	case <-l.Serving():
		t.Error("Serving is closed, and nobody serves")
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- l.Serve(ctx, func(layer.Input) error { return nil }) }()
	<-l.Serving()
	if err := port.Send(layer.Input{Room: "room"}); err != nil {
		t.Errorf("once a worker serves, Send gave %v", err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestDeliverAllocatesNothing(t *testing.T) {
	l := memlayer.New()
	got := 0
	for range 3 {
		p, err := l.Attach(func(outs []layer.Output) { got += len(outs) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		if err := p.Join("room"); err != nil {
			t.Fatal(err)
		}
	}
	outs := []layer.Output{{Room: "room"}, {Room: "room"}, {Room: "room", Consumer: "1"}}
	allocs := testing.AllocsPerRun(100, func() {
		if err := l.Deliver(t.Context(), outs); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 0 {
		t.Errorf("Deliver makes %v allocations", allocs)
	}
	if want := 101 * 7; got != want { // AllocsPerRun warms up once
		t.Errorf("%d outputs were delivered, want %d", got, want)
	}
}
