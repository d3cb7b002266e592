package load

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Report is what a scenario has measured.
type Report struct {
	Scenario string
	Dialect  Dialect

	figures []figure
}

// figure is a value by its name in labels.
type figure struct {
	name  string
	value float64
}

// Names lists the names of all figures in the order in which they are documented, each with the
// label that a table shows. The unit of a value is at the end of its name, if it has one.
var Names = []struct{ Name, Label string }{
	{"rooms", "rooms"},
	{"connections", "connections"},
	{"writers", "people who write"},
	{"rate_per_second", "edits of each a second"},
	{"seconds", "seconds measured"},
	{"edits", "edits"},
	{"deliveries", "deliveries"},
	{"deliveries_per_second", "deliveries a second"},
	{"entries", "entries of awareness updates"},
	{"latency_p50_ms", "latency, p50 (ms)"},
	{"latency_p95_ms", "latency, p95 (ms)"},
	{"latency_p99_ms", "latency, p99 (ms)"},
	{"latency_max_ms", "latency, longest (ms)"},
	{"agent_deliveries", "deliveries of the agents' edits"},
	{"agent_latency_p50_ms", "latency of the agents' edits, p50 (ms)"},
	{"agent_latency_p95_ms", "latency of the agents' edits, p95 (ms)"},
	{"agent_latency_p99_ms", "latency of the agents' edits, p99 (ms)"},
	{"agent_latency_max_ms", "latency of the agents' edits, longest (ms)"},
	{"catch_up_ms", "time until the slow people have all (ms)"},
	{"offline_edits", "edits made without a connection"},
	{"reconnect_p50_ms", "time until a client is back, p50 (ms)"},
	{"reconnect_p95_ms", "time until a client is back, p95 (ms)"},
	{"reconnect_p99_ms", "time until a client is back, p99 (ms)"},
	{"reconnect_max_ms", "time until all are back (ms)"},
	{"server_cpu_percent", "CPU of the server (% of one core)"},
	{"server_cpu_us_per_delivery", "CPU of the server a delivery (µs)"},
	{"server_memory_kb", "memory of the server at the end (KB)"},
	{"server_memory_kb_per_connection", "growth of that for each connection (KB)"},
	{"client_cpu_percent", "CPU of the clients (% of one core)"},
	{"document_kb", "size of the document (KB)"},
	{"joins", "joins"},
	{"join_p50_ms", "time until the document is there, p50 (ms)"},
	{"join_p95_ms", "time until the document is there, p95 (ms)"},
	{"join_p99_ms", "time until the document is there, p99 (ms)"},
	{"join_max_ms", "time until the document is there, longest (ms)"},
	{"server_cpu_ms_per_join", "CPU of the server a join (ms)"},
	{"server_memory_peak_kb", "most memory of the server (KB)"},
	{"server_memory_peak_growth_kb", "growth of that since before the joins (KB)"},
	{"server_memory_kb_per_room", "growth of the memory for each room (KB)"},
	{"server_cpu_us_per_connection_second", "CPU of the server a connection and second (µs)"},
	{"clients_compared", "clients whose documents were compared"},
}

func labelOf(name string) string {
	for _, known := range Names {
		if known.Name == name {
			return known.Label
		}
	}
	panic("there is no figure " + name)
}

// add adds a figure. Its name must be in Names.
func (r *Report) add(name string, value float64) {
	labelOf(name)
	r.figures = append(r.figures, figure{name, value})
}

// addLatencies adds the quantiles of delays.
func (r *Report) addLatencies(prefix string, l *latencies) {
	if l.count() == 0 {
		return
	}
	for _, q := range []struct {
		name string
		part float64
	}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1}} {
		r.add(prefix+"_"+q.name+"_ms", milliseconds(l.quantile(q.part)))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Figure returns a figure, and reports whether the scenario has measured it.
func (r *Report) Figure(name string) (value float64, ok bool) {
	for _, f := range r.figures {
		if f.name == name {
			return f.value, true
		}
	}
	return 0, false
}

// MarshalJSON returns an object with the scenario, the dialect and all figures by name.
func (r *Report) MarshalJSON() ([]byte, error) {
	b := []byte("{\"scenario\":")
	b = strconv.AppendQuote(b, r.Scenario)
	b = append(b, `,"dialect":`...)
	b = strconv.AppendQuote(b, string(r.Dialect))
	for _, f := range r.figures {
		b = fmt.Appendf(b, ",%q:%s", f.name, rounded(f.value))
	}
	return append(b, '}'), nil
}

// rounded returns a value with four digits or more, without an exponent.
func rounded(value float64) string {
	decimals := 0
	if size := math.Abs(value); size > 0 && size < 1000 {
		decimals = min(max(3-int(math.Floor(math.Log10(size))), 0), 9)
	}
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Print writes the report as a table.
func (r *Report) Print(w io.Writer) error {
	width := 0
	for _, f := range r.figures {
		width = max(width, len([]rune(labelOf(f.name))))
	}
	for _, f := range r.figures {
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", width, labelOf(f.name), rounded(f.value)); err != nil {
			return err
		}
	}
	return nil
}

var _ json.Marshaler = (*Report)(nil)
