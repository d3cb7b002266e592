package engines_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yroom/yroom/internal/testkit"
)

// row is a row of the table: a figure of a job.
type row struct {
	name        string
	job, figure string
	unit        unit
}

type unit struct {
	name   string
	size   float64
	digits int
}

var (
	ms     = unit{"ms", 1e6, 2}
	us     = unit{"µs", 1e3, 2}
	ns     = unit{"ns", 1, 1}
	mb     = unit{"MB", 1e6, 2}
	number = unit{"", 1, 2}
)

var allRows = []row{
	{"load B4 V1, first of a process", "b4", "first", ms},
	{"load B4 V1, warm", "b4", "warm", ms},
	{"take B4 V1 from a client, warm", "b4", "taken", ms},
	{"load B4 V2, first of a process", "v2", "first", ms},
	{"load B4 V2, warm", "v2", "warm", ms},
	{"take B4 V2 from a client, warm", "v2", "taken", ms},
	{"load B4 x100", "x100", "first", ms},
	{"take B4 x100 from a client", "x100", "taken", ms},
	{"load B4 x100, memory kept", "x100", "heap", mb},
	{"259,778 one-op updates", "ops", "time", ms},
	{"259,778 one-op updates, each", "ops", "update", us},
	{"259,778 one-op updates, memory kept", "ops", "heap", mb},
	{"259,778 one-op updates, memory kept, times the encoded size", "ops", "heapOfEncoded", number},
	{"259,778 one-op updates, allocations each", "ops", "allocations", number},
	{"1000 clients x 20 characters", "inTurn1000", "time", ms},
	{"an update among 10 clients", "clients10", "update", us},
	{"an update among 100 clients", "clients100", "update", us},
	{"an update among 1000 clients", "clients1000", "update", us},
	{"an update among 4000 clients", "clients4000", "update", us},
	{"same map key 100,000 times", "map", "time", ms},
	{"same map key 100,000 times, memory kept", "map", "heap", mb},
	{"ProseMirror-like XML, 23,000 updates", "xml", "time", ms},
	{"friendsforever, two authors, 26,078 edits", "friendsforever", "time", ms},
	{"clownschool, three authors, 23,182 edits", "clownschool", "time", ms},
	{"sveltecomponent, one author, 19,749 edits", "sveltecomponent", "time", ms},
	{"encode B4 V1", "b4", "encode", ms},
	{"diff at the current state vector, B4", "b4", "diffCurrent", us},
	{"diff at the current state vector, B4 x10", "x10", "diffCurrent", us},
	{"diff for a client that lacks 100 updates, B4", "b4", "diffStale", us},
	{"diff for a client that lacks 100 updates, B4 x10", "x10", "diffStale", us},
	{"diff for a client that lacks 100 updates, B4 x100", "x100", "diffStale", us},
	{"mergeUpdates of 10,000 updates", "merge", "time", ms},
	{"read B4's text from its update, first of a process", "read", "first", ms},
	{"read B4's text from its update, warm", "read", "warm", ms},
	{"10,000 random edits of B4", "edits", "time", ms},
	{"parse only: a one-op update", "ops", "update floor", ns},
	{"parse only: B4", "b4", "warm floor", ms},
	{"parse only: B4 V2", "v2", "warm floor", ms},
	{"parse only: B4 x100", "x100", "first floor", ms},
}

// table holds all measurements by engine, job and figure.
type table map[[3]string][]float64

func (t table) add(engine, job string, f figures) {
	for name, value := range f {
		key := [3]string{engine, job, name}
		t[key] = append(t[key], value)
	}
}

func (t table) rows() string {
	var out strings.Builder
	widths := []int{-59, -4, 9, 9, 9, 9, 11, 6}
	line := func(cells ...string) {
		for i, c := range cells {
			fmt.Fprintf(&out, "| %*s ", widths[i], c)
		}
		fmt.Fprintln(&out, "|")
	}
	line("", "unit", "yroom", "yjs", "ywasm", "yjs/yroom", "ywasm/yroom", "/floor")
	line("---", "---", "---:", "---:", "---:", "---:", "---:", "---:")
	cell := func(v value, unit float64, digits int) string {
		value, ok := v(t)
		if !ok {
			return "-"
		}
		return fmt.Sprintf("%.*f", digits, value/unit)
	}
	for _, r := range allRows {
		if !strings.Contains(r.name, *only) {
			continue
		}
		cells := []string{r.name, r.unit.name}
		for _, engine := range engines {
			cells = append(cells, cell(of(engine, r.job, r.figure), r.unit.size, r.unit.digits))
		}
		for _, engine := range engines[1:] {
			cells = append(cells, cell(ratio(of(engine, r.job, r.figure), own(r.job, r.figure)), 1, 1))
		}
		line(append(cells, cell(ratio(own(r.job, r.figure), own(r.job, r.figure+" floor")), 1, 1))...)
	}
	return out.String()
}

