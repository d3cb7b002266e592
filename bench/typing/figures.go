package typing

import (
	"cmp"
	"slices"
	"time"
)

// Milliseconds returns d in milliseconds.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Median returns the median of a value of several measurements.
func Median[F any, T cmp.Ordered](all []F, of func(F) T) T {
	values := make([]T, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
