package membus

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/link"
)

// Pair is a consumer and a worker in processes of their own.
type Pair struct {
	Consumer *buslayer.Layer
	front    layer.Front

	mu      sync.Mutex
	sent    event.ConnID
	arrived event.ConnID
}

// Connect opens the layers of a Pair, and waits until an input has reached the worker.
func Connect(t *testing.T, open func(name string) *buslayer.Layer) *Pair {
	t.Helper()
	worker := Open(t, open, "worker")
	p := &Pair{Consumer: Open(t, open, "consumer")}
	back, err := worker.Serve(layer.BackHandler{
		Handle: func(in layer.Input) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.arrived = in.Conn
			return nil
		},
		Lost: func(layer.Address) {}, Gone: func(layer.Address) {}, Moved: func(func(string) bool) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = back.Close() })
	p.front, err = p.Consumer.Attach(layer.FrontHandler{Deliver: func([]layer.Output) {}, Lost: func(func(string) bool) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.front.Close() })
	p.Reach(t)
	return p
}

// Reach sends inputs until one of them has reached the worker.
func (p *Pair) Reach(t *testing.T) {
	t.Helper()
	before := p.sent
	testkit.Eventually(t, "an input arrives", func() string {
		p.sent++
		if err := p.front.Send(layer.Input{Room: "room", Input: event.Input{Conn: p.sent}}); err != nil {
			return err.Error()
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.arrived <= before {
			return "the layer has taken one"
		}
		return ""
	})
}

// AwaitReady waits until a layer is ready.
func AwaitReady(t *testing.T, l *buslayer.Layer) {
	t.Helper()
	testkit.Eventually(t, "the layer is ready", func() string {
		if err := l.Ready(); err != nil {
			return err.Error()
		}
		return ""
	})
}

// AwaitOutage waits until a layer is not ready.
func AwaitOutage(t *testing.T, l *buslayer.Layer) {
	t.Helper()
	testkit.Eventually(t, "the outage is noticed", func() string {
		if l.Ready() == nil {
			return "not yet"
		}
		return ""
	})
}

// CheckDeaf checks that Ready reports within little more than two seconds that nothing
// arrives after fail has made the broker or the network silent, and that the layer
// recovers after mend.
func CheckDeaf(t *testing.T, open func(name string) *buslayer.Layer, fail, mend func()) {
	t.Helper()
	p := Connect(t, open)
	AwaitReady(t, p.Consumer)
	fail()
	began := time.Now()
	AwaitOutage(t, p.Consumer)
	if noticed := time.Since(began); noticed > 3*time.Second { // the machine may be busy
		t.Errorf("noticed after %v, want two seconds", noticed)
	}
	time.Sleep(time.Second) // the attempts to connect fail meanwhile
	mend()
	AwaitReady(t, p.Consumer)
	p.Reach(t)
}

// CheckRenew checks that a Bus keeps the connection that it was opening when it was asked
// for a new one. While fail has an effect, no connection can be opened.
func CheckRenew(t *testing.T, b buslayer.Bus, fail, mend func()) {
	t.Helper()
	var subscribed atomic.Int64
	fail()
	b.Subscribe(link.ID{1}, buslayer.Subscriber{
		Receive:     func([]byte) {},
		Subscribed:  func() { subscribed.Add(1) },
		Interrupted: func(err error) { t.Log(err) },
	})
	time.Sleep(200 * time.Millisecond)
	b.Renew()
	mend()
	testkit.Eventually(t, "the bus is connected", func() string {
		if subscribed.Load() == 0 {
			return "not yet"
		}
		return ""
	})
	time.Sleep(500 * time.Millisecond)
	if n := subscribed.Load(); n != 1 {
		t.Errorf("the bus has subscribed %d times, want once", n)
	}
	b.Renew()
	testkit.Eventually(t, "the connection is replaced", func() string {
		if subscribed.Load() == 1 {
			return "not yet"
		}
		return ""
	})
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
