package worker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/store"
)

var errBrief = errors.New("the database restarts")

// afterPatience passes time until a call that fails is given up.
func afterPatience() {
	time.Sleep(patience + longestPause)
	synctest.Wait()
}

func TestAppendIsRepeated(t *testing.T) {
	for name, fault := range map[string]faulty.Fault{
		"that was not carried out": faulty.Fail(errBrief),
		"that was carried out":     faulty.FailAfter(errBrief),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				f.pair("a")
				f.store.Set(fault, faulty.Append)
				f.write("a", 1, typed(7, 0))
				synctest.Wait()
				f.write("a", 1, typed(7, 1))
				time.Sleep(2 * time.Second)
				f.want() // nothing is broadcast that isn't stored
				if n := f.calls(faulty.Append); n < 4 || n > 10 {
					t.Errorf("%d attempts in two seconds", n)
				}
				f.store.Set(nil, faulty.Append)
				time.Sleep(longestPause)
				f.want("a: all Update", "a: all Update")
				f.wantStored("a", typed(7, 0), typed(7, 1))
				if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, "works again") {
					t.Errorf("logged: %s", log)
				}
				f.write("a", 2, typed(8, 0))
				f.want("a: all Update")
			})
		})
	}
}

func TestAppendIsGivenUp(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.store.Set(faulty.Fail(errBrief), faulty.Append)
		f.write("a", 1, typed(7, 0))
		time.Sleep(patience - longestPause)
		f.want()
		afterPatience()
		f.want("a: 1 Rejoin", "a: 2 Rejoin") // see TestSuspension
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "could not be saved") {
			t.Errorf("logged: %s", log)
		}
		f.store.Set(nil, faulty.Append)
		f.rejoin("a", 1, 2)
		f.want("a: 1 SyncStep1", "a: 1 SyncStep2", "a: 2 SyncStep1", "a: 2 SyncStep2")
		time.Sleep(suspendedPause)
		f.want("a: all Update")
		// The next failure is repeated as long as the first.
		f.store.Set(faulty.Fail(errBrief), faulty.Append)
		f.write("a", 1, typed(7, 1))
		time.Sleep(patience - longestPause)
		f.store.Set(nil, faulty.Append)
		time.Sleep(longestPause)
		f.want("a: all Update")
		f.logged()
	})
}

// A store whose calls have a deadline returns the first failure only after that.
func TestSlowAppendIsRepeatedOnce(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.store.Set(func(context.Context, string) error {
			time.Sleep(2 * patience)
			return context.DeadlineExceeded
		}, faulty.Append)
		f.write("a", 1, typed(7, 0))
		time.Sleep(4*patience + firstPause)
		f.want("a: 1 Rejoin", "a: 2 Rejoin")
		if n := f.calls(faulty.Append); n != 2 {
			t.Errorf("%d attempts, want 2", n)
		}
		f.logged()
		f.store.Set(nil, faulty.Append)
	})
}

func TestLoadIsRepeated(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.store.Set(faulty.Fail(errBrief), faulty.Load)
		f.join("a", 1)
		f.write("a", 1, typed(7, 0))
		time.Sleep(2 * time.Second)
		f.want()
		f.store.Set(nil, faulty.Load)
		time.Sleep(longestPause)
		f.want("a: 1 SyncStep1", "a: all Update")
		f.logged()

		f.store.Set(faulty.Fail(errBrief), faulty.Load)
		f.join("b", 1)
		time.Sleep(patience - longestPause)
		f.want()
		afterPatience()
		f.want("b: 1 Close 1013")
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "could not be loaded") {
			t.Errorf("logged: %s", log)
		}
		f.store.Set(nil, faulty.Load)
	})
}

// A room that is known to lack entries is closed only if they can't be loaded for a while.
func TestCheckIsRepeated(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		elsewhere := func(update []byte) {
			t.Helper()
			if _, err := f.store.Store.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: update}); err != nil {
				t.Fatal(err)
			}
		}
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		elsewhere(typed(9, 0))
		f.store.Set(faulty.Fail(errBrief), faulty.LoadAfter)
		f.write("a", 1, typed(7, 1)) // its position shows that there is another entry
		time.Sleep(2 * time.Second)
		f.want("a: all Update")
		f.store.Set(nil, faulty.LoadAfter)
		time.Sleep(longestPause)
		f.want("a: all Update")
		f.logged()

		elsewhere(typed(9, 1))
		f.store.Set(faulty.Fail(errBrief), faulty.LoadAfter)
		f.write("a", 1, typed(7, 2))
		afterPatience()
		f.want("a: all Update", "a: 1 Close 1013", "a: 2 Close 1013")
		f.logged()
		f.store.Set(nil, faulty.LoadAfter)
	})
}

// A drain waits for an append that is repeated, as long as for any other.
func TestDrainWaitsForARepeatedAppend(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.store.Set(faulty.Fail(errBrief), faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.stop()
		time.Sleep(time.Second)
		f.want()
		f.store.Set(nil, faulty.Append)
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.want("a: all Update", "a: 1 Rejoin", "a: 2 Rejoin")
		f.wantStored("a", typed(7, 0))
		f.logged()
	})
}

// Each of these errors has a meaning of its own, and is not repeated.
func TestLastingErrors(t *testing.T) {
	for _, err := range []error{store.ErrDeleted, store.ErrInvalid, store.ErrLost, store.ErrCorrupt, store.ErrClosed} {
		t.Run(err.Error(), func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				f.pair("a")
				f.store.Set(faulty.Fail(err), faulty.Append)
				f.write("a", 1, typed(7, 0))
				code := "1013"
				if errors.Is(err, store.ErrDeleted) {
					code = "4404"
				}
				f.want("a: 1 Close "+code, "a: 2 Close "+code)
				if n := f.calls(faulty.Append); n != 1 {
					t.Errorf("%d attempts, want 1", n)
				}
				f.logged()
				f.send("a", event.Input{Kind: event.InputLeave, Conn: 1})
			})
		})
	}
}
