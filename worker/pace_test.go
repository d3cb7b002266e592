package worker

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store/memstore"
)

// crowd makes so many connections join at once, after which a turn takes as many inputs, and
// waits until the room has no pause.
func (f *fixture) crowd(name string, conns int) {
	f.t.Helper()
	for conn := range event.ConnID(conns) {
		f.join(name, conn+1)
	}
	time.Sleep(time.Second)
	f.clearOuts()
}

func (f *fixture) clearOuts() {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outs = nil
}

// typesSlowly makes connection 1 send the next of its characters, each two milliseconds after
// the one before, and returns how many broadcasts and appends that has caused by then.
func (f *fixture) typesSlowly(name string, characters uint64) (broadcasts, appends int) {
	f.t.Helper()
	before := f.calls(faulty.Append)
	for clock := range characters {
		f.write(name, 1, typed(7, clock))
		synctest.Wait()
		time.Sleep(2 * time.Millisecond)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	broadcasts = len(f.outs)
	f.outs = nil
	return broadcasts, f.calls(faulty.Append) - before
}

// A room with many connections sends the first edit at once, and collects those that follow
// within the pace.
func TestPace(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.crowd("a", 50)
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		for clock := range uint64(5) {
			f.write("a", 1, typed(7, clock+1))
			f.write("a", 2, typed(8, clock))
			time.Sleep(3 * time.Millisecond)
		}
		f.want()
		time.Sleep(time.Millisecond) // 16 ms after the first
		f.want("a: all Update")
		if n := f.calls(faulty.Append); n != 2 {
			t.Errorf("%d appends, want one for each broadcast", n)
		}
		time.Sleep(16 * time.Millisecond)
		f.write("a", 1, typed(7, 6))
		f.want("a: all Update")
		f.wantStored("a", slices.Concat(typedBy(7, 7), typedBy(8, 5))...)
	})
}

// typedBy returns the updates with which a client types so many characters.
func typedBy(client, characters uint64) (all [][]byte) {
	for clock := range characters {
		all = append(all, typed(client, clock))
	}
	return all
}

// A room of a few never waits. With more connections, the pause grows.
func TestPaceOfFew(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		for _, test := range []struct{ conns, broadcasts int }{
			{1, 15},
			{25, 15},
			{26, 15}, // 0.64 ms
			{38, 4},  // 8.32 ms
			{50, 2},  // 16 ms
			{100, 2},
		} {
			name := strings.Repeat("a", test.conns)
			f.crowd(name, test.conns)
			if broadcasts, appends := f.typesSlowly(name, 15); broadcasts != test.broadcasts || appends != broadcasts {
				t.Errorf("%d connections: %d broadcasts and %d appends for 15 edits in 30 ms, want %d", test.conns, broadcasts, appends, test.broadcasts)
			}
		}
	})
}

// The pace is a setting of the room.
func TestPaceSetting(t *testing.T) {
	run(t, Settings{Pace: time.Microsecond}, func(f *fixture) {
		f.crowd("a", 100)
		if broadcasts, _ := f.typesSlowly("a", 15); broadcasts != 15 {
			t.Errorf("%d broadcasts, want 15", broadcasts)
		}
	})
}

// Awareness is collected like edits, and everything else waits in its order: a
// connection that joins and a program that asks get what was sent before.
func TestWhatWaitsInAPause(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.crowd("a", 50)
		f.write("a", 1, typed(6, 0))
		f.want("a: all Update")
		for clock := range uint64(5) {
			f.send("a", message(1, protocol.Awareness, testkit.Present(7, clock+2, "{}")))
			f.send("a", message(2, protocol.Awareness, testkit.Present(8, clock+1, "{}")))
		}
		f.write("a", 1, typed(7, 0))
		f.join("a", 51)
		f.send("a", message(51, protocol.SyncStep1, []byte{0}))
		q := f.query("a", event.Mark{})
		q.waits()
		f.want()
		time.Sleep(defaultPace)
		f.want("a: 51 Awareness", "a: all Awareness", "a: 51 SyncStep1", "a: 51 SyncStep2", "a: all Update")
		if got := q.response(); got.Mark.Seq != 3 {
			t.Errorf("the program was answered with the document of %v, which lacks an edit", got.Mark)
		}
	})
}

