package layers_test

import (
	"cmp"
	"slices"
	"time"
)

// milliseconds returns d in milliseconds.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median returns the median of a value of several measurements.
func median[F any, T cmp.Ordered](all []F, of func(F) T) T {
	values := make([]T, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