// goal is a bound that yroom must meet: on its speed relative to yjs, or on a figure of
// its own.
type goal struct {
	what  string
	least float64 // 0 means no bound
	most  float64 // 0 means no bound
	value value
}

var goals = []goal{
	{"259,778 one-op updates, times as fast as yjs", 20, 0, asFast("ops", "time")},
	{"259,778 one-op updates, allocations each", 0, 0.1, own("ops", "allocations")},
	{"259,778 one-op updates, memory kept, times the encoded size", 0, 2.5, own("ops", "heapOfEncoded")},
	{"load B4 V1, warm, times the floor", 0, 5, ratio(own("b4", "warm"), own("b4", "warm floor"))},
	{"load B4 V1, first of a process, times as fast as yjs", 40, 0, asFast("b4", "first")},
	{"load B4 x100, times as fast as yjs", 30, 0, asFast("x100", "first")},
	{"1000 clients x 20 characters, times as fast as yjs", 20, 0, asFast("inTurn1000", "time")},
	{"an update among 4000 clients, times one among 10", 0, 2, ratio(own("clients4000", "update"), own("clients10", "update"))},
	{"same map key 100,000 times, times as fast as yjs", 20, 0, asFast("map", "time")},
	{"same map key 100,000 times, bytes kept for each", 0, 1, ratio(own("map", "heap"), own("map", "updates"))},
	{"ProseMirror-like XML, times as fast as yjs", 20, 0, asFast("xml", "time")},
	{"read B4's text from its update, first of a process, times as fast as yjs", 5, 0, asFast("read", "first")},
	{"read B4's text from its update, warm, times as fast as yjs", 5, 0, asFast("read", "warm")},
	{"10,000 random edits of B4, times as fast as yjs", 5, 0, asFast("edits", "time")},
	{"load of the histories in V2, times as fast as yjs, the least", 15, 0, ofAll(least, func(name string) value { return asFast("load"+name, "warm") })},
	{"load of the histories in V2, times that in V1, the most", 0, 2.5, ofAll(most, func(name string) value { return ratio(own("load"+name, "warm"), own("load"+name, "warmV1")) })},
	{"read of the histories, times as fast as yjs, the median", 15, 0, ofAll(middle, func(name string) value { return asFast("read"+name, "warm") })},
	{"read of the histories, times as fast as ywasm, the least", 1, 0, ofAll(least, func(name string) value { return ratio(of("ywasm", "read"+name, "warm"), own("read"+name, "warm")) })},
	{"diff for a client that lacks 100 updates, B4, times a bare parse of it", 0, 2, ratio(own("b4", "diffStale"), own("b4", "diffStale floor"))},
	{"diff for a client that lacks 100 updates, B4 x100, times a bare parse of it", 0, 2, ratio(own("x100", "diffStale"), own("x100", "diffStale floor"))},
}

// value computes a number from a table. ok is false if the measurements are missing.
type value func(t table) (v float64, ok bool)

// of returns the median of a figure.
func of(engine, job, figure string) value {
	return func(t table) (float64, bool) {
		all := slices.Sorted(slices.Values(t[[3]string{engine, job, figure}]))
		if len(all) == 0 {
			return 0, false
		}
		return (all[(len(all)-1)/2] + all[len(all)/2]) / 2, true
	}
}

func own(job, figure string) value { return of("yroom", job, figure) }

func asFast(job, figure string) value { return ratio(of("yjs", job, figure), own(job, figure)) }

func ratio(a, b value) value {
	return func(t table) (float64, bool) {
		x, hasX := a(t)
		y, hasY := b(t)
		return x / y, hasX && hasY
	}
}

// bar reports which goals the run meets. It omits those that were not measured.
func (t table) bar() string {
	var out strings.Builder
	for _, g := range goals {
		if value, ok := g.value(t); ok {
			out.WriteString(testkit.Verdict(g.what, value, g.least, g.most))
		}
	}
	return out.String()
}
