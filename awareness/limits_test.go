package awareness

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// add sets the state of a client with size bytes, and reports whether it was accepted.
func add(tb testing.TB, a *Awareness, conn, client, clock uint64, size int) bool {
	tb.Helper()
	return mustApply(tb, a, conn, fmt.Sprintf(`%d@%d %q`, client, clock, strings.Repeat("x", size-2))) != nil
}

// However many connections there are, the states of a room are bounded. Large states
// leave capacity for the small ones of others.
func TestRoomSize(t *testing.T) {
	const size = 1 << 20
	a := New(Config{RoomSize: size})
	for conn := range uint64(10) {
		for id := range uint64(16) {
			add(t, a, conn, conn*16+id, 1, 64<<10)
		}
	}
	if !a.Full() || a.size > size/2 || len(a.Encode()) < size/3 {
		t.Errorf("large states take %d bytes, full: %v", a.size, a.Full())
	}
	small := 0
	for conn := uint64(1000); add(t, a, conn, conn, 1, 500); conn++ {
		small++
	}
	if got := len(a.Encode()); got > size || small < 800 {
		t.Errorf("%d small states were accepted; all take %d bytes", small, got)
	}

	// What is in the room can be renewed, and smaller, but can't grow.
	if !add(t, a, 1000, 1000, 2, 501) || !add(t, a, 1000, 1000, 3, 400) || add(t, a, 1000, 1000, 4, 900) {
		t.Error("a full room takes states wrongly")
	}
	// A connection that leaves makes room for others.
	a.Leave(1000, time.Unix(0, 0))
	if !add(t, a, 1001, 9999, 1, 300) {
		t.Error("a state was ignored though another has left")
	}
}

// A state that has shrunk doesn't keep the memory that it took.
func TestShrunkStatesFreeMemory(t *testing.T) {
	a := New(Config{})
	add(t, a, 1, 1, 1, 64<<10)
	add(t, a, 1, 1, 2, 2)
	if kept := cap(a.states[1].state); kept > 1<<10 {
		t.Errorf("a state of 2 bytes keeps %d", kept)
	}
}

// The sizes are exact after any sequence of changes.
func TestSizesAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	a := New(Config{RoomSize: 8 << 10, Timeout: 100 * time.Second})
	claims := 0
	for i := range int64(20_000) {
		now := time.Unix(i, 0)
		conn := 1 + rnd.Uint64N(5)
		switch rnd.IntN(20) {
		case 2:
			a.Silent(conn, now)
		case 0:
			a.Leave(conn, now)
		case 1:
			a.Expire(now)
		default:
			var entries []string
			for range 1 + rnd.IntN(3) {
				state := "null"
				if rnd.IntN(5) > 0 {
					state = `"` + strings.Repeat("x", rnd.IntN(1500)) + `"`
				}
				entries = append(entries, fmt.Sprintf("%d@%d %s", rnd.Uint64N(12), i/2+rnd.Int64N(4), state))
			}
			if _, err := a.Apply(conn, conn%3, raw(t, entries...), now); err != nil {
				t.Fatal(err)
			}
		}
		total, by := 0, map[uint64]owned{}
		for _, p := range a.states {
			total += p.size()
			o := by[p.owner]
			o.add(1, p.size())
			by[p.owner] = o
		}
		if total != a.size || total > a.cfg.RoomSize {
			t.Fatalf("step %d: the states take %d bytes, counted %d", i, total, a.size)
		}
		for conn, m := range a.members {
			if by[conn] != m.owned {
				t.Fatalf("step %d: connection %d owns %v, counted %v", i, conn, by[conn], m.owned)
			}
		}
		claimed := 0
		for id, c := range a.claims {
			if a.holders[id] == 0 || a.members[c.conn].own != id {
				t.Fatalf("step %d: a claim of connection %d on client %d", i, c.conn, id)
			}
			claimed += sizeOf(c.state)
			claims++
		}
		if claimed != a.claimed {
			t.Fatalf("step %d: the claims take %d bytes, counted %d", i, claimed, a.claimed)
		}
	}
	if claims == 0 {
		t.Error("nothing was claimed")
	}
	if !a.Full() {
		t.Error("the room was never full")
	}
}

// The states are encoded once until one changes.
func TestEncodedOnce(t *testing.T) {
	a := New(Config{})
	mustApply(t, a, 1, `1@1 {}`)
	if allocs := testing.AllocsPerRun(10, func() { a.Encode() }); allocs > 0 {
		t.Errorf("encoding unchanged states makes %v allocations", allocs)
	}
	for _, change := range []func(){
		func() { mustApply(t, a, 1, `1@2 {"a":1}`) },
		func() { mustApply(t, a, 2, `2@1 {}`) },
		func() { mustApply(t, a, 2, `2@1 null`) },
		func() { a.Leave(1, time.Unix(0, 0)) },
		func() { mustApply(t, a, 3, `3@1 {}`) },
		func() { a.Expire(time.Unix(100, 0)) },
	} {
		before := string(a.Encode())
		change()
		if string(a.Encode()) == before {
			t.Errorf("after a change the encoding is still %x", before)
		}
	}
}
