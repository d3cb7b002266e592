package api

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
)

// counting is a layer that counts the queries of programs.
type counting struct {
	layer.Layer

	whole, bare atomic.Int64
}

func (c *counting) Attach(h layer.FrontHandler) (layer.Front, error) {
	front, err := c.Layer.Attach(h)
	return countingFront{front, c}, err
}

type countingFront struct {
	layer.Front

	counts *counting
}

func (f countingFront) Send(in layer.Input) error {
	if in.Request != nil && in.Request.Kind == event.RequestQuery {
		if in.Request.Bare {
			f.counts.bare.Add(1)
		} else {
			f.counts.whole.Add(1)
		}
	}
	return f.Front.Send(in)
}

// A conditional GET of an unchanged document requests only the state of the room.
func TestConditionalGET(t *testing.T) {
	l := &counting{Layer: memlayer.New()}
	server, err := yroom.New(yroom.Config{
		Layer:  l,
		Rooms:  map[string]yroom.Settings{"default": {RemoveDelay: time.Millisecond}},
		Logger: testkit.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	d := server.Document("room")
	if err := d.Create(t.Context(), decode(t, docV1), blocks.V1); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the room is only stored", func() string {
		info, err := d.Info(t.Context())
		if err != nil || info.Mark.Epoch != 0 {
			return fmt.Sprint(info.Mark, err)
		}
		return ""
	})
	handler := New(Config{Documents: server.Documents()})
	get := func(query, tag string) (status int, newTag string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/api/rooms/room?"+query, http.NoBody)
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code, w.Header().Get("ETag")
	}
	tags := map[string]bool{}
	queries := []string{"format=update", "format=update-v2", "format=json", "format=json&name=title", "format=json&name=title&root=title=array", "format=text&name=title", "format=xml&name=prosemirror"}
	for _, open := range []bool{false, true} {
		if open {
			next, stop := changes(t, d)
			t.Cleanup(stop)
			next()
		}
		for _, query := range queries {
			status, tag := get(query, "")
			if status != http.StatusOK || tag == "" || tags[tag] {
				t.Fatalf("%s: status %d, ETag %s", query, status, tag)
			}
			tags[tag] = true
			whole, bare := l.whole.Load(), l.bare.Load()
			if status, again := get(query, `"other", W/`+tag); status != http.StatusNotModified || again != tag {
				t.Errorf("%s: status %d, ETag %s, want 304 and %s", query, status, again, tag)
			}
			if whole, bare := l.whole.Load()-whole, l.bare.Load()-bare; whole != 0 || bare != 1 {
				t.Errorf("%s: %d queries with an update and %d without, want 0 and 1", query, whole, bare)
			}
			for other := range tags { // tags of other formats, and of the room before it was opened
				if status, _ := get(query, other); other != tag && status != http.StatusOK {
					t.Errorf("%s with the ETag %s: status %d", query, other, status)
				}
			}
		}
	}
	if err := d.Apply(t.Context(), decode(t, moreV1), blocks.V1); err != nil {
		t.Fatal(err)
	}
	for tag := range tags {
		for _, query := range queries {
			if status, _ := get(query, tag); status != http.StatusOK {
				t.Errorf("%s after a change: status %d", query, status)
			}
		}
	}
	if status, _ := get("format=text&name=nothing", "*"); status != http.StatusNotFound {
		t.Errorf("a root that doesn't exist, with *: status %d", status)
	}
}

// changes watches a document, which keeps its room in memory.
func changes(t *testing.T, d *document.Document) (next func(), stop func()) {
	t.Helper()
	pull, stop := iter.Pull2(d.Changes(t.Context(), event.Mark{}))
	return func() {
		if _, err, ok := pull(); err != nil || !ok {
			t.Fatal(err)
		}
	}, stop
}
