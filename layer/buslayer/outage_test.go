package buslayer_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/link"
)

// bus is a membus.Bus that can fail.
type bus struct {
	*membus.Bus

	refuses atomic.Bool // Publish fails
	renewed atomic.Int64
	to      buslayer.Subscriber
}

func (b *bus) Subscribe(id link.ID, s buslayer.Subscriber) {
	b.to = s
	b.Bus.Subscribe(id, s)
}

func (b *bus) Publish(packets []link.Packet) error {
	if b.refuses.Load() {
		return errors.New("the broker is away")
	}
	return b.Bus.Publish(packets)
}

func (b *bus) Renew() { b.renewed.Add(1) }

var nothing = layer.BackHandler{
	Handle: func(layer.Input) error { return nil },
	Lost:   func(layer.Address) {},
	Gone:   func(layer.Address) {},
	Moved:  func(func(string) bool) {},
}

// wantReady checks that Ready returns an error with some words, or nil.
func wantReady(t *testing.T, l *buslayer.Layer, words string) {
	t.Helper()
	synctest.Wait()
	err := l.Ready()
	if words == "" && err != nil || words != "" && (err == nil || !strings.Contains(err.Error(), words)) {
		t.Errorf("Ready returned %v, want %q", err, words)
	}
}

// TestReady checks what Ready returns during an outage, that a deaf layer asks for new
// connections, and that an outage is logged once.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		broker := membus.New(layertest.Faults{})
		b := &bus{Bus: broker.Connect()}
		l := buslayer.New(b, buslayer.Config{Logger: slog.New(testkit.CheckLog(t, slog.NewTextHandler(&log, nil)))})
		wantReady(t, l, "not known yet")
		time.Sleep(time.Second)
		wantReady(t, l, "")
		front, err := l.Attach(layer.FrontHandler{Lost: func(func(string) bool) {}})
		if err != nil {
			t.Fatal(err)
		}
		wantReady(t, l, "no worker")
		back, err := l.Serve(nothing)
		if err != nil {
			t.Fatal(err)
		}
		wantReady(t, l, "")

		b.to.Interrupted(errors.New("the cable is cut"))
		wantReady(t, l, "the cable is cut")
		b.to.Subscribed()
		wantReady(t, l, "")

		b.refuses.Store(true)
		time.Sleep(2100 * time.Millisecond)
		wantReady(t, l, "doesn't take messages: the broker is away")
		time.Sleep(8 * time.Second)
		if n := b.renewed.Load(); n < 4 || n > 6 {
			t.Errorf("in ten seconds, %d new connections were asked for, want one every two seconds", n)
		}
		b.refuses.Store(false)
		time.Sleep(time.Second)
		wantReady(t, l, "")

		_ = front.Close()
		_ = back.Close()
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := l.Ready(); !errors.Is(err, layer.ErrClosed) {
			t.Errorf("after Close, Ready returned %v", err)
		}
		for _, words := range []string{"messages to the broker are lost", "the broker takes messages again", "doesn't carry messages", "carries messages again", "was interrupted", "works again"} {
			if n := strings.Count(log.String(), words); n != 1 {
				t.Errorf("%q is logged %d times, want once", words, n)
			}
		}
	})
}

// TestRenewal checks that a new connection has two seconds before another one is asked for.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bus{Bus: membus.New(layertest.Faults{}).Connect()}
		l := buslayer.New(b, buslayer.Config{Logger: slog.New(slog.DiscardHandler)})
		time.Sleep(time.Second)
		b.refuses.Store(true)
		for b.renewed.Load() == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(1900 * time.Millisecond)
		b.to.Subscribed()
		time.Sleep(1900 * time.Millisecond)
		if n := b.renewed.Load(); n != 1 {
			t.Errorf("%d new connections were asked for, want 1: the second one is new", n)
		}
		time.Sleep(200 * time.Millisecond)
		if n := b.renewed.Load(); n != 2 {
			t.Errorf("%d new connections were asked for, want 2: the second one is deaf too", n)
		}
		_ = l.Close(t.Context())
	})
}

