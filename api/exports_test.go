package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/yjs"
)

// Requests for the same state are one export, which is counted until the last one has
// left.
func TestExportsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExports(1000)
		key := exportKey{"room", "state"}
		var made atomic.Int32
		used := func() int {
			x.mu.Lock()
			defer x.mu.Unlock()
			return x.used
		}
		write := func(e *exported) error {
			time.Sleep(time.Second)
			made.Add(1)
			e.body, e.size = []byte("document"), 8
			return nil
		}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				e, err := x.share(t.Context(), key, 900, write)
				if err != nil || string(e.body) != "document" {
					t.Errorf("got %v", err)
					return
				}
				time.Sleep(time.Second)
				x.leave(e)
			})
		}
		time.Sleep(500 * time.Millisecond)
		if got := used(); got != 900 {
			t.Errorf("%d bytes are reserved while the export is made", got)
		}
		time.Sleep(time.Second)
		if got := used(); got != 8 || made.Load() != 1 {
			t.Errorf("%d bytes are reserved for %d exports", got, made.Load())
		}
		all.Wait()
		if x.used != 0 || len(x.all) > 0 {
			t.Errorf("%d bytes are left, and %d exports", x.used, len(x.all))
		}
	})
}

// Exports beyond the bound wait in order, and are refused after a while. What fails or
// gives up leaves nothing behind.
func TestExportsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExports(1000)
		var order []int
		var all sync.WaitGroup
		start := func(ctx context.Context, i, cost int, takes time.Duration, fails error) {
			all.Go(func() {
				e, err := x.share(ctx, exportKey{"room", fmt.Sprint(i)}, cost, func(*exported) error {
					order = append(order, i)
					time.Sleep(takes)
					return fails
				})
				if err == nil {
					x.leave(e)
				}
				problem, refused := errors.AsType[problemError](err)
				if refused != (i == 4) || refused && problem.Status != http.StatusServiceUnavailable {
					t.Errorf("export %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		given, giveUp := context.WithCancel(t.Context())
		start(t.Context(), 0, 5000, time.Second, nil) // more than the bound: alone
		start(t.Context(), 1, 600, time.Second, errors.New("failed"))
		start(given, 2, 900, time.Second, nil)
		start(t.Context(), 3, 500, time.Minute, nil)
		start(t.Context(), 4, 600, time.Second, nil)
		giveUp()
		all.Wait()
		if got := fmt.Sprint(order); got != "[0 1 3]" {
			t.Errorf("the exports ran in the order %s", got)
		}
		if x.used != 0 || len(x.all)+len(x.waiting) > 0 {
			t.Errorf("%d bytes are left, %d exports, and %d wait", x.used, len(x.all), len(x.waiting))
		}
	})
}

// An export whose client disconnects is made for the others that wait for it.
func TestExportsOutliveTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newExports(1000)
		key := exportKey{"room", "state"}
		ctx, disconnect := context.WithCancel(t.Context())
		go func() {
			_, err := x.share(ctx, key, 1, func(*exported) error { <-ctx.Done(); return ctx.Err() })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}()
		synctest.Wait()
		time.AfterFunc(time.Second, disconnect)
		e, err := x.share(t.Context(), key, 1, func(e *exported) error { e.body = []byte("document"); return nil })
		if err != nil || string(e.body) != "document" {
			t.Fatalf("got %v", err)
		}
		x.leave(e)
		if x.used != 0 {
			t.Errorf("%d bytes are left", x.used)
		}
	})
}

// Clients that don't read what they have requested share its memory if it is the same,
// and stay within the bound if it isn't.
func TestUnreadExportsAreBounded(t *testing.T) {
	const conns, size, bound = 24, 12 << 20, 60 << 20
	for name, test := range map[string]struct {
		path string
		edit bool // the document changes between the requests
		most int

		stored bool // the room is not in memory before
	}{
		"JSON":                    {path: "?format=json", most: 3 * size},
		"updates":                 {path: "?format=update", most: 2 * size},
		"events":                  {path: "/events", most: 2 * size},
		"JSON of many states":     {path: "?format=json", edit: true, most: bound * 3 / 2},
		"updates of many states":  {path: "?format=update", edit: true, most: bound * 3 / 2},
		"events from many states": {path: "/events", edit: true, most: bound * 3 / 2},
		"events of a stored room": {path: "/events", stored: true, most: 3 * size},
	} {
		t.Run(name, func(t *testing.T) {
			rooms := newServer(t, nil)
			d := rooms.Document("large")
			if err := d.Create(t.Context(), testkit.Typed(7, 0, strings.Repeat("x", size)), blocks.V1); err != nil {
				t.Fatal(err)
			}
			if !test.stored {
				stay := keepOpen(t, rooms)
				defer stay()
			}
			web := httptest.NewServer(New(Config{Documents: rooms.Documents(), Memory: bound}))
			t.Cleanup(web.Close)
			before := settled()
			for i := range uint64(conns) {
				c, err := net.Dial("tcp", web.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = c.Close() })
				fmt.Fprintf(c, "GET /api/rooms/large%s HTTP/1.1\r\nHost: yroom.test\r\n\r\n", test.path)
				if test.edit {
					time.Sleep(20 * time.Millisecond)
					if err := d.Apply(t.Context(), testkit.Typed(8, i, "y"), blocks.V1); err != nil {
						t.Fatal(err)
					}
				}
			}
			if held := settled() - before; held > test.most || held < size/2 {
				t.Errorf("%d clients that don't read hold %d MiB, want up to %d MiB", conns, held>>20, test.most>>20)
			}
		})
	}
}

