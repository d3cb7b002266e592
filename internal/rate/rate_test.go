package rate_test

import (
	"testing"
	"time"

	"github.com/yroom/yroom/internal/rate"
)

func TestLimit(t *testing.T) {
	const perSecond = 100
	l := rate.New(perSecond)
	now := time.Now()
	allowed := func(tries int) (n int) {
		for range tries {
			if l.Take(now) {
				n++
			}
		}
		return n
	}
	want := func(when string, got, most int) {
		t.Helper()
		if got != most {
			t.Errorf("%s: %d of 10,000 events are allowed, want %d", when, got, most)
		}
	}
	if !l.Rested(now) {
		t.Error("a new Limit has not rested")
	}
	want("at first", allowed(10_000), 5*perSecond)
	want("at the same time", allowed(10_000), 0)
	now = now.Add(time.Second)
	want("a second later", allowed(10_000), perSecond)
	now = now.Add(15 * time.Millisecond)
	want("15 ms later", allowed(10_000), 1)
	now = now.Add(5 * time.Millisecond)
	want("5 ms later", allowed(10_000), 1)
	if now = now.Add(4 * time.Second); l.Rested(now) {
		t.Error("after 4 s, it has rested")
	}
	if now = now.Add(time.Hour); !l.Rested(now) {
		t.Error("an hour later, it has not rested")
	}
	want("an hour later", allowed(10_000), 5*perSecond)
	now = now.Add(-time.Hour)
	want("an hour before", allowed(10_000), 0)
}

// Events that have to wait are allowed one after the other.
func TestReserve(t *testing.T) {
	l := rate.New(100)
	now := time.Now()
	for range 500 {
		if wait, ok := l.Reserve(now, time.Second); wait != 0 || !ok {
			t.Fatalf("an event waits %v, %v", wait, ok)
		}
	}
	for i := range 3 {
		if wait, ok := l.Reserve(now, 30*time.Millisecond); wait != time.Duration(i+1)*10*time.Millisecond || !ok {
			t.Errorf("event %d waits %v, %v", i, wait, ok)
		}
	}
	if wait, ok := l.Reserve(now, 30*time.Millisecond); ok {
		t.Errorf("one too many waits %v", wait)
	}
	if l.Take(now) {
		t.Error("an event is allowed before those that wait")
	}
}
