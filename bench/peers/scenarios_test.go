package peers_test

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// scenario is a load that "yroom bench" puts on a server.
type scenario struct {
	name      string
	args      []string
	document  func(in inputs) string // the file with the document of the rooms; nil: none
	trace     func(in inputs) string // the file with the trace; nil: none
	committed bool                   // the time of a commit is measured, too, for comparison
	writes    burst                  // what yroom writes, which is measured alone, for comparison
	copied    bool                   // the document is also copied over loopback, for comparison
	ours      bool                   // only yroom is measured, for a bar
	restarts  bool                   // the server is restarted
}

// file returns the arguments that name a file.
func (s scenario) file(in inputs) []string {
	switch {
	case s.document != nil:
		return []string{"--document", s.document(in)}
	case s.trace != nil:
		return []string{"--trace", s.trace(in)}
	}
	return nil
}

var scenarios = []scenario{
	{name: "fan-out", args: words("fan-out --rooms 10 --people 10 --warm-up 300ms --span 1500ms")},
	{name: "paced", args: words("fan-out --rooms 10 --people 10 --rate 10 --warm-up 300ms --span 1500ms"), ours: true, committed: true},
	{name: "many writers", args: words("fan-out --rooms 1 --people 100 --writers 20 --rate 20 --warm-up 300ms --span 1500ms"), writes: burst{100, 16 * time.Millisecond, 200}},
	{name: "awareness", args: words("awareness --rooms 1 --people 50 --rate 5 --warm-up 300ms --span 2s"), writes: burst{50, 32 * time.Millisecond, 1000}},
	{name: "join", args: words("join --span 1s"), document: inputs.b4},
	{name: "join storm", args: words("join --people " + strconv.Itoa(crowd)), document: inputs.large, copied: true},
	{name: "replay", args: words("replay"), trace: inputs.trace},
	{name: "idle rooms", args: words("idle --rooms 100 --people 1 --warm-up 1s --span 1s"), document: inputs.b4},
	{name: "idle, 100 a room", args: words("idle --rooms 90 --people 100 --warm-up 3s --span 4s")},
	{name: "idle, one a room", args: words("idle --rooms 9000 --people 1 --warm-up 3s --span 4s"), document: inputs.small},
	{name: "reconnect", args: words("reconnect --rooms 200 --people 10 --restart"), restarts: true},
}

// words returns the arguments of a command.
func words(line string) []string { return slices.Clip(strings.Fields(line)) }

// row is a row of the table.
type row struct {
	name, unit       string
	scenario, figure string
	digits           int
	more             bool // more is better
}

var allRows = []row{
	{name: "fan-out, 10 rooms x 10 people: CPU a delivery", unit: "µs", scenario: "fan-out", figure: "server_cpu_us_per_delivery", digits: 1},
	{name: "fan-out: deliveries a second", scenario: "fan-out", figure: "deliveries_per_second", more: true},
	{name: "fan-out: p99", unit: "ms", scenario: "fan-out", figure: "latency_p99_ms", digits: 2},
	{name: "the same, 10 edits a second each: p99", unit: "ms", scenario: "paced", figure: "latency_p99_ms", digits: 2},
	{name: "20 of 100 people in a room write: deliveries a CPU second", scenario: "many writers", figure: "deliveries_per_cpu_second", more: true},
	{name: "the same: p50", unit: "ms", scenario: "many writers", figure: "latency_p50_ms", digits: 2},
	{name: "the same: p99", unit: "ms", scenario: "many writers", figure: "latency_p99_ms", digits: 2},
	{name: "awareness of 50 people, 5 states a second each: CPU a state that reaches another", unit: "µs", scenario: "awareness", figure: "server_cpu_us_per_delivery", digits: 2},
	{name: "join of B4: CPU", unit: "ms", scenario: "join", figure: "server_cpu_ms_per_join", digits: 2},
	{name: "150 people join 20 MB at once: time", unit: "ms", scenario: "join storm", figure: "join_max_ms"},
	{name: "the same: peak of the memory", unit: "MB", scenario: "join storm", figure: "server_memory_peak_mb"},
	{name: "replay of B4 through a room: updates a second", scenario: "replay", figure: "edits_per_second", more: true},
	{name: "the same: CPU an update", unit: "µs", scenario: "replay", figure: "server_cpu_us_per_edit", digits: 1},
	{name: "a room with B4 and one person: memory", unit: "KB", scenario: "idle rooms", figure: "server_memory_kb_per_room"},
	{name: "an idle connection, 100 a room: memory", unit: "KB", scenario: "idle, 100 a room", figure: "server_memory_kb_per_connection", digits: 1},
	{name: "the same: memory of the kernel, for both ends", unit: "KB", scenario: "idle, 100 a room", figure: "kernel_kb_per_connection", digits: 1},
	{name: "the same: CPU a second", unit: "µs", scenario: "idle, 100 a room", figure: "server_cpu_us_per_connection_second", digits: 2},
	{name: "an idle connection, one a room: memory", unit: "KB", scenario: "idle, one a room", figure: "server_memory_kb_per_connection", digits: 1},
	{name: "the same: memory of the kernel, for both ends", unit: "KB", scenario: "idle, one a room", figure: "kernel_kb_per_connection", digits: 1},
	{name: "the same: CPU a second", unit: "µs", scenario: "idle, one a room", figure: "server_cpu_us_per_connection_second", digits: 2},
	{name: "2,000 clients in 200 rooms come back after a restart: time", unit: "ms", scenario: "reconnect", figure: "reconnect_max_ms"},
	{name: "the same: how often a room is loaded", scenario: "reconnect", figure: "loads_per_room", digits: 2},
}
