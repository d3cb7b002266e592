package worker

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
)

func TestRemoveDelay(t *testing.T) {
	for _, tc := range []struct {
		name  string
		delay time.Duration
		want  time.Duration
	}{
		{"default", 0, 30 * time.Second},
		{"set", time.Minute, time.Minute},
		{"the shortest", 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run(t, Settings{RemoveDelay: tc.delay}, func(f *fixture) {
				open := func() bool {
					synctest.Wait()
					return len(f.all()) == 1
				}
				f.pair("a")
				f.leave("a", 1)
				time.Sleep(time.Hour)
				if !open() {
					t.Fatal("removed while a connection is in it")
				}
				f.leave("a", 2)
				time.Sleep(tc.want - 1)
				f.join("a", 3) // just in time
				time.Sleep(time.Hour)
				if !open() {
					t.Fatal("removed although a connection joined again")
				}
				f.leave("a", 3)
				time.Sleep(tc.want - 1)
				if !open() {
					t.Fatal("removed too early")
				}
				time.Sleep(time.Nanosecond)
				if open() {
					t.Fatal("not removed")
				}
				before := f.calls(faulty.Load)
				f.join("a", 4)
				if n := f.calls(faulty.Load); n != before+1 {
					t.Errorf("loaded %d times, want %d", n, before+1)
				}
			})
		})
	}
}

func TestEvictionWaitsForTheStore(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(f.all()) != 1 {
			t.Fatal("removed during an append")
		}
		gate.Release <- nil
		f.wantStored("a", typed(7, 0))
		if len(f.all()) != 0 {
			t.Fatal("not removed after the append")
		}
	})
}

func TestSilentAwarenessExpires(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.send("a", message(1, protocol.Awareness, testkit.Present(7, 1, "{}")))
		f.want("a: all Awareness")
		time.Sleep(20 * time.Second)
		f.send("a", message(1, protocol.Awareness, testkit.Present(7, 2, "{}"))) // a renewal
		f.want()
		time.Sleep(4 * time.Second)
		f.want("a: all Awareness")
		time.Sleep(25 * time.Second)
		f.want()
		time.Sleep(2 * time.Second)
		f.want("a: all Awareness")
		time.Sleep(time.Hour)
		f.want()
	})
}

func TestAnEarlierDeadlineIsKept(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Hour}, func(f *fixture) {
		f.join("a", 1)
		f.leave("a", 1) // an alarm in an hour
		f.want()
		f.pair("a")
		f.send("a", message(1, protocol.Awareness, testkit.Present(7, 1, "{}")))
		f.want("a: all Awareness")
		time.Sleep(31 * time.Second)
		f.want("a: all Awareness")
	})
}

// An eviction that falls due between two readings of the clock is not forgotten.
func TestEvictionThatFallsDueDuringATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var readings atomic.Int64
		f := start(t, Config{
			Room: func(string) Settings { return Settings{RemoveDelay: time.Second} },
			Runtime: Runtime{
				Go: func(f func()) { go f() },
				Now: func() time.Time { // each reading takes a second
					return time.Now().Add(time.Duration(readings.Add(1)) * time.Second)
				},
				AfterFunc: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
			},
		})
		synctest.Wait()
		f.join("a", 1)
		f.leave("a", 1)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(f.all()); n != 0 {
			t.Error("the room is never evicted")
		}
		f.stop()
		if err := <-f.ended; err != nil {
			t.Error(err)
		}
		f.front.Close()
	})
}
