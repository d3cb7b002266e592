package document

import (
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLayer is a layer whose worker is a function.
type fakeLayer struct {
	handler layer.FrontHandler
	handle  func(l *fakeLayer, in layer.Input) error // nil: all inputs are accepted
	workers int                                      // for SendAll

	mu   sync.Mutex
	sent []layer.Input // that were taken
}

func (l *fakeLayer) Attach(h layer.FrontHandler) (layer.Front, error) {
	l.handler = h
	return l, nil
}

func (l *fakeLayer) Serve(layer.BackHandler) (layer.Back, error) { return nil, layer.ErrServed }

func (l *fakeLayer) Send(in layer.Input) error {
	if l.handle != nil {
		if err := l.handle(l, in); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent = append(l.sent, in)
	return nil
}

func (l *fakeLayer) SendAll(in layer.Input) (int, error) { return l.workers, l.Send(in) }

func (l *fakeLayer) Close() error { return nil }

// inputs returns the inputs that were taken.
func (l *fakeLayer) inputs() []layer.Input {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent
}

// output delivers an output of the room "a".
func (l *fakeLayer) output(out event.Output) {
	l.handler.Deliver([]layer.Output{{Room: "a", Output: out}})
}

// respond delivers a response to an input.
func (l *fakeLayer) respond(in layer.Input, r event.Response) {
	l.output(event.Output{Kind: event.OutputResponse, To: in.Conn, Response: &r})
}

// lose reports that messages to and from the worker of the room "a" were lost.
func (l *fakeLayer) lose() { l.handler.Lost(func(room string) bool { return room == "a" }) }

// newFake returns Documents whose worker is handle, which must not block.
func newFake(t *testing.T, handle func(l *fakeLayer, in layer.Input) error) (*Documents, *fakeLayer) {
	t.Helper()
	l := &fakeLayer{handle: handle, workers: 1}
	c, err := New(Config{Layer: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, l
}
