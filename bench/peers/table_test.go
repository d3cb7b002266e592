package peers_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// figures are what one measurement has found, by the names of "yroom bench".
type figures map[string]float64

// table holds all measurements.
type table struct {
	servers  []server
	values   map[[3]string][]float64 // by server, scenario and figure
	failures map[[2]string]error     // by server and scenario
}

func newTable(present []server) *table {
	return &table{servers: present, values: map[[3]string][]float64{}, failures: map[[2]string]error{}}
}

func (t *table) add(server, scenario string, f figures) {
	for name, value := range f {
		key := [3]string{server, scenario, name}
		t.values[key] = append(t.values[key], value)
	}
}

func (t *table) fail(server, scenario string, err error) {
	t.failures[[2]string{server, scenario}] = err
}

func (t *table) failure(server, scenario string) error {
	return t.failures[[2]string{server, scenario}]
}

// median returns the median of a figure of a server that has not failed.
func (t *table) median(server, scenario, figure string) (value float64, ok bool) {
	all := slices.Sorted(slices.Values(t.values[[3]string{server, scenario, figure}]))
	if len(all) == 0 || t.failure(server, scenario) != nil {
		return 0, false
	}
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2, true
}

// best returns the best figure of a peer.
func (t *table) best(r row) (value float64, ok bool) {
	for _, s := range t.servers {
		v, measured := t.median(s.name, r.scenario, r.figure)
		if measured && !s.ours() && (!ok || (v < value) != r.more) {
			value, ok = v, true
		}
	}
	return value, ok
}

// markdown returns the table. missing has the servers that this machine lacks, and why.
func (t *table) markdown(missing map[string]string) string {
	var out strings.Builder
	out.WriteString("| | |")
	for _, s := range t.servers {
		fmt.Fprintf(&out, " %s |", s.name)
	}
	out.WriteString("\n|---|---|" + strings.Repeat("---|", len(t.servers)) + "\n")
	for _, r := range allRows {
		if t.measured(r) {
			fmt.Fprintf(&out, "| %s | %s |%s\n", r.name, r.unit, t.cells(r))
		}
	}
	return out.String() + "\nIn parentheses is the ratio to the best peer.\n\n" + t.reasons(missing)
}

// reasons returns a list of why servers or their cells are missing.
func (t *table) reasons(missing map[string]string) string {
	var out strings.Builder
	for _, sc := range scenarios {
		for _, s := range t.servers {
			if err := t.failure(s.name, sc.name); err != nil {
				fmt.Fprintf(&out, "- %s, %s: %v\n", s.name, sc.name, err)
			}
		}
	}
	for _, s := range allServers {
		if why := missing[s.name]; why != "" {
			fmt.Fprintf(&out, "- %s is left out: %s\n", s.name, why)
		}
	}
	return out.String()
}

// measured reports whether a server was measured for a row.
func (t *table) measured(r row) bool {
	return slices.ContainsFunc(t.servers, func(s server) bool {
		_, ok := t.median(s.name, r.scenario, r.figure)
		return ok || t.failure(s.name, r.scenario) != nil
	})
}

// cells returns the cells of a row, one for each server.
func (t *table) cells(r row) string {
	var out strings.Builder
	best, known := t.best(r)
	for _, s := range t.servers {
		cell := "-"
		if value, ok := t.median(s.name, r.scenario, r.figure); ok {
			cell = strconv.FormatFloat(value, 'f', r.digits, 64)
			if s.ours() && known && best > 0 {
				cell += fmt.Sprintf(" (%.2f)", value/best)
			}
		}
		if err := t.failure(s.name, r.scenario); err != nil {
			cell = cause(err)
		}
		fmt.Fprintf(&out, " %s |", cell)
	}
	return out.String()
}
