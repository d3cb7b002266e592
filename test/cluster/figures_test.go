package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// figures holds the measured times, by what they are.
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
