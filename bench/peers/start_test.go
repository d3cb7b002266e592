package peers_test

import (
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// TestServers starts each server and lets a few clients write, so that a server that no
// longer starts is found before a run of the benchmark.
func TestServers(t *testing.T) {
	program := testkit.Build(t)
	for _, s := range allServers {
		t.Run(s.name, func(t *testing.T) {
			if why := s.missing(); why != "" {
				if s.name == "y-websocket" || s.name == "Hocuspocus" || s.ours() {
					testkit.Missingf(t, "%s", why)
				}
				t.Skip(why) // make tools doesn't install it
			}
			r, err := s.start(t, program)
			defer r.stop(t)
			if err != nil {
				t.Fatal(err)
			}
			short := []string{"fan-out", "--rooms", "2", "--people", "3", "--warm-up", "0s", "--span", "100ms"}
			f, err := load(t, program, s, r, false, short)
			if err != nil {
				t.Fatal(err)
			}
			if f["clients_compared"] < 6 || f["server_memory_kb"] == 0 {
				t.Errorf("the load has compared less than 6 clients, or not measured the server: %v", f)
			}
		})
	}
}
