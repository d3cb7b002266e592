package differential

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store/memstore"
)

// roomsBatch is how many rooms of a server have clients at the same time.
const roomsBatch = 10

// TestMixedRooms lets stock clients of yjs 13 and of yjs 14 work in the same rooms: they
// edit, accept and reject parts of suggestions, leave and come back, also while the server
// is replaced by one that has loaded the rooms from their store. In the end, the clients of
// yjs 14 must show what the room has, holes or not, and those of yjs 13 what yjs 13 makes
// of that. Once the holes are filled, all must show the same.
func TestMixedRooms(t *testing.T) {
	testkit.RequireNode(t, "..", "@y/y", "@y/websocket", "y-websocket-3")
	oracle := startOracle(t)
	first, end := 0, max(1, *seeds/4)
	if *oneSeed >= 0 {
		first, end = *oneSeed, *oneSeed+1
	}
	var total mixedRooms
	for from := first; from < end && !t.Failed(); from += roomsBatch {
		playRooms(t, oracle, from, min(from+roomsBatch, end), &total)
	}
	t.Logf("%d rooms, %d compacted; in %d the versions showed different documents", end-first, total.compacted, total.differ)
	if *oneSeed < 0 && (total.differ < (end-first)/4 || total.compacted < (end-first)/4) {
		t.Error("too few rooms are significant")
	}
}

// mixedRooms counts what makes the test significant.
type mixedRooms struct {
	compacted int // rooms whose log was one entry when the server was replaced
	differ    int // rooms of which yjs 13 and yjs 14 showed different documents
}

// playRooms plays in rooms with the seeds from first to before end.
func playRooms(t *testing.T, oracle *oracle, first, end int, total *mixedRooms) {
	t.Helper()
	seeds := []int{}
	for seed := first; seed < end; seed++ {
		seeds = append(seeds, seed)
	}
	live := serveRooms(t)
	var begun struct {
		Names []string `json:"names"`
	}
	oracle.ask(t, map[string]any{"op": "roomsBegin", "url": live.url, "seeds": seeds}, &begun)
	live.replace(t)
	for _, name := range begun.Names {
		log, err := live.stored.Load(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if len(log.Entries) == 1 {
			total.compacted++
		}
	}
	var none struct{}
	oracle.ask(t, map[string]any{"op": "roomsGoOn"}, &none)
	total.differ += checkRooms(t, oracle, live, begun.Names, first, false)
	oracle.ask(t, map[string]any{"op": "roomsFill"}, &none)
	checkRooms(t, oracle, live, begun.Names, first, true)
	oracle.ask(t, map[string]any{"op": "roomsEnd"}, &none)
	live.end(t)
}

// checkRooms compares the rooms with their clients. It returns how many rooms yjs 13 and
// yjs 14 show differently.
func checkRooms(t *testing.T, oracle *oracle, live *liveServer, names []string, first int, filled bool) (differ int) {
	t.Helper()
	rooms := []map[string]any{}
	for _, name := range names {
		info, err := live.current.Load().Document(name).Query(t.Context(), event.Mark{})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := info.Doc()
		if err != nil {
			t.Fatal(err)
		}
		text, err := doc.Text("text")
		if err != nil {
			t.Fatal(err)
		}
		rooms = append(rooms, map[string]any{"update": info.Update, "vector": info.Vector, "text": text.String()})
	}
	var verdict struct {
		Failures [][]string `json:"failures"`
		Differ   int        `json:"differ"`
	}
	oracle.ask(t, map[string]any{"op": "roomsCheck", "rooms": rooms, "filled": filled}, &verdict)
	for i, failures := range verdict.Failures {
		for _, failure := range failures {
			t.Errorf("seed %d: %s\n  replay: go test ./test/differential -run TestMixedRooms -seed %d -v", first+i, failure, first+i)
		}
	}
	return verdict.Differ
}

// liveServer is a server that can be replaced by another one on the same store and at the
// same address.
type liveServer struct {
	url     string
	stored  *memstore.Store
	current atomic.Pointer[yroom.Server]
	web     *httptest.Server
}

func serveRooms(t *testing.T) *liveServer {
	t.Helper()
	live := &liveServer{stored: memstore.New()}
	live.start(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/ws/{room}", func(w http.ResponseWriter, r *http.Request) { live.current.Load().ServeHTTP(w, r) })
	live.web = httptest.NewServer(mux)
	live.url = strings.Replace(live.web.URL, "http:", "ws:", 1)
	return live
}

func (l *liveServer) start(t *testing.T) {
	t.Helper()
	server, err := yroom.New(yroom.Config{Store: l.stored, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	l.current.Store(server)
}

func (l *liveServer) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := l.current.Load().Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func (l *liveServer) replace(t *testing.T) {
	t.Helper()
	l.stop(t)
	l.start(t)
}

func (l *liveServer) end(t *testing.T) {
	t.Helper()
	l.stop(t)
	l.web.Close()
}
