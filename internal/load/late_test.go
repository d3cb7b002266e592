package load

import (
	"testing"
	"time"
)

func TestLatencies(t *testing.T) {
	var l, other latencies
	if got := l.quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
	for i := range 1000 {
		l.add(time.Duration(i+1) * 100 * time.Microsecond)
	}
	other.add(time.Hour * 100)
	l.addAll(&other)
	if got := l.count(); got != 1001 {
		t.Errorf("%d durations are counted, want 1001", got)
	}
	for part, want := range map[float64]time.Duration{0: 100 * time.Microsecond, 0.5: 50 * time.Millisecond, 0.99: 99 * time.Millisecond, 1: 100 * time.Hour} {
		if got := l.quantile(part); got < want*98/100 || got > want*102/100 {
			t.Errorf("the quantile %v is %v, want %v", part, got, want)
		}
	}
}

// A bucket holds what differs by 2 % at most.
func TestBuckets(t *testing.T) {
	last := -1
	for d := time.Duration(0); d < 19*time.Hour; d += d/200 + 100 {
		b := bucketOf(d)
		if b < last || b > last+1 || b >= buckets {
			t.Fatalf("%v is in bucket %d of %d, the duration before in %d", d, b, buckets, last)
		}
		last = b
		if got := ofBucket(b); (got - d).Abs() > max(d/50, time.Microsecond) {
			t.Fatalf("%v is in the bucket of %v", d, got)
		}
	}
}
