package peers_test

import (
	"fmt"
	"strings"

	"github.com/yroom/yroom/internal/testkit"
)

// bar is a bound on a figure of yroom: on the figure itself, or on its ratio to another.
type bar struct {
	what  string
	least float64 // 0 means no bound
	most  float64 // 0 means no bound
	value value
}

var bars = []bar{
	{"fan-out: CPU a delivery, times the best peer", 0, 0.7, toPeer("fan-out", "server_cpu_us_per_delivery")},
	{"fan-out: p99, times the best peer", 0, 1, toPeer("fan-out", "latency_p99_ms")},
	{"20 of 100 people write: deliveries a CPU second, times the best peer", 5, 0, toPeer("many writers", "deliveries_per_cpu_second")},
	{"20 of 100 people write: p50, ms", 0, 12, of(inMemory, "many writers", "latency_p50_ms")},
	{"20 of 100 people write: p99, ms", 0, 25, of(inMemory, "many writers", "latency_p99_ms")},
	{"awareness: CPU a state that reaches another, times the best peer", 0, 0.2, toPeer("awareness", "server_cpu_us_per_delivery")},
	{"join of B4: CPU, times the best peer", 0, 0.1, toPeer("join", "server_cpu_ms_per_join")},
	{"150 people join 20 MB: time, times that of copying it over loopback", 0, 2, ratio(of(inMemory, "join storm", "join_max_ms"), of(copying, "join storm", "ms"))},
	{"150 people join 20 MB: memory that the joins add, times the document", 0, 3, ratio(of(inMemory, "join storm", "server_memory_peak_growth_kb"), of(inMemory, "join storm", "document_kb"))},
	{"replay of B4: updates a second, times the best peer", 8, 0, toPeer("replay", "edits_per_second")},
	{"a room with B4: memory, times the best peer", 0, 0.15, toPeer("idle rooms", "server_memory_kb_per_room")},
	{"an idle connection, 100 a room: memory, KB", 0, 7, of(inMemory, "idle, 100 a room", "server_memory_kb_per_connection")},
	{"an idle connection, 100 a room: CPU a second, µs", 0, 1, of(inMemory, "idle, 100 a room", "server_cpu_us_per_connection_second")},
	{"fsync, fan-out: CPU a delivery, times that in memory", 0, 1.5, toMemory("fan-out", "server_cpu_us_per_delivery")},
	{"fsync, fan-out: deliveries a second, times those in memory", 0.6, 0, toMemory("fan-out", "deliveries_per_second")},
	{"fsync, 10 edits a second each: p99 less that in memory, times one commit", 0, 1, ratio(less(of(onDisk, "paced", "latency_p99_ms"), of(inMemory, "paced", "latency_p99_ms")), of(commit, "paced", "ms"))},
	{"2,000 clients come back after a restart: time, ms", 0, 5000, of(inMemory, "reconnect", "reconnect_max_ms")},
	{"2,000 clients come back after a restart: how often a room is loaded", 0, 1, of(onDisk, "reconnect", "loads_per_room")},
}

// floors say what a program would reach that makes the writes of yroom and does nothing else.
// A bar that it misses can't be met with one write to each connection at that pace.
var floors = []struct {
	what  string
	value value
}{
	{"20 of 100 people write: CPU of a write, µs", of(bare, "many writers", "cpu_us_per_write")},
	{"20 of 100 people write: deliveries a CPU second, times the best peer", ratio(
		ratio(of(inMemory, "many writers", "deliveries_per_second"), seconds(of(bare, "many writers", "cpu_us_per_second"))),
		best("many writers", "deliveries_per_cpu_second"))},
	{"awareness: CPU of a write, µs", of(bare, "awareness", "cpu_us_per_write")},
	{"awareness: CPU a state that reaches another, times the best peer", ratio(
		ratio(of(bare, "awareness", "cpu_us_per_second"), of(inMemory, "awareness", "deliveries_per_second")),
		best("awareness", "server_cpu_us_per_delivery"))},
}

// value computes a number from a table. ok is false if the measurements are missing.
type value func(t *table) (v float64, ok bool)

func of(server, scenario, figure string) value {
	return func(t *table) (float64, bool) { return t.median(server, scenario, figure) }
}

func ratio(a, b value) value {
	return func(t *table) (float64, bool) {
		x, hasX := a(t)
		y, hasY := b(t)
		return x / y, hasX && hasY && y != 0
	}
}

// less is the difference of two numbers.
func less(a, b value) value {
	return func(t *table) (float64, bool) {
		x, hasX := a(t)
		y, hasY := b(t)
		return x - y, hasX && hasY
	}
}

// toPeer is the ratio of a figure in memory to that of the best peer.
func toPeer(scenario, figure string) value {
	return ratio(of(inMemory, scenario, figure), best(scenario, figure))
}

// best is the figure of the best peer.
func best(scenario, figure string) value {
	return func(t *table) (float64, bool) {
		for _, r := range allRows {
			if r.scenario == scenario && r.figure == figure {
				return t.best(r)
			}
		}
		panic("no row has the figure " + figure + " of " + scenario)
	}
}

// toMemory is the ratio of a figure with fsync to that in memory.
func toMemory(scenario, figure string) value {
	return ratio(of(onDisk, scenario, figure), of(inMemory, scenario, figure))
}

// seconds converts microseconds.
func seconds(us value) value {
	return func(t *table) (float64, bool) {
		v, ok := us(t)
		return v / 1e6, ok
	}
}

// floors returns the floors that were measured.
func (t *table) floors() string {
	var out strings.Builder
	for _, f := range floors {
		if v, ok := f.value(t); ok {
			fmt.Fprintf(&out, "writes alone  %s: %.2f\n", f.what, v)
		}
	}
	return out.String()
}

// verdicts returns which bars the run meets. It omits those that were not measured.
func (t *table) verdicts() string {
	var out strings.Builder
	for _, b := range bars {
		if v, ok := b.value(t); ok {
			out.WriteString(testkit.Verdict(b.what, v, b.least, b.most))
		}
	}
	return out.String()
}
