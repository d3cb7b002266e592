package heap

import (
	"runtime/debug"
	"testing"
	"time"
)

// Each step is one idleEvery after the one before.
func TestIdleness(t *testing.T) {
	const mb = 1 << 20
	const live = 80 * mb
	type step struct {
		allocates uint64 // since the step before
		idle      uint64
		due       bool
	}
	for name, steps := range map[string][]step{
		"a start, and then twice":              {{allocates: 90 * mb}, {idle: 0, due: true}, {idle: 0, due: true}, {idle: 0}, {idle: 0}},
		"not while it is busy":                 {{allocates: 90 * mb, idle: 80 * mb}, {allocates: 90 * mb, idle: 80 * mb}, {allocates: 90 * mb, idle: 80 * mb}},
		"again when enough has come together":  {{idle: 11 * mb}, {idle: 12 * mb}, {idle: 13 * mb, due: true}, {idle: 5 * mb}},
		"a little of work doesn't prevent it":  {{allocates: 11 * mb, idle: 13 * mb, due: true}, {allocates: 11 * mb, idle: 13 * mb, due: true}},
		"what was busy is awaited to be quiet": {{allocates: 13 * mb}, {allocates: 13 * mb}, {due: true}, {due: true}, {}},
	} {
		t.Run(name, func(t *testing.T) {
			var q idleness
			var allocated uint64
			now := time.Now()
			for i, s := range steps {
				now = now.Add(idleEvery)
				allocated += s.allocates
				if due := q.due(now, sizes{live, s.idle, allocated}); due != s.due {
					t.Fatalf("step %d: %v, want %v", i, due, s.due)
				}
			}
		})
	}
}

// Returning memory takes a small part of the time.
func TestIdlenessCost(t *testing.T) {
	var q idleness
	now := time.Now()
	full := sizes{live: 1 << 30, idle: 1 << 30}
	if !q.due(now, full) {
		t.Fatal("memory is not returned")
	}
	q.took(now, 100*time.Millisecond)
	for _, tc := range []struct {
		after time.Duration
		due   bool
	}{{5 * time.Second, false}, {19 * time.Second, false}, {20 * time.Second, true}} {
		if due := q.due(now.Add(tc.after), full); due != tc.due {
			t.Errorf("%v after memory was returned, which took 100 ms: %v", tc.after, due)
		}
	}
}

var garbage []byte

func TestReadSizes(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	debug.FreeOSMemory()
	before := readSizes()
	garbage = make([]byte, 64<<20)
	garbage = nil
	after := readSizes()
	if got := after.allocated - before.allocated; got < 64<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
	if got := after.idle - before.idle; got < 60<<20 || before.live == 0 {
		t.Errorf("%d bytes became idle, of %d", got, before.live)
	}
	debug.FreeOSMemory()
	if end := readSizes(); end.idle > after.idle-(60<<20) {
		t.Errorf("%d bytes are idle, before they were returned %d", end.idle, after.idle)
	}
}
