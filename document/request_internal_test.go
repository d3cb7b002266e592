package document

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

var hello = []byte("\x01\x01\x01\x00\x04\x01\x04text\x05hello\x00")

// wantClose reports an error unless err is a CloseError with CloseTryLater.
func wantClose(t *testing.T, what string, err error) {
	t.Helper()
	if closed, ok := errors.AsType[*protocol.CloseError](err); !ok || closed.Code != protocol.CloseTryLater || closed.Reason == "" {
		t.Errorf("%s: %v, want a CloseError with code 1013", what, err)
	}
}

// A response that has arrived is returned, whatever else has ended meanwhile.
func TestResponseJustInTime(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(c *Documents, cancel context.CancelFunc)
	}{
		{"Documents.Close was called", func(c *Documents, _ context.CancelFunc) { close(c.closed) }},
		{"the context ends", func(_ *Documents, cancel context.CancelFunc) { cancel() }},
		{"the worker is lost", func(c *Documents, _ context.CancelFunc) { c.lost(func(string) bool { return true }) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			create := func(response event.Response) error {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var c *Documents
				l := &fakeLayer{handle: func(l *fakeLayer, in layer.Input) error {
					l.respond(in, response)
					test.end(c, cancel)
					return nil
				}}
				c, err := New(Config{Layer: l})
				if err != nil {
					t.Fatal(err)
				}
				return c.Document("a").Create(ctx, hello, blocks.V1)
			}
			for range 100 { // repeated, because a select chooses any ready channel
				if err := create(event.Response{Mark: event.Mark{Seq: 7}}); err != nil {
					t.Fatalf("a response, and the error %v", err)
				}
				if err := create(event.Response{Refusal: event.Refusal{Cause: event.CauseExists}}); !errors.Is(err, ErrExists) {
					t.Fatalf("refused with %v", err)
				}
			}
		})
	}
}

// Requests that can be repeated are sent again when the worker is lost. The outcome of
// the others is unknown. Changes of connections wait until these have joined again.
func TestLostWorker(t *testing.T) { synctest.Test(t, testLostWorker) }

func testLostWorker(t *testing.T) {
	for _, loss := range []struct {
		name string
		lose func(l *fakeLayer, in layer.Input)
	}{
		{"Lost", func(l *fakeLayer, _ layer.Input) { l.lose() }},
		{"a Rejoin", func(l *fakeLayer, in layer.Input) { l.output(event.Output{Kind: event.OutputRejoin, To: in.Conn}) }},
	} {
		for _, test := range []struct {
			name  string
			again bool
			do    func(ctx context.Context, d *Document) error
		}{
			{"Update", true, func(ctx context.Context, d *Document) error { _, err := d.Update(ctx, blocks.V1); return err }},
			{"Diff", true, func(ctx context.Context, d *Document) error { _, err := d.Diff(ctx, []byte{0}, blocks.V1); return err }},
			{"Apply", true, func(ctx context.Context, d *Document) error { return d.Apply(ctx, hello, blocks.V1) }},
			{"an edit", false, func(ctx context.Context, d *Document) error { return d.applyAs(ctx, identity{1, 0}, hello) }},
			{"Create", false, func(ctx context.Context, d *Document) error { return d.Create(ctx, hello, blocks.V1) }},
			{"Delete", false, func(ctx context.Context, d *Document) error { return d.Delete(ctx) }},
			{"SetAccess", true, func(ctx context.Context, d *Document) error {
				_, err := d.SetAccess(ctx, Selection{User: "ada"}, 0)
				return err
			}},
			{"Expel", true, func(ctx context.Context, d *Document) error {
				_, err := d.Expel(ctx, Selection{User: "ada"}, protocol.CloseError{})
				return err
			}},
			{"Broadcast", false, func(ctx context.Context, d *Document) error { _, err := d.Broadcast(ctx, "hi"); return err }},
			{"SetAccess in all rooms", true, func(ctx context.Context, d *Document) error {
				_, err := d.documents.SetAccess(ctx, Selection{User: "ada"}, 0)
				return err
			}},
		} {
			var sent []event.Request
			c, _ := newFake(t, func(l *fakeLayer, in layer.Input) error {
				sent = append(sent, *in.Request)
				if len(sent) == 1 {
					loss.lose(l, in)
					in.Request.Update, in.Request.Vector = nil, nil // the receiver owns it
				} else {
					l.respond(in, event.Response{Update: hello})
				}
				return nil
			})
			began := time.Now()
			err := test.do(t.Context(), c.Document("a"))
			if control := len(sent) > 1 && sent[0].User != ""; control != (time.Since(began) >= rejoinPause) {
				t.Errorf("%s after %s took %v", test.name, loss.name, time.Since(began))
			}
			switch {
			case !test.again:
				wantClose(t, test.name+" after "+loss.name, err)
				if !errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrNoWorker) {
					t.Errorf("%s after %s: %v, want ErrOutcomeUnknown", test.name, loss.name, err)
				}
				if len(sent) != 1 {
					t.Errorf("%s after %s: it was sent %d times", test.name, loss.name, len(sent))
				}
			case err != nil || len(sent) != 2 || !bytes.Equal(sent[0].Update, sent[1].Update) || !bytes.Equal(sent[0].Vector, sent[1].Vector):
				t.Errorf("%s after %s: %v, sent %+v", test.name, loss.name, err, sent)
			}
		}
	}
}

