package document_test

import (
	"bytes"
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/store/memstore"
)

// A client at a consumer and a program at an end of its own see each other's edits, and
// continue when another worker replaces the first.
func TestThreeEnds(t *testing.T) {
	l, cfg := memlayer.New(), config{Store: memstore.New()}
	conns, err := consumer.New(consumer.Config{Layer: l, Logger: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(conns)
	defer web.Close()
	defer func() {
		if err := conns.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	program := newDocuments(t, l)
	d := program.Document("ws/a")

	stop := startWorker(t, l, cfg)
	c := enter(t, web, "a")
	c.MustSend(t, testkit.Update(typed(7, 0, "a")))
	c.MustAwait(t, testkit.Update(typed(7, 0, "a")))
	changes := watch(t.Context(), t, d, event.Mark{})
	changes.wantUpdate(typed(7, 0, "a"), true)
	apply(t, d, typed(8, 0, "b"))
	c.MustAwait(t, testkit.Update(typed(8, 0, "b")))
	changes.wantUpdate(typed(8, 0, "b"), false)
	edit(t, d, "c")

	stop()
	startWorker(t, l, cfg)
	edit(t, d, "d") // the Doc of the previous edit can't be used any more
	if all := clients(t, d); len(all) != 3 {
		t.Errorf("clients %v", all)
	}
	c.MustSend(t, testkit.Update(typed(7, 1, "e")))
	c.MustAwait(t, testkit.Update(typed(7, 1, "e")))
	whole := must[[]byte](t)(d.Update(t.Context(), blocks.V1))
	doc := blocks.New()
	for !bytes.Equal(doc.Encode(blocks.V1), whole) {
		if _, err := doc.Apply(changes.change().Update, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(d.Delete(t.Context())); err != nil {
		t.Fatal(err)
	}
	if code, _, err := c.AwaitClose(); code != 4404 {
		t.Errorf("closed with %d (%v), want 4404", code, err)
	}
	if rooms := open(t, program); len(rooms) > 0 {
		t.Errorf("rooms %q", rooms)
	}
}
