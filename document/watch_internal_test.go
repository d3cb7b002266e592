package document

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
)

// updateAt returns the update of client 1 that inserts a letter at a clock.
func updateAt(clock byte) []byte { return testkit.Typed(1, uint64(clock), "x") }

// watchedFake returns a stream over a fake layer, and its watch requests.
func watchedFake(t *testing.T) (l *fakeLayer, next func() (Change, error), watches func() []layer.Input) {
	t.Helper()
	c, l := newFake(t, nil)
	pull, stop := iter.Pull2(c.Document("a").Changes(t.Context(), event.Mark{Epoch: 1, Seq: 3}))
	t.Cleanup(stop)
	watches = func() (all []layer.Input) {
		for _, in := range l.inputs() {
			if in.Request != nil && in.Request.Kind == event.RequestWatch {
				all = append(all, in)
			}
		}
		return all
	}
	next = func() (Change, error) {
		c, err, ok := pull()
		if !ok {
			t.Fatal("the stream has ended")
		}
		return c, err
	}
	return l, next, watches
}

// After any sign of a loss, a watch starts again from the state that its reader has.
// Updates that waited before are included in the first response.
func TestWatchStartsAgain(t *testing.T) {
	for name, lose := range map[string]func(l *fakeLayer, in layer.Input){
		"Lost":     func(l *fakeLayer, _ layer.Input) { l.lose() },
		"a Rejoin": func(l *fakeLayer, in layer.Input) { l.output(event.Output{Kind: event.OutputRejoin, To: in.Conn}) },
		"a gap": func(l *fakeLayer, in layer.Input) {
			l.respond(in, event.Response{Mark: event.Mark{Epoch: 1, Seq: 7}, Update: updateAt(7)})
		},
		"another epoch": func(l *fakeLayer, in layer.Input) {
			l.respond(in, event.Response{Mark: event.Mark{Epoch: 2, Seq: 6}, Update: updateAt(6)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, next, watches := watchedFake(t)
			responses := []func(in layer.Input){
				func(in layer.Input) {
					l.respond(in, event.Response{Mark: event.Mark{Epoch: 1, Seq: 4}, Update: updateAt(4)})
				},
				func(in layer.Input) {
					l.respond(in, event.Response{Mark: event.Mark{Epoch: 9, Seq: 2}, Update: updateAt(0), Whole: true})
				},
			}
			l.handle = func(_ *fakeLayer, in layer.Input) error {
				if in.Request != nil && in.Request.Kind == event.RequestWatch {
					responses[0](in)
					responses = responses[1:]
				}
				return nil
			}
			if c, err := next(); err != nil || c.Mark.Seq != 4 || c.Whole {
				t.Fatalf("the stream begins with %+v, %v", c, err)
			}
			first := watches()[0]
			l.respond(first, event.Response{Mark: event.Mark{Epoch: 1, Seq: 5}, Update: updateAt(5)})
			l.respond(first, event.Response{Mark: event.Mark{Epoch: 1, Seq: 5}, Update: updateAt(5)}) // a duplicate
			lose(l, first)
			l.respond(first, event.Response{Mark: event.Mark{Epoch: 1, Seq: 8}, Update: updateAt(8)}) // for an earlier start, so it is dropped
			c, err := next()
			if want := (Change{Update: updateAt(0), Whole: true, Mark: event.Mark{Epoch: 9, Seq: 2}}); !cmp.Equal(c, want) || err != nil {
				t.Errorf("after the loss: %+v, %v, want %+v", c, err, want)
			}
			all := watches()
			if len(all) != 2 || all[1].Conn == first.Conn || all[1].Request.Since != (event.Mark{Epoch: 1, Seq: 4}) {
				t.Fatalf("watches %+v", all)
			}
			left := false
			for _, in := range l.inputs() {
				left = left || in.Kind == event.InputLeave && in.Conn == first.Conn
			}
			if !left {
				t.Error("the first watch has not left")
			}
		})
	}
}

// A stream whose watch is lost before its first response still begins with a first
// change.
func TestWatchLostAtOnce(t *testing.T) {
	l, next, watches := watchedFake(t)
	l.handle = func(_ *fakeLayer, in layer.Input) error {
		switch {
		case in.Request == nil:
		case len(watches()) == 0:
			l.lose()
		default:
			l.respond(in, event.Response{Mark: event.Mark{Epoch: 1, Seq: 3}})
		}
		return nil
	}
	if c, err := next(); c.Update != nil || c.Mark.Seq != 3 || err != nil {
		t.Errorf("%+v, %v", c, err)
	}
	if all := watches(); len(all) != 2 || all[1].Request.Since.Seq != 3 {
		t.Errorf("watches %+v", all)
	}
}

// The memory for changes that wait for a slow reader is bounded.
func TestWatcherIsBounded(t *testing.T) {
	w := &watcher{wake: make(chan struct{}, 1)}
	most := 0
	for seq := range uint64(100) {
		w.deliver(0, event.Output{Kind: event.OutputResponse, Response: &event.Response{Mark: event.Mark{Seq: seq + 1}, Update: make([]byte, 100<<10)}})
		held := 0
		for _, u := range w.updates {
			held += len(u.update)
		}
		if most = max(most, held); held != w.bytes || held > maxWatched {
			t.Fatalf("%d bytes wait, counted as %d", held, w.bytes)
		}
	}
	if !w.behind || most == 0 || w.lost {
		t.Errorf("behind: %v; at most %d bytes have waited", w.behind, most)
	}
}

// watching is a watcher of a room at sequence 5, whose queries respond answers.
func watching(t *testing.T, respond func(w *watcher) event.Response) *watcher {
	t.Helper()
	var w *watcher
	c, _ := newFake(t, func(l *fakeLayer, in layer.Input) error {
		if in.Request != nil {
			l.respond(in, respond(w))
		}
		return nil
	})
	w = &watcher{document: c.Document("a"), wake: make(chan struct{}, 1), began: true, seen: event.Mark{Seq: 5}, taken: event.Mark{Seq: 5}}
	return w
}

// receives delivers an update to the watcher.
func (w *watcher) receives(seq uint64, update []byte) {
	w.deliver(w.starts, event.Output{Kind: event.OutputResponse, Response: &event.Response{Mark: event.Mark{Seq: seq}, Update: update}})
}

var nothing = []byte{0, 0}

// Changes that a reader has received by catching up are not returned again.
func TestWatcherCatchesUp(t *testing.T) {
	w := watching(t, func(w *watcher) event.Response {
		w.receives(8, nothing) // between the query and the response
		return event.Response{Mark: event.Mark{Seq: 8}, Update: nothing}
	})
	w.receives(6, make([]byte, maxWatched))
	w.receives(7, nothing)
	if !w.behind {
		t.Fatal("it isn't behind")
	}
	if c, ok, err := w.next(t.Context()); !ok || err != nil || c.Mark.Seq != 8 {
		t.Fatalf("%+v, %v, %v", c, ok, err)
	}
	if c, ok, err := w.next(t.Context()); ok || err != nil {
		t.Fatalf("again %+v, %v", c, err)
	}
	w.receives(9, updateAt(9))
	if c, ok, err := w.next(t.Context()); !ok || err != nil || !bytes.Equal(c.Update, updateAt(9)) {
		t.Fatalf("%+v, %v, %v", c, ok, err)
	}
}

// After catching up with a room of another epoch, a watch starts again in that epoch.
func TestWatcherCatchesUpElsewhere(t *testing.T) {
	w := watching(t, func(*watcher) event.Response {
		return event.Response{Mark: event.Mark{Epoch: 2, Seq: 1}, Update: nothing, Whole: true}
	})
	w.receives(6, make([]byte, maxWatched))
	w.receives(7, nothing)
	if c, ok, err := w.next(t.Context()); !ok || err != nil || !c.Whole || c.Mark.Epoch != 2 {
		t.Fatalf("%+v, %v, %v", c, ok, err)
	}
	if !w.lost {
		t.Error("the watch doesn't start again")
	}
}

func TestWatchEnds(t *testing.T) {
	c, l := newFake(t, func(l *fakeLayer, in layer.Input) error {
		if in.Request != nil {
			l.respond(in, event.Response{Refusal: event.Refusal{Cause: event.CauseNotFound}})
		}
		return nil
	})
	for _, err := range c.Document("a").Changes(t.Context(), event.Mark{}) {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%v, want ErrNotFound", err)
		}
	}
	if in := l.inputs(); in[len(in)-1].Kind != event.InputLeave || len(c.receivers) > 0 {
		t.Errorf("the last input is %+v; %d receivers remain", in[len(in)-1], len(c.receivers))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.Document("a").Changes(ctx, event.Mark{}) {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrNotFound) {
			t.Errorf("%v, want that the context has ended", err)
		}
	}
}

// Closing a watch of a room without a worker doesn't wait.
func TestWatchEndsWithoutOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newFake(t, func(l *fakeLayer, in layer.Input) error {
			if in.Request == nil {
				return layer.ErrNoOwner
			}
			l.respond(in, event.Response{Mark: event.Mark{Epoch: 1, Seq: 1}})
			return nil
		})
		begin := time.Now()
		for range c.Document("a").Changes(t.Context(), event.Mark{}) {
			break
		}
		if d := time.Since(begin); d > 0 || len(l.inputs()) != 1 {
			t.Errorf("it took %v, inputs %+v", d, l.inputs())
		}
	})
}