// Losses before a request is sent, and in other rooms, don't affect it.
func TestLostElsewhere(t *testing.T) {
	tries := 0
	c, _ := newFake(t, func(l *fakeLayer, in layer.Input) error {
		if tries++; tries == 1 {
			l.lose()
			return layer.ErrFull
		}
		l.handler.Lost(func(room string) bool { return room == "b" })
		l.respond(in, event.Response{})
		return nil
	})
	if err := c.Document("a").Create(t.Context(), hello, blocks.V1); err != nil || tries != 2 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

// A request waits 10 seconds for a worker for its room.
func TestNoOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back time.Time
		c, _ := newFake(t, func(l *fakeLayer, in layer.Input) error {
			if time.Now().Before(back) {
				return layer.ErrNoOwner
			}
			if in.Request != nil {
				l.respond(in, event.Response{})
			}
			return nil
		})
		d := c.Document("a")
		for name, do := range map[string]func(ctx context.Context) error{
			"Apply":  func(ctx context.Context) error { return d.Apply(ctx, hello, blocks.V1) },
			"Create": func(ctx context.Context) error { return d.Create(ctx, hello, blocks.V1) },
			"Rooms":  func(ctx context.Context) error { _, err := c.Rooms(ctx, ListOptions{}); return err },
			"Changes": func(ctx context.Context) error {
				for _, err := range d.Changes(ctx, event.Mark{}) {
					return err
				}
				return nil
			},
		} {
			back = time.Now().Add(9 * time.Second)
			if err := do(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			back = time.Now().Add(time.Hour)
			long, cancel := context.WithTimeout(t.Context(), time.Minute)
			t.Cleanup(cancel)
			for _, ctx := range []context.Context{t.Context(), long} {
				begin := time.Now()
				err := do(ctx)
				wantClose(t, name, err)
				if !errors.Is(err, ErrNoWorker) || errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("%s: %v, want ErrNoWorker", name, err)
				}
				if d := time.Since(begin); d < ownerTimeout || d > ownerTimeout+time.Second {
					t.Errorf("%s: an error after %v", name, d)
				}
			}
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			err := do(short)
			cancel()
			wantClose(t, name, err)
			if !errors.Is(err, ErrNoWorker) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want ErrNoWorker and that its context has ended", name, err)
			}
			cancelled, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if err := do(cancelled); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want that its context was cancelled", name, err)
			}
		}
	})
}

