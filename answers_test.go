package yroom_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
)

const largeText = 12 << 20 // the size of the documents in these tests

// largeRoom returns a server with a large document, of which client 7 has written each
// character.
func largeRoom(t *testing.T, cfg yroom.Config) (*yroom.Server, *httptest.Server) {
	t.Helper()
	server, web := running(t, cfg)
	update := testkit.Typed(7, 0, strings.Repeat("x", largeText))
	if err := server.Document("large").Create(context.Background(), update, blocks.V1); err != nil {
		t.Fatal(err)
	}
	reader := connect(t, web, "large") // keeps the room in memory
	go func() {
		for {
			if _, _, err := reader.Read(); err != nil {
				return
			}
		}
	}()
	return server, web
}

// vector returns a state vector of one client.
func vector(client, clock uint64) []byte {
	return lib0.AppendUint(lib0.AppendUint([]byte{1}, client), clock)
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// settle waits until the heap neither grows nor shrinks.
func settle() (size int) {
	for last := 0; ; last = size {
		time.Sleep(200 * time.Millisecond)
		if size = heap(); last-1<<20 < size && size < last+1<<20 {
			return size
		}
	}
}

// receives reads until the connection has the whole text and every edit after it, and
// returns how many bytes it has read.
func receives(t *testing.T, c *wsclient.Client, edits int) (bytes int) {
	t.Helper()
	doc := blocks.New()
	for {
		op, message, err := c.Read()
		if err != nil {
			t.Fatalf("after %d bytes: %v", bytes, err)
		}
		bytes += len(message)
		if op != ws.OpBinary || message[0] != 0 || message[1] == 0 {
			continue
		}
		r := lib0.NewReader(message[2:])
		if _, err := doc.Apply(r.Bytes(), blocks.V1); err != nil {
			t.Fatal(err)
		}
		if blocks.ClockOf(doc.StateVector(), 7) == largeText && blocks.ClockOf(doc.StateVector(), 8) == uint64(edits) {
			return bytes
		}
	}
}

// TestUnreadAnswersShareMemory checks what connections cost that request a large document
// and don't read it: the memory of one or two documents, whatever they pretend to have.
func TestUnreadAnswersShareMemory(t *testing.T) {
	const conns = 40
	for name, test := range map[string]struct {
		vector func(i uint64) []byte
		edit   bool // another client types meanwhile
		apart  bool // consumer and worker are in different processes
	}{
		"nothing":              {vector: func(uint64) []byte { return emptyStateVector }},
		"made-up clients":      {vector: func(i uint64) []byte { return vector(1000+i, 1) }},
		"a little of each":     {vector: func(i uint64) []byte { return vector(7, 1+i) }},
		"more than there is":   {vector: func(i uint64) []byte { return vector(1000+i, 1<<40) }},
		"while another types":  {vector: func(uint64) []byte { return emptyStateVector }, edit: true},
		"from another process": {vector: func(i uint64) []byte { return vector(1000+i, 1) }, apart: true},
	} {
		t.Run(name, func(t *testing.T) {
			var cfg yroom.Config
			if test.apart {
				broker := membus.New(layertest.Faults{})
				cfg.Layer = membus.NewApart(t, func(name string) *buslayer.Layer {
					return buslayer.New(broker.Connect(), buslayer.Config{Name: name, Logger: testkit.Logger(t)})
				}, nil)
			}
			server, web := largeRoom(t, cfg)
			before := settle()
			var all []*wsclient.Client
			edits := 0
			for i := range uint64(conns) {
				c := connect(t, web, "large")
				c.MustSend(t, testkit.SyncStep1(test.vector(i)))
				all = append(all, c)
				if test.edit {
					edit := testkit.Typed(8, uint64(edits), "y")
					if err := server.Document("large").Apply(context.Background(), edit, blocks.V1); err != nil {
						t.Fatal(err)
					}
					edits++
				}
			}
			testkit.Eventually(t, fmt.Sprintf("%d connections that don't read hold about one document", conns), func() string {
				if held := settle() - before; held > 2*largeText || held < largeText/2 {
					return fmt.Sprintf("they hold %.1f", float64(held)/largeText)
				}
				return ""
			})
			for _, i := range []int{0, 1, conns - 1} {
				if name != "a little of each" && receives(t, all[i], edits) > 2*largeText {
					t.Errorf("connection %d was sent the document twice", i)
				}
			}
		})
	}
}

// TestSyncStep2ComesLast checks that a client which is sent the document that waits for
// another one gets what was added since before its SyncStep2, in the encoding of the room.
func TestSyncStep2ComesLast(t *testing.T) {
	for _, enc := range []blocks.Encoding{blocks.V1, blocks.V2} {
		server, web := largeRoom(t, yroom.Config{Rooms: map[string]yroom.Settings{"default": {UpdateVersion: int(enc)}}})
		ask := func() *wsclient.Client {
			c := connect(t, web, "large")
			c.MustSend(t, testkit.SyncStep1(emptyStateVector))
			return c
		}
		before := settle()
		ask() // and doesn't read
		testkit.Eventually(t, "the document waits for a client", func() string {
			if held := settle() - before; held < largeText/4 {
				return fmt.Sprintf("%d bytes are held", held)
			}
			return ""
		})
		if err := server.Document("large").Apply(t.Context(), testkit.Typed(8, 0, "added"), blocks.V1); err != nil {
			t.Fatal(err)
		}
		c, doc, updates := ask(), blocks.New(), 0
		for step2 := false; !step2; {
			op, message, err := c.Read()
			if err != nil {
				t.Fatal(err)
			}
			if op != ws.OpBinary || message[0] != 0 || message[1] == 0 {
				continue
			}
			updates++
			step2 = message[1] == 1
			r := lib0.NewReader(message[2:])
			if _, err := doc.Apply(r.Bytes(), enc); err != nil {
				t.Fatalf("V%d, message %d: %v", enc, updates, err)
			}
		}
		if v := doc.StateVector(); blocks.ClockOf(v, 7) != largeText || blocks.ClockOf(v, 8) != 5 {
			t.Errorf("V%d: after the SyncStep2, the client has %d and %d elements", enc, blocks.ClockOf(v, 7), blocks.ClockOf(v, 8))
		}
		if updates != 3 {
			t.Errorf("V%d: the client was sent %d updates, want the document, what was added, and an empty SyncStep2", enc, updates)
		}
	}
}

// TestRepeatedRequestsAreBounded checks that a connection that requests a large document
// again and again holds one answer, and makes the room encode none that it doesn't read.
func TestRepeatedRequestsAreBounded(t *testing.T) {
	_, web := largeRoom(t, yroom.Config{})
	c := connect(t, web, "large")
	before := settle()
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	for i := range uint64(5000) {
		// Two thirds of the document each, none like another.
		c.MustSend(t, testkit.SyncStep1(vector(7, largeText/3*2+i)), testkit.SyncStep1(vector(i+100, 1)))
	}
	held := settle() - before
	runtime.ReadMemStats(&end)
	if held > largeText*3/2 {
		t.Errorf("one connection holds %.1f documents", float64(held)/largeText)
	}
	if n := end.TotalAlloc - start.TotalAlloc; n > 5*largeText {
		t.Errorf("%d documents were allocated", n/largeText)
	}
}

// TestAnswersWaitForMemory checks that answers which can't be shared wait while others
// take the memory for them, and arrive afterwards.
func TestAnswersWaitForMemory(t *testing.T) {
	const conns, bound = 20, largeText
	_, web := largeRoom(t, yroom.Config{AnswerMemory: bound})
	before := settle()
	var all []*wsclient.Client
	for i := range uint64(conns) {
		c := connect(t, web, "large")
		c.MustSend(t, testkit.SyncStep1(vector(7, largeText*6/10+i))) // 40 percent are missing
		all = append(all, c)
	}
	if held := settle() - before; held > bound*5/4 {
		t.Errorf("answers of %.1f MiB wait, the bound is %d", float64(held)/(1<<20), bound>>20)
	}
	// All read at once: the memory goes to whoever asked first, which need not be the first
	// that connected.
	var reading sync.WaitGroup
	for i, c := range all {
		reading.Go(func() {
			missing := largeText - (largeText*6/10 + i)
			for got := 0; got < missing; {
				op, message, err := c.Read()
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				if op == ws.OpBinary && message[0] == 0 && message[1] == 1 {
					got = len(message)
				}
			}
		})
	}
	reading.Wait()
	if held := settle() - before; held > largeText/2 {
		t.Errorf("when all is read, %s are held", fmt.Sprint(held>>20, " MiB"))
	}
}
