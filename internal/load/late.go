package load

import (
	"math/bits"
	"time"
)

// latencies counts durations in buckets of which each is at most 1.6 % wide, or a microsecond. The zero value
// is empty. One goroutine may add to it.
type latencies struct {
	counts []uint32
	most   time.Duration
}

const (
	fine      = 6  // bits of a duration that choose its bucket
	unit      = 10 // bits of a nanosecond count that are left out: a unit is about a microsecond
	mostUnits = 1<<36 - 1
)

var buckets = bucketOf(mostUnits<<unit) + 1

// bucketOf returns the bucket of a duration.
func bucketOf(d time.Duration) int {
	v := min(uint64(max(d, 0))>>unit, mostUnits)
	shift := max(bits.Len64(v)-fine-1, 0)
	return shift<<fine + int(v>>shift)
}

// ofBucket returns a duration in the middle of a bucket.
func ofBucket(bucket int) time.Duration {
	if bucket < 2<<fine {
		return time.Duration(bucket)<<unit + 1<<(unit-1)
	}
	shift := bucket>>fine - 1
	v := uint64(bucket - shift<<fine)
	return time.Duration((v<<shift + 1<<shift/2) << unit)
}

func (l *latencies) add(d time.Duration) {
	if l.counts == nil {
		l.counts = make([]uint32, buckets)
	}
	l.counts[bucketOf(d)]++
	l.most = max(l.most, d)
}

// addAll adds what another one has counted.
func (l *latencies) addAll(other *latencies) {
	if other.counts == nil {
		return
	}
	if l.counts == nil {
		l.counts = make([]uint32, buckets)
	}
	for i, n := range other.counts {
		l.counts[i] += n
	}
	l.most = max(l.most, other.most)
}

// count returns how many durations were added.
func (l *latencies) count() (n int64) {
	for _, in := range l.counts {
		n += int64(in)
	}
	return n
}

// quantile returns the duration below which this part of all is, or 0 if there are none.
func (l *latencies) quantile(part float64) time.Duration {
	rest := int64(part * float64(l.count()))
	for i, n := range l.counts {
		if rest -= int64(n); rest < 0 {
			return min(ofBucket(i), l.most)
		}
	}
	return l.most
}