// A room that doesn't respond is waited for, longer if it has a large update to store.
func TestNoResponse(t *testing.T) {
	large := testkit.Typed(1, 0, strings.Repeat("x", 3<<20))
	synctest.Test(t, func(t *testing.T) {
		c, _ := newFake(t, func(*fakeLayer, layer.Input) error { return nil })
		d := c.Document("a")
		for _, test := range []struct {
			name string
			do   func() error
			want time.Duration
		}{
			{"Info", func() error { _, err := d.Info(t.Context()); return err }, 10 * time.Second},
			{"a small update", func() error { return d.Apply(t.Context(), hello, blocks.V1) }, 10 * time.Second},
			{"a large update", func() error { return d.Apply(t.Context(), large, blocks.V1) }, 13 * time.Second},
			{"a large room", func() error { return d.Create(t.Context(), large, blocks.V1) }, 13 * time.Second},
			{"a large edit", func() error { return d.applyAs(t.Context(), identity{1, 0}, large) }, 13 * time.Second},
			{"a large update with a deadline", func() error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				return d.Apply(ctx, large, blocks.V1)
			}, time.Minute},
		} {
			began := time.Now()
			err := test.do()
			if took := time.Since(began); !errors.Is(err, ErrTimeout) || took.Truncate(time.Second) != test.want {
				t.Errorf("%s: %v after %v, want ErrTimeout after %v", test.name, err, took, test.want)
			}
		}
	})
}

// A worker that was lost may have made a change, even if no other worker comes.
func TestLostWorkerAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			want error
			do   func(d *Document) error
		}{
			"Apply": {ErrOutcomeUnknown, func(d *Document) error { return d.Apply(t.Context(), hello, blocks.V1) }},
			"Info":  {ErrNoWorker, func(d *Document) error { _, err := d.Info(t.Context()); return err }},
		} {
			tries := 0
			c, _ := newFake(t, func(l *fakeLayer, _ layer.Input) error {
				if tries++; tries > 1 {
					return layer.ErrNoOwner
				}
				l.lose()
				return nil
			})
			err := test.do(c.Document("a"))
			wantClose(t, name, err)
			if !errors.Is(err, test.want) || tries < 2 {
				t.Errorf("%s: %v after %d tries, want %v", name, err, tries, test.want)
			}
		}
	})
}

// A layer can close a request that it could not deliver.
func TestClosedRequest(t *testing.T) {
	c, _ := newFake(t, func(l *fakeLayer, in layer.Input) error {
		closing := protocol.CloseError{Code: protocol.CloseTryLater, Reason: "Too much waits for the room."}
		l.output(event.Output{Kind: event.OutputMessage, To: in.Conn, Message: closing.Message()})
		return nil
	})
	err := c.Document("a").Delete(t.Context())
	wantClose(t, "Delete", err)
	if errors.Is(err, ErrNoWorker) || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("Delete: %v, want another error", err)
	}
}

// A room that sends outputs to a connection that doesn't exist receives a Leave.
func TestUnknownConn(t *testing.T) {
	_, l := newFake(t, nil)
	for conn, out := range []event.Output{
		1: {Kind: event.OutputRejoin},
		2: {Kind: event.OutputResponse, Response: &event.Response{}},
		3: {Kind: event.OutputMessage, Message: protocol.Message{Type: protocol.Close}},
	} {
		out.To = event.ConnID(conn)
		l.output(out) // the first is to Everyone
	}
	got := l.inputs()
	if len(got) != 2 || got[0].Kind != event.InputLeave || got[0].Conn != 1 || got[0].Room != "a" || got[1].Kind != event.InputLeave || got[1].Conn != 2 {
		t.Errorf("inputs %+v, want that 1 and 2 leave", got)
	}
}

func TestClosed(t *testing.T) {
	c, _ := newFake(t, nil) // which never responds
	ended := make(chan error)
	go func() { ended <- c.Document("a").Delete(t.Context()) }()
	go func() { _, err := c.Rooms(t.Context(), ListOptions{}); ended <- err }()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
}
