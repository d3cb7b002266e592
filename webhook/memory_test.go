package webhook

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
)

// While a receiver hangs, and many rooms with large documents wait, only the requests in progress
// are in memory.
func TestMemoryWhileReceiverHangs(t *testing.T) {
	testkit.SkipUnderRace(t)
	const rooms, size = 30, 3 << 20
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := strings.Repeat("x", size)
		for i := range rooms {
			if _, err := w.store.Append(t.Context(), fmt.Sprint(i), store.Entry{Encoding: store.V1, Data: testkit.Typed(1, 0, text)}); err != nil {
				t.Fatal(err)
			}
		}
		before := heap()
		w.receiver.set(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		w.hook.Events = []Event{Changed}
		w.run()
		most := 0
		for range 60 {
			time.Sleep(time.Second)
			most = max(most, heap()-before)
		}
		// Both sides have the body of each request.
		if limit := atOnce * 3 * size; most > limit {
			t.Errorf("while the receiver hangs, %d MiB are in memory, want %d at most", most>>20, limit>>20)
		}
		if most < size {
			t.Errorf("while the receiver hangs, only %d bytes are in memory: there was no request", most)
		}
	})
}

// heap returns the bytes that are in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A request for a document takes at most some times its size.
func TestMemoryOfRequest(t *testing.T) {
	testkit.SkipUnderRace(t)
	const size = 3 << 20
	w := newWorld(t)
	if _, err := w.store.Append(t.Context(), "room", store.Entry{Encoding: store.V1, Data: testkit.Typed(1, 0, strings.Repeat("x", size))}); err != nil {
		t.Fatal(err)
	}
	for _, content := range []Content{ContentText, ContentJSON} {
		w.hook.Content = content
		f := w.feed()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := f.requestFor(t.Context(), store.Notice{Room: "room", Kind: store.NoticeChanged, Position: 1}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if times := float64(after.TotalAlloc-before.TotalAlloc) / size; times > 16 {
			t.Errorf("a request with content %s takes %.1f times the size of the document", content, times)
		} else {
			t.Logf("a request with content %s takes %.1f times the size of the document", content, times)
		}
	}
}
