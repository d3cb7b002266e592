package worker

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// Few rooms handle large inputs at once. They don't delay others.
func TestLargeInputsTakeTurns(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		const rooms = 20
		var now, most atomic.Int32
		release := make(chan struct{})
		step := f.step
		for i := range rooms {
			f.join(fmt.Sprint("room ", i), 1)
		}
		f.join("small", 1)
		synctest.Wait()
		f.step = func(r *room.Room, at time.Time, ins []event.Input) room.Effects {
			if ins[0].Size() > largeTurn {
				n := now.Add(1)
				most.Store(max(most.Load(), n))
				<-release
				now.Add(-1)
			}
			return step(r, at, ins)
		}
		paste := testkit.Typed(1, 0, strings.Repeat("x", largeTurn))
		for i := range rooms {
			f.write(fmt.Sprint("room ", i), 1, paste)
		}
		synctest.Wait()
		if n, want := now.Load(), int32(cap(f.slow)); n != want {
			t.Errorf("%d rooms handle large inputs at once, want %d", n, want)
		}
		f.write("small", 1, typed(2, 0))
		f.wantStored("small", typed(2, 0))
		close(release)
		for i := range rooms {
			f.wantStored(fmt.Sprint("room ", i), paste)
		}
		if most.Load() > int32(cap(f.slow)) {
			t.Errorf("%d rooms handled large inputs at once", most.Load())
		}
	})
}

// The turns of a room whose inputs take long become short.
func TestSlowTurns(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		const each = 2 * time.Millisecond
		f.join("doc", 1)
		synctest.Wait()
		var turns []int
		step := f.step
		f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
			turns = append(turns, len(ins))
			time.Sleep(time.Duration(len(ins)) * each)
			return step(r, now, ins)
		}
		for range 1000 {
			f.send("doc", message(1, protocol.QueryAwareness, nil))
		}
		time.Sleep(1000 * each)
		synctest.Wait()
		all := 0
		for i, n := range turns {
			if all += n; n > max(firstMost, int(slowTurn/each)) {
				t.Errorf("turn %d has %d inputs", i, n)
			}
		}
		if all != 1000 {
			t.Errorf("%d inputs were handled, want 1000", all)
		}
	})
}

// A room whose inputs take little time soon handles all that waits in one turn.
func TestFastTurns(t *testing.T) {
	var p portion
	p.most = firstMost
	turns := 0
	for left := 4096; left > 0; turns++ {
		n := min(left, p.most)
		p.took(n, time.Duration(n)*10*time.Microsecond)
		left -= n
	}
	if turns > 16 {
		t.Errorf("%d turns for 4,096 inputs", turns)
	}
	p.took(1, time.Second)
	if p.most != 1 || !p.slow {
		t.Errorf("after a slow input: %+v", p)
	}
}
