package document_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

// stream is a stream of changes that a test reads step by step.
type stream struct {
	t    *testing.T
	next func() (document.Change, error, bool)
	stop func()
}

func watch(ctx context.Context, t *testing.T, d *document.Document, since event.Mark) *stream {
	t.Helper()
	next, stop := iter.Pull2(d.Changes(ctx, since))
	t.Cleanup(stop)
	return &stream{t, next, stop}
}

func (s *stream) change() document.Change {
	s.t.Helper()
	c, err, ok := s.next()
	if err != nil || !ok {
		s.t.Fatalf("the stream ended: %v, %v", err, ok)
	}
	return c
}

func (s *stream) wantUpdate(update []byte, whole bool) document.Change {
	s.t.Helper()
	c := s.change()
	if !bytes.Equal(c.Update, update) || c.Whole != whole {
		s.t.Errorf("change %q, whole %v, want %q, %v", c.Update, c.Whole, update, whole)
	}
	return c
}

func (s *stream) wantEnd(want error) {
	s.t.Helper()
	_, err, ok := s.next()
	if !ok || !errors.Is(err, want) {
		s.t.Errorf("the stream ended with %v, want %v", err, want)
	}
	if _, _, ok = s.next(); ok {
		s.t.Error("the stream has not ended")
	}
}

func apply(t *testing.T, d *document.Document, update []byte) {
	t.Helper()
	if err := d.Apply(t.Context(), update, blocks.V1); err != nil {
		t.Fatal(err)
	}
}

func TestChanges(t *testing.T) {
	server, web := running(t, config{Rooms: map[string]worker.Settings{"default": {RemoveDelay: time.Millisecond, Room: room.Config{Encoding: blocks.V2}}}})
	d := server.Document("ws/a")
	apply(t, d, typed(7, 0, "a"))
	s := watch(t.Context(), t, d, event.Mark{})
	s.wantUpdate(typed(7, 0, "a"), true)
	apply(t, d, typed(7, 1, "b"))
	second := s.wantUpdate(typed(7, 1, "b"), false)
	if a := must[document.Info](t)(server.Document("ws/a").Query(t.Context(), event.Mark{})); a.Mark != second.Mark || len(a.Members) > 0 || a.Summary.Conns > 0 {
		t.Errorf("the stream is at %+v, the room at %+v with %d connections", second.Mark, a.Mark, a.Summary.Conns)
	}

	// Edits of clients, in each encoding of the wire.
	c := connect(t, web, "a")
	v2 := must[[]byte](t)(blocks.Convert(blocks.V1, blocks.V2, typed(7, 2, "c")))
	c.MustSend(t, testkit.Update(v2))
	third := s.wantUpdate(typed(7, 2, "c"), false)
	c.Close()

	// The stream continues from a mark, because the room has stayed in memory.
	other := watch(t.Context(), t, d, third.Mark)
	other.wantUpdate(nil, false)
	s.stop()
	apply(t, d, typed(7, 3, "d"))
	other.wantUpdate(typed(7, 3, "d"), false)
	other.stop()

	// The room is no longer watched, so it is evicted, and its marks with it.
	testkit.Eventually(t, "the room is evicted", func() string { return strings.Join(open(t, server), " ") })
	watch(t.Context(), t, d, third.Mark).wantUpdate(typed(7, 0, "abcd"), true)
}

func TestChangesEnd(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	apply(t, d, hello)
	ctx, cancel := context.WithCancel(t.Context())
	cancelled, deleted := watch(ctx, t, d, event.Mark{}), watch(t.Context(), t, d, event.Mark{})
	cancelled.change()
	deleted.change()
	cancel()
	cancelled.wantEnd(context.Canceled)
	if err := d.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	deleted.wantEnd(document.ErrNotFound)
}

func TestChangesEndWhenTheRoomFails(t *testing.T) {
	s := faulty.New(memstore.New())
	server, _ := running(t, config{Store: s})
	d := server.Document("a")
	apply(t, d, hello)
	watching := watch(t.Context(), t, d, event.Mark{})
	watching.change()
	s.Set(faulty.Fail(store.ErrInvalid), faulty.Append) // an error that a repetition can't change
	for what, err := range map[string]error{"Apply": d.Apply(t.Context(), typed(7, 0, "lost"), blocks.V1), "Changes": second(watching.next())} {
		if closed, ok := errors.AsType[*protocol.CloseError](err); !ok || closed.Code != 1013 || closed.Reason == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second(_ document.Change, err error, _ bool) error { return err }

// A slow reader receives everything that was added meanwhile as one change, however
// much it is.
func TestChangesForASlowReader(t *testing.T) {
	for _, size := range []int{10, 100 << 10} {
		server, _ := running(t, config{})
		d := server.Document("a")
		apply(t, d, hello)
		s := watch(t.Context(), t, d, event.Mark{})
		doc := blocks.New()
		take := func(c document.Change) {
			if _, err := doc.Apply(c.Update, blocks.V1); err != nil {
				t.Fatal(err)
			}
		}
		take(s.wantUpdate(hello, true))
		const edits = 40
		for client := range uint64(edits) {
			apply(t, d, testkit.Typed(100+client/2, client%2*uint64(size), strings.Repeat("x", size)))
		}
		whole := must[[]byte](t)(d.Update(t.Context(), blocks.V1))
		changes := 0
		for !bytes.Equal(doc.Encode(blocks.V1), whole) {
			take(s.change())
			changes++
		}
		if changes > 2 {
			t.Errorf("updates of %d bytes: %d changes", size, changes)
		}
		apply(t, d, typed(9, 0, "z"))
		s.wantUpdate(typed(9, 0, "z"), false)
	}
}
