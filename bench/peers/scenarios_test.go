package peers_test

import (
	"strconv"
	"time"
)

// scenario is a load that "yroom bench" puts on a server.
type scenario struct {
	name     string
	args     []string
	document func(in inputs) string // the file with the document of the rooms; nil: none
	copied   bool                   // the document is also copied over loopback, for comparison
}

// patience is how long a server may take for a scenario.
const patience = 40 * time.Second

var scenarios = []scenario{
	{name: "fan-out", args: []string{"fan-out", "--rooms", "10", "--people", "10", "--warm-up", "300ms", "--span", "1500ms"}},
	{name: "many writers", args: []string{"fan-out", "--rooms", "1", "--people", "100", "--writers", "20", "--rate", "20", "--warm-up", "300ms", "--span", "1500ms"}},
	{name: "join", args: []string{"join", "--span", "1s"}, document: inputs.b4},
	{name: "join storm", args: []string{"join", "--people", strconv.Itoa(crowd)}, document: inputs.large, copied: true},
	{name: "idle rooms", args: []string{"idle", "--rooms", "100", "--people", "1", "--warm-up", "1s", "--span", "1s"}, document: inputs.b4},
	{name: "idle, 100 a room", args: []string{"idle", "--rooms", "90", "--people", "100", "--warm-up", "1s", "--span", "4s"}},
	{name: "idle, one a room", args: []string{"idle", "--rooms", "9000", "--people", "1", "--warm-up", "1s", "--span", "4s"}},
}

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
	{name: "20 of 100 people in a room write: deliveries a CPU second", scenario: "many writers", figure: "deliveries_per_cpu_second", more: true},
	{name: "the same: p50", unit: "ms", scenario: "many writers", figure: "latency_p50_ms", digits: 2},
	{name: "the same: p99", unit: "ms", scenario: "many writers", figure: "latency_p99_ms", digits: 2},
	{name: "join of B4: CPU", unit: "ms", scenario: "join", figure: "server_cpu_ms_per_join", digits: 2},
	{name: "150 people join 20 MB at once: time", unit: "ms", scenario: "join storm", figure: "join_max_ms"},
	{name: "the same: peak of the memory", unit: "MB", scenario: "join storm", figure: "server_memory_peak_mb"},
	{name: "a room with B4 and one person: memory", unit: "KB", scenario: "idle rooms", figure: "server_memory_kb_per_room"},
	{name: "an idle connection, 100 a room: memory", unit: "KB", scenario: "idle, 100 a room", figure: "server_memory_kb_per_connection", digits: 1},
	{name: "the same: memory of the kernel, for both ends", unit: "KB", scenario: "idle, 100 a room", figure: "kernel_kb_per_connection", digits: 1},
	{name: "the same: CPU a second", unit: "µs", scenario: "idle, 100 a room", figure: "server_cpu_us_per_connection_second", digits: 2},
	{name: "an idle connection, one a room: memory", unit: "KB", scenario: "idle, one a room", figure: "server_memory_kb_per_connection", digits: 1},
	{name: "the same: memory of the kernel, for both ends", unit: "KB", scenario: "idle, one a room", figure: "kernel_kb_per_connection", digits: 1},
	{name: "the same: CPU a second", unit: "µs", scenario: "idle, one a room", figure: "server_cpu_us_per_connection_second", digits: 2},
}
