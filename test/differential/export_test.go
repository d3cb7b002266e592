package differential

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/store/memstore"
)

// TestExportsHavePendingBlocks exports rooms that have lost a part of their history. An
// export is a backup: it must have what is pending, whether the room is open or not, and
// yjs must make of it the document that it makes of the updates.
func TestExportsHavePendingBlocks(t *testing.T) {
	count := func(float64) int { return max(*seeds/20, 2) }
	eachProfile(t, count, func(t *testing.T, yjs *oracle, profile string, first, end int) {
		pending := 0
		for seed := first; seed < end && !t.Failed(); seed++ {
			pending += exportHistory(t, yjs, seed, profile)
		}
		if *oneSeed < 0 && pending == 0 {
			t.Error("no room had pending blocks: the test is not significant")
		}
	})
}

// exportHistory exports a room that has lost some updates of a history. It returns in how
// many exports blocks are pending.
func exportHistory(t *testing.T, yjs *oracle, seed int, profile string) (pending int) {
	var history struct {
		Updates [][]byte `json:"updates"`
	}
	yjs.ask(t, map[string]any{"op": "history", "seed": seed, "profile": profile}, &history)
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	kept, lost := [][]byte{}, [][]byte{}
	for _, update := range history.Updates {
		if random.IntN(8) == 0 {
			lost = append(lost, update)
		} else {
			kept = append(kept, update)
		}
	}
	for name, exported := range exports(t, memstore.New(), kept) {
		var verdict struct {
			Failures []string `json:"failures"`
			Pending  bool     `json:"pending"`
		}
		yjs.ask(t, map[string]any{"op": "exported", "profile": profile, "exported": exported.update, "version": exported.version, "kept": kept, "lost": lost}, &verdict)
		for _, failure := range verdict.Failures {
			t.Errorf("%s: %s\n  replay: go test ./test/differential -run TestExportsHavePendingBlocks -seed %d -profile %s -v", name, failure, seed, profile)
		}
		if verdict.Pending {
			pending++
		}
	}
	return pending
}

// exported is a document as an update in V1 or V2.
type exported struct {
	update  []byte
	version int
}

// exports writes updates to a room, and exports it while it is open, and after its server
// has ended.
func exports(t *testing.T, stored *memstore.Store, updates [][]byte) map[string]exported {
	t.Helper()
	room, end := serveRoom(t, stored)
	for _, update := range updates {
		if resp, body := room.do(t, http.MethodPost, update, "Content-Type", api.TypeUpdateV1); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("POST: %s %s", resp.Status, body)
		}
	}
	all := map[string]exported{"open": room.export(t, 1), "open, in V2": room.export(t, 2)}
	end()
	room, end = serveRoom(t, stored)
	defer end()
	all["closed"], all["closed, in V2"] = room.export(t, 1), room.export(t, 2)
	return all
}

// servedRoom is a room of a server, at its address in the document API.
type servedRoom struct{ url string }

// serveRoom serves the room of a store until end is called.
func serveRoom(t *testing.T, stored *memstore.Store) (room servedRoom, end func()) {
	t.Helper()
	server, err := yroom.New(yroom.Config{Store: stored, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(api.New(api.Config{Documents: server.Documents()}))
	return servedRoom{web.URL + "/api/rooms/history"}, func() {
		web.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
}

func (r servedRoom) do(t *testing.T, method string, body []byte, header ...string) (resp *http.Response, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if resp, err = http.DefaultClient.Do(req); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp, answer
}

func (r servedRoom) export(t *testing.T, version int) exported {
	t.Helper()
	typ := []string{api.TypeUpdateV1, api.TypeUpdateV2}[version-1]
	resp, update := r.do(t, http.MethodGet, nil, "Accept", typ)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != typ {
		t.Fatalf("GET: %s %s", resp.Status, update)
	}
	return exported{update, version}
}