// A stream of a document that is larger than the bound begins at once if nothing else is
// exported, whether the room is in memory or not.
func TestStreamsBeginBeyondTheBound(t *testing.T) {
	for _, open := range []bool{false, true} {
		t.Run(fmt.Sprint("in memory: ", open), func(t *testing.T) {
			rooms := newServer(t, nil)
			if err := rooms.Document("large").Create(t.Context(), testkit.Typed(7, 0, strings.Repeat("x", 3<<20)), blocks.V1); err != nil {
				t.Fatal(err)
			}
			if open {
				defer keepOpen(t, rooms)()
			}
			handler := New(Config{Documents: rooms.Documents(), Memory: 1})
			web := httptest.NewServer(handler)
			defer web.Close()
			response, err := http.Get(web.URL + "/api/rooms/large/events")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			begun := time.Now()
			if _, err := io.CopyN(io.Discard, response.Body, 4<<20); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took > exportPatience/2 {
				t.Errorf("the first event took %v", took)
			}
			testkit.Eventually(t, "freed", func() string {
				handler.exports.mu.Lock()
				defer handler.exports.mu.Unlock()
				if handler.exports.used != 0 {
					return fmt.Sprint(handler.exports.used, " bytes are reserved")
				}
				return ""
			})
		})
	}
}

// TestCostOfExports checks that an export takes no more memory than is reserved for it.
// What it allocates in total is a little more.
func TestCostOfExports(t *testing.T) {
	const n = 50_000
	for name, fill := range map[string]func(*yjs.Doc) error{
		"characters": func(d *yjs.Doc) error {
			text, err := d.Text("text")
			for range n {
				err = errors.Join(err, text.Insert(0, "x", nil))
			}
			return err
		},
		"nulls": func(d *yjs.Doc) error {
			array, err := d.Array("array")
			values := make([]yjs.Value, 20*n)
			for i := range values {
				values[i] = yjs.NullValue()
			}
			return errors.Join(err, array.Insert(0, values...))
		},
		"keys": func(d *yjs.Doc) error {
			m, err := d.Map("map")
			for i := range n {
				err = errors.Join(err, m.Set(strconv.FormatInt(int64(i), 36), yjs.NumberValue(1)))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc := yjs.New()
			if _, err := doc.Transact(func() error { return fill(doc) }); err != nil {
				t.Fatal(err)
			}
			update := doc.Encode(blocks.V1)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := writeJSON(document.Info{Update: update}, selection{}); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			cost := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(update))
			t.Logf("a JSON export of %d bytes allocates %.1f times as much", len(update), cost)
			if cost > integratedCost*6/5 {
				t.Errorf("it allocates %.1f times the document, want about %d at most", cost, integratedCost)
			}
		})
	}
}

// keepOpen keeps the room in memory until stop is called.
func keepOpen(t *testing.T, rooms *yroom.Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for range rooms.Document("large").Changes(ctx, event.Mark{}) {
			select {
			case begun <- struct{}{}:
			default:
			}
		}
	}()
	<-begun
	return func() { cancel(); <-ended }
}

// settled returns the size of the heap once it has stopped growing.
func settled() (size int) {
	for last := 0; ; last = size {
		time.Sleep(200 * time.Millisecond)
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if size = int(m.HeapAlloc); size < last+1<<20 {
			return size
		}
	}
}

// A change of blocks reserves memory for its Markdown, too.
func TestMarkdownOfBlocksIsReserved(t *testing.T) {
	handler := New(Config{Documents: newServer(t, nil).Documents()})
	reserved := func(markdown int) (used int) {
		err := handler.editBlocks(t.Context(), "plan", "", true, markdown, func(*prosemirror.Blocks) error {
			handler.exports.mu.Lock()
			defer handler.exports.mu.Unlock()
			used = handler.exports.used
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
	if more := reserved(1000) - reserved(0); more != 1000*markdownCost {
		t.Errorf("%d bytes are reserved for 1,000 bytes of Markdown", more)
	}
}
