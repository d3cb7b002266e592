// Package sim simulates several workers and consumers with the real workers, rooms,
// outboxes and links, a bus between them that loses, duplicates, delays and reorders
// packets, and a store that fails. A seed determines the schedule, and time is
// simulated. Clients connect and leave; programs edit, follow, delete and create rooms;
// processes crash, drain, stall and are replaced; the bus fails, for all, for one process
// or between two. The simulation checks that everything that is sent is durable, and
// checks other invariants where they may be broken. Then nothing fails any more, and
// everything has to heal within a bounded time.
//
// A failure is printed with the command that runs its seed again.
//
// All of it is in test files, but only sim_test.go, planted_test.go and pause_test.go hold
// tests.
// Read in this order:
//
//   - sim_test.go: TestSim, which runs the worlds of many seeds
//   - world_test.go: a world, what is disturbed in it, and the checks once it is calm
//   - members_test.go: the check that rooms have the connections that exist
//   - schedule_test.go: the calls and timers of a world, and the order in which the
//     seed has them run
//   - server_test.go: a simulated process with a real worker, and what it may send
//   - store_test.go: the store of all servers, and the faults that a server sees in it
//   - consumer_test.go: a simulated process with connections and their real outboxes
//   - node_test.go: the ends of the bus with their real state machines, and the layer that
//     they are for workers and consumers
//   - bus_test.go: what carries the packets between nodes, and what fails in it
//   - client_test.go, program_test.go, watch_test.go: a stock client, and programs in a
//     consumer's process that read, change and follow documents
//   - acks_test.go: clients that count which updates are saved
//   - judge_test.go: programs that take rights away from connections, and close them
//   - shadow_test.go: what the outputs of a room have revealed at each Mark
//   - pause_test.go: how long rooms have no worker when theirs ends
//   - planted_test.go: faults that are planted, and the test that each one is found
package sim

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// again returns the failure and the command that runs its seed again.
func again(seed uint64, failure string) string {
	return fmt.Sprintf("%s\nRun it again: SIM_SEED=%d go test -count=1 -run '^TestSim$' ./internal/sim", failure, seed)
}

// number returns the value of an environment variable, and reports whether it is set.
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

// enough is the number of steps within which every kind of event should happen.
const enough = 1_000_000

// TestSim runs the worlds of successive seeds, from SIM_FROM on, until SIM_STEPS steps
// are done. If SIM_SEED is set, it runs the world of that seed only and prints its
// history.
func TestSim(t *testing.T) {
	if seed, given := number(t, "SIM_SEED"); given {
		if r := simulate(t, seed, plant{}, func(line string) { fmt.Println(line) }); r.failure != "" {
			t.Error(r.failure)
		}
		return
	}
	steps, given := number(t, "SIM_STEPS")
	if !given {
		steps = enough
		if testkit.UnderRace {
			steps /= 4
		}
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
	t.Logf("%+v", seen)
	for field, count := range reflect.ValueOf(seen).Fields() {
		if count.Int() == 0 && steps >= enough {
			t.Errorf("the worlds had no %s", field.Name)
		}
	}
}

// TestSeedDecides checks that a seed results in the same world each time.
func TestSeedDecides(t *testing.T) {
	for seed := range uint64(5) {
		one, again := simulate(t, seed, plant{}, nil), simulate(t, seed, plant{}, nil)
		if one != again {
			t.Errorf("seed %d led to %+v, then %+v", seed, one, again)
		}
		if other := simulate(t, seed+1, plant{}, nil); one.history == other.history {
			t.Errorf("seeds %d and %d led to the same world", seed, seed+1)
		}
	}
}
