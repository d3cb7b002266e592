package testkit

import (
	"testing"
	"time"
	"unsafe"
)

// StepClock returns the time that time.Now would have returned instead of now if the
// system's clock had been set forward by d, or back if d is negative: another time of
// day, with the same reading of the monotonic clock. d must be a whole number of
// seconds.
func StepClock(tb testing.TB, now time.Time, d time.Duration) time.Time {
	tb.Helper()
	stepped := now
	// The first field of a Time with a monotonic reading has the seconds of the time of day
	// above 30 bits of nanoseconds. Package time has no function for such a Time.
	*(*uint64)(unsafe.Pointer(&stepped)) += uint64(d/time.Second) << 30
	if stepped.Sub(now) != 0 || stepped.Round(0).Sub(now.Round(0)) != d {
		tb.Fatalf("%v is not %v with a clock that was set by %v", stepped, now, d)
	}
	return stepped
}
