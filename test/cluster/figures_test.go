package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// figures holds the measured times, by their names.
type figures map[string][]time.Duration

func (f figures) add(what string, took time.Duration) { f[what] = append(f[what], took) }

// quantile returns the time that a share q of the measured times doesn't exceed.
func (f figures) quantile(what string, q float64) time.Duration {
	all := slices.Sorted(slices.Values(f[what]))
	if len(all) == 0 {
		return 0
	}
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

func (f figures) String() string {
	var s string
	for _, what := range slices.Sorted(maps.Keys(f)) {
		s += fmt.Sprintf("%s: p50 %v, p99 %v, max %v of %d\n", what,
			f.quantile(what, 0.5).Round(time.Millisecond), f.quantile(what, 0.99).Round(time.Millisecond),
			f.quantile(what, 1).Round(time.Millisecond), len(f[what]))
	}
	return s
}

// report logs what was measured, and fails the test if it isn't good enough.
func (h *chaos) report() {
	h.Helper()
	var count struct{ Clients, Edits, Deleted int }
	h.ask(map[string]any{"do": "count"}, &count)
	h.Logf("%d faults; %d clients made %d edits and deleted %d of them", len(h.windows), count.Clients, count.Edits, count.Deleted)
	h.Logf("measured:\n%v", h.figures)
	for what, limit := range map[string]time.Duration{afterDeath: 3500 * time.Millisecond, afterDrain: 200 * time.Millisecond} {
		limit += h.figures.quantile(untouched, 0.99) // which is some milliseconds, unless the machine is busy
		if !soak() {
			limit += 2 * time.Second // other tests run at the same time, and the few measured times have no p99
		}
		if p99 := h.figures.quantile(what, 0.99); p99 > limit {
			h.Errorf("%s, rooms answer within %v (p99), want %v", what, p99, limit)
		}
	}
	silenced := 0 // processes that were dead, stopped or cut off, at most
	for _, w := range h.windows {
		if w.silences {
			silenced++
		}
	}
	stats := h.observer.Stats()
	h.Logf("%d processes were given up, %d of which may have been silent; while no process had to be, %d were silent for half of that time",
		stats.GivenUp, silenced, h.near)
	if stats.GivenUp > uint64(silenced) {
		h.Errorf("%d processes were given up, but only %d were killed, stopped or cut off", stats.GivenUp, silenced)
	}
}

// soak reports whether the test runs for long, which needs a machine of its own.
func soak() bool { return *duration >= 5*time.Minute }
