package worker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
)

var errFull = errors.New("no space is left on the disk")

// suspended makes the appends of room a fail and the connection 1 write typed(7, 1), until
// the room is suspended. It has the connections 1 and 2, and typed(7, 0) is stored.
func (f *fixture) suspended() {
	f.t.Helper()
	f.pair("a")
	f.types("a", 0, 1)
	f.store.Set(faulty.Fail(errFull), faulty.Append)
	f.write("a", 1, typed(7, 1))
	afterPatience()
	f.want("a: 1 Rejoin", "a: 2 Rejoin")
	if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "could not be saved") || !strings.Contains(log, errFull.Error()) {
		f.t.Errorf("logged: %s", log)
	}
	f.rejoin("a", 1, 2)
	f.want("a: 1 SyncStep1", "a: 1 SyncStep2", "a: 2 SyncStep1", "a: 2 SyncStep2")
}

// TestSuspension checks that a room whose updates can't be stored closes only the
// connections that send updates, and continues once they can be stored.
func TestSuspension(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.suspended()
		f.send("a", message(1, protocol.SyncStep2, typed(7, 1)))
		f.want("a: 1 Close 1013")
		f.leave("a", 1)
		f.write("a", 2, []byte{0, 0}) // the client has nothing that is unsaved
		f.write("a", 2, typed(7, 0))  // and sends what is stored
		f.join("a", 3)                // a new one
		f.want("a: 3 SyncStep1")
		f.write("a", 3, []byte("\x00x")) // is malformed
		f.want("a: 3 Close 1007")
		if got := f.apply("a", typed(8, 0)).refused(event.CauseClosed); got.Refusal.Code != protocol.CloseTryLater {
			t.Errorf("an apply is answered with %+v", got.Refusal)
		}
		f.query("a", event.Mark{}).wantDocument(typed(7, 0))
		attempts := f.calls(faulty.Append)
		time.Sleep(10 * suspendedPause)
		if n := f.calls(faulty.Append) - attempts; n < 9 || n > 10 {
			t.Errorf("%d attempts in %v", n, 10*suspendedPause)
		}
		f.want()
		f.store.Set(nil, faulty.Append)
		time.Sleep(suspendedPause)
		f.want("a: all Update")
		f.wantStored("a", typed(7, 0), typed(7, 1))
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "can be saved again") {
			t.Errorf("logged: %s", log)
		}
		f.write("a", 2, typed(7, 2))
		f.want("a: all Update")
		f.wantStored("a", typed(7, 0), typed(7, 1), typed(7, 2))
	})
}

// TestReadersOfAFullDisk checks that readers are let in while a client retries to write.
func TestReadersOfAFullDisk(t *testing.T) {
	const looks = 200
	run(t, Settings{}, func(f *fixture) {
		f.suspended()
		f.leave("a", 1)
		refused, served := 0, 0
		for i := range event.ConnID(looks) {
			writer, reader := 100+2*i, 101+2*i
			f.join("a", writer)
			f.write("a", writer, typed(7, 1))
			f.send("a", event.Input{Kind: event.InputJoin, Conn: reader})
			f.send("a", message(reader, protocol.SyncStep1, []byte{0}))
			synctest.Wait()
			f.mu.Lock()
			if slices.Contains(f.outs, fmt.Sprintf("a: %d Close 1013", writer)) {
				refused++
			}
			if slices.Contains(f.outs, fmt.Sprintf("a: %d SyncStep2", reader)) {
				served++
			}
			f.outs = nil
			f.mu.Unlock()
			f.leave("a", writer)
			f.leave("a", reader)
			time.Sleep(300 * time.Millisecond)
		}
		if refused != looks || served != looks {
			t.Errorf("of %d looks, %d writers were refused and %d readers served", looks, refused, served)
		}
		if n := len(f.receivers("a")); n != 1 {
			t.Errorf("%d receivers are left, want the connection that was there before", n)
		}
	})
}

func (f *fixture) receivers(name string) []event.ConnID {
	synctest.Wait()
	return f.find(name).receivers.all()
}

// TestManySuspensions checks that rooms are suspended at once while the store is known to
// fail, and that appends are repeated again once it works.
func TestManySuspensions(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Millisecond}, func(f *fixture) {
		f.suspended()
		f.pair("b")
		f.write("b", 1, typed(7, 0))
		f.want("b: 1 Rejoin", "b: 2 Rejoin")
		time.Sleep(time.Second)
		f.rejoin("b", 2)
		f.want("b: 2 SyncStep1", "b: 2 SyncStep2")
		f.store.Set(nil, faulty.Append)
		time.Sleep(suspendedPause)
		f.want("a: all Update", "b: all Update")
		f.store.Set(faulty.Fail(errFull), faulty.Append)
		f.write("a", 2, typed(8, 0))
		f.want()
		f.store.Set(nil, faulty.Append)
		time.Sleep(patience)
		f.want("a: all Update")
		f.logged()
	})
}

// TestSuspensionEnds checks that a suspended room is evicted and deleted, that its worker
// ends at once, and that it is closed if it can't be loaded either.
func TestSuspensionEnds(t *testing.T) {
	t.Run("by eviction", func(t *testing.T) {
		run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
			f.suspended()
			f.leave("a", 1)
			f.leave("a", 2)
			time.Sleep(2 * time.Second)
			if open := f.inMemory(); len(open) > 0 {
				t.Errorf("%v are in memory", open)
			}
			f.wantStored("a", typed(7, 0))
		})
	})
	t.Run("by a delete", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.suspended()
			f.delete("a").response()
			f.want("a: 1 Close 4404", "a: 2 Close 4404")
		})
	})
	t.Run("with the worker", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.suspended()
			begin := time.Now()
			f.stop()
			<-f.ended
			if took := time.Since(begin); took > 0 {
				t.Errorf("the worker has ended after %v", took)
			}
			f.want("a: 1 Rejoin", "a: 2 Rejoin")
		})
	})
	t.Run("by a load that fails", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.pair("a")
			f.store.Set(faulty.Fail(errFull))
			f.write("a", 1, typed(7, 0))
			afterPatience()
			afterPatience()
			f.want("a: 1 Close 1013", "a: 2 Close 1013")
			f.logged()
			f.store.Set(nil)
			f.rest()
			f.pair("a")
			f.write("a", 1, typed(7, 0))
			f.want("a: all Update")
		})
	})
}
