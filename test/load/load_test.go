// Package load_test measures the original servers of both dialects, unchanged, with the
// clients of "yroom bench".
package load_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/load"
	"github.com/yroom/yroom/internal/testkit"
)

// peers are the scripts that start the servers, and print their port.
var peers = map[load.Dialect]string{load.Plain: "plain.mjs", load.Hocuspocus: "../hocuspocus/original.mjs"}

// Each scenario runs with each of the servers, which pass all comparisons of documents.
func TestPeers(t *testing.T) {
	testkit.RequireNode(t, "..", "yjs", "ws", "@hocuspocus/server", "y-websocket-2")
	const span = 500 * time.Millisecond
	document, err := load.ReadDocument(testkit.Typed(1, 0, strings.Repeat("x", 1200<<10)))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := load.ReadTrace(strings.NewReader(`{"endContent":"yo!","txns":[{"patches":[[0,0,"hello"]]},{"patches":[[0,4,"y"],[2,0,"!"]]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	scenarios := map[string]interface {
		Run(ctx context.Context, target load.Target) (*load.Report, error)
	}{
		"fan-out in turn":      load.FanOut{Shape: load.Shape{Rooms: 2, People: 4, Writers: 4}, Span: span},
		"fan-out at a rate":    load.FanOut{Shape: load.Shape{Rooms: 1, People: 4, Writers: 2}, Rate: 20, Span: span},
		"agent":                load.Agent{Shape: load.Shape{Rooms: 1, People: 3, Writers: 2, Agent: 40}, Rate: 20, Span: span},
		"slow":                 load.Slow{Shape: load.Shape{Rooms: 1, People: 4, Writers: 2, Slow: 2, Letters: 20000}, Rate: 20, Span: span},
		"awareness":            load.Awareness{Rooms: 1, People: 4, Rate: 20, Span: span},
		"join":                 load.Join{Document: document, People: 1, Span: span},
		"join at once":         load.Join{Document: document, People: 5},
		"idle":                 load.Idle{Rooms: 2, People: 3, Span: span},
		"idle with a document": load.Idle{Rooms: 2, People: 2, Document: document, Span: span},
		"reconnect":            load.Reconnect{Rooms: 2, People: 3},
		"replay":               load.Replay{Trace: trace},
	}
	for dialect, script := range peers {
		server := testkit.StartNode(t, script)
		stop := server.KillAfter(2 * time.Minute)
		t.Cleanup(func() { stop() })
		var at struct{ Port int }
		server.Read(t, &at)
		target := load.Target{URLs: []string{fmt.Sprintf("ws://127.0.0.1:%d", at.Port)}, Dialect: dialect}
		if dialect == load.Hocuspocus {
			target.Token = "writer"
		}
		for name, s := range scenarios {
			t.Run(string(dialect)+", "+name, func(t *testing.T) {
				r, err := s.Run(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				if n, _ := r.Figure("clients_compared"); n == 0 {
					t.Errorf("no client's document was compared: %+v", r)
				}
			})
		}
	}
}
