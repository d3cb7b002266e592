package cluster_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
)

// When the worker of a room with 50 clients and a document of 5 MB is killed, each client
// is sent what has changed lately, not the document.
func TestFailOver(t *testing.T) {
	const room, clients, typists, authors, size = "large", 50, 5, 50, 5 << 20
	c := newCluster(t, overRedis, 2, 1)
	var document [][]byte
	for i := range uint64(authors) {
		document = append(document, testkit.Typed(1000+i, 0, strings.Repeat("text ", size/authors/5)))
	}
	whole, err := blocks.Merge(blocks.V1, document...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.documents.Append(t.Context(), room, store.Entry{Encoding: store.V1, Data: whole}); err != nil {
		t.Fatal(err)
	}
	var probes []*probe
	for i := range uint64(clients) {
		probes = append(probes, newProbe(1+i, c.addresses()[0], room))
	}
	live(t, probes...)
	for _, p := range probes[typists:] {
		p.typing.Store(false)
	}
	wantAnswers(t, probes[:typists]...)
	for _, p := range probes {
		testkit.Eventually(t, "each client has the document", func() string {
			if p.receivedBytes() > size {
				return ""
			}
			return "one doesn't"
		})
	}
	time.Sleep(time.Second)
	worker := c.workerOf(room)
	before := make([]int, len(probes))
	for i, p := range probes {
		before[i] = p.receivedBytes()
	}
	from := time.Now()
	worker.kill()
	wantAnswers(t, probes[:typists]...)
	var typed [typists]int
	for i, p := range probes[:typists] {
		p.typing.Store(false)
		typed[i] = p.clock()
	}
	var bytes []int
	for i, p := range probes {
		testkit.Eventually(t, "each client has the edits of the others", func() string {
			for k, q := range probes[:typists] {
				if p.has(q.id) < uint64(typed[k]) {
					return "one doesn't"
				}
			}
			return ""
		})
		bytes = append(bytes, p.receivedBytes()-before[i])
		for _, c := range p.takeClosed() {
			t.Errorf("a socket was closed: %v", c)
		}
	}
	slices.Sort(bytes)
	t.Logf("the room answered after %v; each of %d clients received %d bytes (median), %d at most; the document has %d",
		probes[0].longest(from.Add(-2*probeInterval), time.Now()).Round(time.Millisecond), clients, bytes[clients/2], bytes[clients-1], len(whole))
	if most := bytes[clients-1]; most > 64<<10 {
		t.Errorf("a client received %d bytes after the worker's death, want less than 64 KiB", most)
	}
}