// While no one edits, awareness is collected for twice as long.
func TestPaceOfAwareness(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.crowd("a", 50)
		clock := uint64(0)
		move := func() {
			clock++
			f.send("a", message(1, protocol.Awareness, testkit.Present(7, clock, strconv.FormatUint(clock, 10))))
		}
		move()
		f.want("a: all Awareness")
		time.Sleep(defaultPace)
		move()
		f.want()
		f.write("a", 1, typed(7, 0))
		time.Sleep(defaultPace)
		f.want("a: all Awareness", "a: all Update")
		time.Sleep(defaultPace)
		move()
		f.want("a: all Awareness")
		time.Sleep(restAfter)
		move()
		f.want("a: all Awareness")
		time.Sleep(2*defaultPace - 1)
		move()
		f.want()
	})
}

// A pause is no reason to leave inputs that have waited already: if a turn can't take all, the next
// one follows at once.
func TestPaceWithABacklog(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.crowd("a", 50)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		a := f.find("a")
		a.mail.Post(func() { a.portion.most = 1; a.mail.Limit(1) })
		for clock := range uint64(100) {
			f.write("a", 1, typed(7, clock+1))
		}
		time.Sleep(defaultPace)
		close(gate.Release)
		f.wantStored("a", typedBy(7, 101)...)
	})
}

// The end of a pause doesn't release a mailbox that waits for the store, and the end of an
// append doesn't end a pause.
func TestPaceAndASlowStore(t *testing.T) {
	run(t, Settings{MailboxBytes: 1000}, func(f *fixture) {
		f.crowd("a", 50)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		paste := testkit.Typed(7, 0, strings.Repeat("x", 1001))
		f.write("a", 1, paste)
		synctest.Wait()
		time.Sleep(defaultPace)
		f.send("a", message(1, protocol.Awareness, testkit.Present(7, 1, "{}")))
		f.want() // for the append
		gate.Release <- nil
		f.want("a: all Update", "a: all Awareness")

		time.Sleep(defaultPace)
		f.write("a", 1, typed(8, 0))
		synctest.Wait()
		f.write("a", 1, typed(8, 1))
		gate.Release <- nil
		f.want("a: all Update")
		time.Sleep(defaultPace)
		gate.Release <- nil
		f.want("a: all Update")
		f.wantStored("a", paste, typed(8, 0), typed(8, 1))
	})
}

// A worker that drains handles what waits in a pause before it hands over the room.
func TestDrainInAPause(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.crowd("a", 50)
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		f.write("a", 1, typed(7, 1))
		f.want()
		began := time.Now()
		f.stop()
		<-f.ended
		if took := time.Since(began); took > 0 {
			t.Errorf("the drain took %s", took)
		}
		f.mu.Lock()
		if len(f.outs) == 0 || f.outs[0] != "a: all Update" {
			t.Errorf("delivered %q, want the update first", f.outs)
		}
		f.mu.Unlock()
		f.wantStored("a", typed(7, 0), typed(7, 1))
	})
}

// A room that is closed in a pause refuses at once.
func TestCloseInAPause(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.crowd("a", 50)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		gate.Release <- errFault
		if n := len(f.closed()); n != 50 {
			t.Fatalf("%d connections were closed, want 50", n)
		}
		f.clearOuts()
		f.join("a", 51)
		f.want("a: 51 Close 1013")
		f.store.Set(nil, faulty.Append)
		f.rest()
	})
}

// A layer can say how many connections are few, and how long pauses are.
func TestPausesOfLayer(t *testing.T) {
	for _, test := range []struct {
		few, wantFew   int
		pace, wantPace time.Duration
	}{{0, 4, 0, time.Second}, {8, 8, time.Minute, time.Minute}} {
		w := New(Config{
			Layer: costly{memlayer.New()}, Store: memstore.New(), Few: test.few,
			Room: func(string) Settings { return Settings{Pace: test.pace} },
		})
		if few, pace := w.config.Few, w.settings("a").Pace; few != test.wantFew || pace != test.wantPace {
			t.Errorf("with Few %d and a pace of %v, %d connections are few and the pace is %v, want %d and %v",
				test.few, test.pace, few, pace, test.wantFew, test.wantPace)
		}
	}
}

type costly struct{ *memlayer.Layer }

func (costly) Pauses() (few int, pace time.Duration) { return 4, time.Second }

// A pause in which nothing waits has no timer.
func TestTimerOfAPause(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.crowd("a", 50)
		timed := func() bool {
			synctest.Wait()
			a := f.find("a")
			return a.alarm != nil && a.alarm.at.Equal(a.pauseEnds)
		}
		f.write("a", 1, typed(7, 0))
		if timed() {
			t.Error("there is a timer for the end of a pause in which nothing waits")
		}
		f.write("a", 1, typed(7, 1))
		if !timed() {
			t.Error("there is no timer for the end of a pause in which an edit waits")
		}
	})
}