// introduce makes worker serve and attaches a front to consumer. It returns both ends, and the
// address of the front, which the worker has from an input.
func introduce(t *testing.T, worker, consumer layer.Layer, front layer.FrontHandler) (layer.Back, layer.Front, layer.Address) {
	t.Helper()
	var address atomic.Pointer[layer.Address]
	h := nothing
	h.Handle = func(in layer.Input) error { address.Store(&in.From); return nil }
	b, err := worker.Serve(h)
	if err != nil {
		t.Fatal(err)
	}
	f, err := consumer.Attach(front)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if err := f.Send(layer.Input{Room: "r", Input: event.Input{Kind: event.InputLeave, Conn: 1}}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return b, f, *address.Load()
}

// TestCloseFlushes checks that what was delivered before Close arrives, and that the
// others learn at once that the process has ended.
func TestCloseFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := membus.New(layertest.Faults{})
		consumer, worker := opener(t, broker)("consumer"), opener(t, broker)("worker")
		var arrived, lost atomic.Int64
		back, front, address := introduce(t, worker, consumer, layer.FrontHandler{
			Deliver: func(outs []layer.Output) { arrived.Add(int64(len(outs[0].Message.Data))) },
			Lost:    func(func(string) bool) { lost.Add(1) },
		})
		const size = 10 << 20
		back.Deliver([]layer.Output{{Room: "r", To: address, Output: event.Output{Kind: event.OutputMessage}}})
		out := layer.Output{Room: "r", To: address, Output: event.Output{Kind: event.OutputMessage}}
		out.Message.Data = make([]byte, size)
		back.Deliver([]layer.Output{out})
		if err := back.Close(); err != nil {
			t.Error(err)
		}
		if err := worker.Close(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if arrived.Load() != size || lost.Load() != 1 || len(consumer.Peers()) != 0 {
			t.Errorf("%d bytes have arrived, want %d; Lost was called %d times, want 1; %d processes are known, want 0",
				arrived.Load(), size, lost.Load(), len(consumer.Peers()))
		}
		_ = front.Close()
		if err := consumer.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestCloseSaysFarewell checks that the others learn at once that a process has ended, even
// if one of them doesn't answer, and even if Close has no time to wait for it.
func TestCloseSaysFarewell(t *testing.T) {
	for _, c := range []struct {
		name string
		time time.Duration // of the context of Close
	}{{"with time", time.Minute}, {"without time", 0}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				broker := membus.New(layertest.Faults{})
				open := opener(t, broker)
				worker, other := open("worker"), open("other")
				b := &bus{Bus: broker.Connect()}
				silent := buslayer.New(b, buslayer.Config{Logger: slog.New(slog.DiscardHandler)})
				back, front, address := introduce(t, worker, silent, layer.FrontHandler{
					Deliver: func([]layer.Output) {}, Lost: func(func(string) bool) {},
				})
				b.refuses.Store(true)
				back.Deliver([]layer.Output{{Room: "r", To: address, Output: event.Output{Kind: event.OutputMessage}}})
				_ = back.Close()

				ctx, cancel := context.WithTimeout(t.Context(), c.time)
				defer cancel()
				if err := worker.Close(ctx); err != nil {
					t.Errorf("Close returned %v, but everything was published", err)
				}
				synctest.Wait()
				for _, p := range other.Peers() {
					if p.Name == "worker" {
						t.Error("a process doesn't know that the worker has ended")
					}
				}
				_ = front.Close()
				_ = silent.Close(t.Context())
				_ = other.Close(t.Context())
			})
		})
	}
}

// TestCloseEnds checks that Close returns an error in time if nothing can be published.
func TestCloseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := membus.New(layertest.Faults{})
		b := &bus{Bus: broker.Connect()}
		consumer := buslayer.New(b, buslayer.Config{Logger: slog.New(slog.DiscardHandler)})
		worker := opener(t, broker)("worker")
		back, err := worker.Serve(nothing)
		if err != nil {
			t.Fatal(err)
		}
		front, err := consumer.Attach(layer.FrontHandler{Lost: func(func(string) bool) {}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.refuses.Store(true)
		for range 4 { // together more than may be on the way at once
			in := layer.Input{Room: "r", Input: event.Input{Kind: event.InputMessage, Conn: 1}}
			in.Message.Data = make([]byte, 1<<20)
			if err := front.Send(in); err != nil {
				t.Fatal(err)
			}
		}
		_ = front.Close()
		began := time.Now()
		again := make(chan time.Duration)
		go func() {
			time.Sleep(time.Second)
			hurried, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			if err := consumer.Close(hurried); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a Close whose context ends during the first one returned %v", err)
			}
			if err := consumer.Close(context.Background()); err != nil {
				t.Errorf("a second Close returned %v", err)
			}
			again <- time.Since(began)
		}()
		if err := consumer.Close(context.Background()); err == nil || time.Since(began) > 3*time.Second {
			t.Errorf("after %v, Close returned %v", time.Since(began), err)
		}
		if first, second := time.Since(began), <-again; second < first {
			t.Errorf("a second Close returned after %v, before the first one, which took %v", second, first)
		}
		if _, err := consumer.Attach(layer.FrontHandler{}); !errors.Is(err, layer.ErrClosed) {
			t.Errorf("Attach returned %v", err)
		}
		if _, err := consumer.Serve(nothing); !errors.Is(err, layer.ErrClosed) {
			t.Errorf("Serve returned %v", err)
		}
		_ = back.Close()
		_ = worker.Close(t.Context())
	})
}

// TestGivenUp checks that the log names a process that is given up.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		broker := membus.New(layertest.Faults{})
		b := &bus{Bus: broker.Connect()}
		silent := buslayer.New(b, buslayer.Config{Name: "web-2", Logger: slog.New(slog.DiscardHandler)})
		l := buslayer.New(broker.Connect(), buslayer.Config{Name: "web-1", Logger: slog.New(testkit.CheckLog(t, slog.NewTextHandler(&log, nil)))})
		time.Sleep(time.Second)
		b.refuses.Store(true)
		time.Sleep(5 * time.Second)
		if len(l.Peers()) != 0 {
			t.Error("the silent process is still known")
		}
		_ = silent.Close(t.Context())
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "given up\" process=web-2"); n != 1 {
			t.Errorf("the log names the process that is given up %d times, want once:\n%s", n, &log)
		}
	})
}
