// Package sim runs the worker, its rooms, the memory layer and a store that
// fails under a schedule that a seed decides, in simulated time, with clients
// that come and go and processes that crash and follow each other. After each
// step it holds that what anybody was sent is durable; what else has to be true
// is looked at where it may change.
//
// A seed that fails prints how to run it again.
package sim

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// again says what failed, and how to see it again.
func again(seed uint64, failure string) string {
	return fmt.Sprintf("%s\nRun it again: SIM_SEED=%d go test -count=1 -run '^TestSim$' ./internal/sim", failure, seed)
}

// number gives a setting from the environment.
func number(t *testing.T, name string) (n uint64, given bool) {
	t.Helper()
	text, given := os.LookupEnv(name)
	if !given {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n, true
}

// TestSim runs worlds until SIM_STEPS steps are done, from the world of
// SIM_FROM on, or the world of SIM_SEED alone, whose history it prints.
func TestSim(t *testing.T) {
	if seed, given := number(t, "SIM_SEED"); given {
		if r := simulate(t, seed, plant{}, func(line string) { fmt.Println(line) }); r.failure != "" {
			t.Error(r.failure)
		}
		return
	}
	steps, given := number(t, "SIM_STEPS")
	if !given {
		steps = 100_000
	}
	seed, _ := number(t, "SIM_FROM")
	var seen counts
	began := time.Now()
	for ; seen.steps < int(steps); seed++ {
		r := simulate(t, seed, plant{}, nil)
		seen.add(r.seen)
		if r.failure != "" {
			t.Fatal(again(seed, r.failure))
		}
	}
	took := time.Since(began)
	t.Logf("%d steps in %s, %.1f million a minute; the last seed was %d", seen.steps, took.Round(time.Millisecond),
		float64(seen.steps)/took.Minutes()/1e6, seed-1)
	t.Logf("%d crashes, %d drains, %d faults, %d compactions, %d inputs refused by full mailboxes, %d answers",
		seen.crashes, seen.drains, seen.faults, seen.compactions, seen.full, seen.answers)
	if seen.answers == 0 || seen.crashes == 0 || seen.drains == 0 || seen.faults == 0 || seen.compactions == 0 || seen.full == 0 {
		t.Error("something that should happen did not")
	}
}

// TestSeedDecides holds that a seed gives the same world each time.
func TestSeedDecides(t *testing.T) {
	for seed := range uint64(5) {
		one, again := simulate(t, seed, plant{}, nil), simulate(t, seed, plant{}, nil)
		if one != again {
			t.Errorf("seed %d gave %+v, then %+v", seed, one, again)
		}
		if other := simulate(t, seed+1, plant{}, nil); one.history == other.history {
			t.Errorf("seeds %d and %d gave the same world", seed, seed+1)
		}
	}
}
