package load_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/load"
	"github.com/yroom/yroom/internal/testkit"
)

// serve starts a server of this project, and returns its address for each dialect.
func serve(t *testing.T) map[load.Dialect]string {
	t.Helper()
	server, err := yroom.New(yroom.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	mux.Handle("/hocuspocus", server.Hocuspocus())
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return map[load.Dialect]string{load.Plain: web.URL + "/ws", load.Hocuspocus: web.URL + "/hocuspocus"}
}

// scenario is a scenario of package load.
type scenario interface {
	Run(ctx context.Context, target load.Target) (*load.Report, error)
}

// madeTrace returns a trace of n edits of two agents, of which each types a letter in front and
// deletes every third one.
func madeTrace(n int) string {
	text := `{"kind":"concurrent","endContent":"","txns":[`
	for i := range n {
		patch := `[0,0,"x"]`
		if i%6 > 3 {
			patch = `[0,1,""]`
		}
		parents := "[]"
		if i > 1 {
			parents = fmt.Sprintf("[%d]", i-2)
		}
		if i == n-1 {
			parents = fmt.Sprintf("[%d,%d]", i-2, i-1)
		}
		text += fmt.Sprintf(`{"parents":%s,"agent":%d,"patches":[%s]},`, parents, i%2, patch)
	}
	return strings.TrimSuffix(text, ",") + "]}"
}

// Each scenario runs in each dialect, and reports what it says that it measures.
func TestScenarios(t *testing.T) {
	const span = 300 * time.Millisecond
	// The document is larger than a message that is read at once.
	document, err := load.ReadDocument(testkit.Typed(1, 0, strings.Repeat("x", 1200<<10)))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := load.ReadTrace(strings.NewReader(madeTrace(2000)))
	if err != nil {
		t.Fatal(err)
	}
	urls := serve(t)
	for name, c := range map[string]struct {
		scenario
		figures map[string]float64 // the least values
	}{
		"fan-out in turn": {
			load.FanOut{Shape: load.Shape{Rooms: 2, People: 3, Writers: 3}, WarmUp: span / 3, Span: span},
			map[string]float64{"connections": 6, "writers": 6, "deliveries": 100, "deliveries_per_second": 100, "latency_p50_ms": 0.001, "clients_compared": 8},
		},
		"fan-out at a rate": {
			load.FanOut{Shape: load.Shape{Rooms: 1, People: 4, Writers: 2}, Rate: 50, Span: span},
			map[string]float64{"rate_per_second": 50, "edits": 15, "deliveries": 45, "latency_p99_ms": 0.001, "clients_compared": 5},
		},
		"agent": {
			load.Agent{Shape: load.Shape{Rooms: 1, People: 3, Writers: 2, Agent: 40}, Rate: 50, Span: 1500 * time.Millisecond},
			map[string]float64{"deliveries": 45, "latency_p50_ms": 0.001, "agent_deliveries": 50, "agent_latency_p99_ms": 0.001, "clients_compared": 4},
		},
		"slow": {
			load.Slow{Shape: load.Shape{Rooms: 1, People: 4, Writers: 2, Slow: 2, Letters: 20000}, Rate: 50, Span: 2 * time.Second},
			map[string]float64{"deliveries": 15, "catch_up_ms": 0.001, "clients_compared": 5},
		},
		"awareness": {
			load.Awareness{Rooms: 2, People: 3, Rate: 50, Span: span},
			map[string]float64{"rooms": 2, "edits": 45, "deliveries": 90, "entries": 10, "latency_p50_ms": 0.001, "clients_compared": 8},
		},
		"reconnect": {
			load.Reconnect{Rooms: 2, People: 3},
			map[string]float64{"connections": 6, "offline_edits": 60, "reconnect_max_ms": 0.001, "clients_compared": 8},
		},
		"replay": {
			load.Replay{Trace: trace},
			map[string]float64{"edits": 2000, "deliveries": 2000, "latency_p50_ms": 0.001, "clients_compared": 2},
		},
		"replay at a rate": {
			load.Replay{Trace: trace, Rate: 10000},
			// The last of 2000 edits is due after 1999 pauses.
			map[string]float64{"rate_per_second": 10000, "seconds": 0.1999, "deliveries": 2000, "clients_compared": 2},
		},
		"join one after another": {
			load.Join{Document: document, People: 1, Span: span},
			map[string]float64{"document_kb": 1 << 10, "joins": 1, "join_p50_ms": 0.001, "clients_compared": 1},
		},
		"join at once": {
			load.Join{Document: document, People: 8},
			map[string]float64{"joins": 8, "join_max_ms": 0.001, "clients_compared": 8},
		},
		"idle": {
			load.Idle{Rooms: 2, People: 3, Span: span},
			map[string]float64{"rooms": 2, "connections": 6, "seconds": 0.3, "clients_compared": 2},
		},
		"idle with a document": {
			load.Idle{Rooms: 2, People: 2, Document: document, Span: span},
			map[string]float64{"rooms": 2, "connections": 4, "seconds": 0.3, "clients_compared": 2},
		},
	} {
		for dialect, url := range urls {
			t.Run(name+", "+string(dialect), func(t *testing.T) {
				target := load.Target{URLs: []string{url}, Dialect: dialect}
				if runtime.GOOS == "linux" {
					target.PIDs = []int{os.Getpid()}
				}
				r, err := c.Run(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				checkFigures(t, r, c.figures)
			})
		}
	}
}

// checkFigures checks that a report as JSON has figures of at least these values.
func checkFigures(t *testing.T, r *load.Report, least map[string]float64) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for name, want := range least {
		if got, ok := all[name].(float64); !ok || got < want {
			t.Errorf("%s is %v, want %v or more, in %s", name, all[name], want, text)
		}
	}
}
