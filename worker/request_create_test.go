package worker

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

// writes are the methods of a store that change a room.
var writes = []faulty.Op{faulty.Append, faulty.Create, faulty.Delete}

func TestApplyOpensARoomForAWhile(t *testing.T) {
	run(t, Settings{RemoveDelay: 10 * time.Second}, func(f *fixture) {
		f.apply("a", typed(7, 0)).response()
		f.wantStored("a", typed(7, 0))
		time.Sleep(9 * time.Second)
		f.apply("a", typed(7, 1)).response() // the room is in use
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if loads := f.calls(faulty.Load); loads != 1 || len(f.inMemory()) != 1 {
			t.Errorf("%d loads, rooms %q", loads, f.inMemory())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(f.inMemory()) > 0 {
			t.Errorf("rooms %q are still open", f.inMemory())
		}
		f.query("a", event.Mark{}).wantDocument(typed(7, 0), typed(7, 1))
		f.want()
	})
}

func TestApplyIsDurableBeforeItIsAnswered(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, writes...)
		first := f.apply("a", typed(7, 0))
		first.waits()
		f.want()
		second := f.apply("a", typed(7, 0)) // the update adds nothing, but its content is not durable yet
		second.waits()
		gate.Release <- nil
		first.response()
		second.response()
		f.want("a: all Update")

		third := f.apply("a", typed(7, 1))
		third.waits()
		gate.Release <- errFault
		third.wantClosed(protocol.CloseTryLater)
		f.want("a: 1 Close 1013", "a: 2 Close 1013")
		f.apply("a", typed(7, 1)).wantClosed(protocol.CloseTryLater) // it is closed
		f.store.Set(nil, writes...)
		f.rest()
		f.apply("a", typed(7, 1)).response()
		f.wantStored("a", typed(7, 0), typed(7, 1))
		f.logged()
	})
}

func TestApplyThatIsRefusedChangesNothing(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.apply("a", []byte{1}).refused(event.CauseMalformed)
		f.request("a", event.Request{Kind: event.RequestApply, Update: typed(7, 0), Client: 7, Clock: 1}).refused(event.CauseStale)
		f.want()
		if f.calls(faulty.Append) > 0 {
			t.Errorf("%d appends", f.calls(faulty.Append))
		}
	})
}

func TestCreateRooms(t *testing.T) {
	seed := typed(7, 0)
	t.Run("that do not exist", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.create("a", seed).response()
			f.wantStored("a", seed)
			f.create("a", typed(8, 0)).refused(event.CauseExists)
			f.join("a", 1)
			f.send("a", message(1, protocol.SyncStep1, []byte{0}))
			f.want("a: 1 SyncStep1", "a: 1 SyncStep2")
			f.wantStored("a", seed)
		})
	})
	t.Run("that are open", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.pair("a")
			gate := faulty.NewGate()
			f.store.Set(gate.Wait, writes...)
			first, second := f.create("a", seed), f.create("a", typed(8, 0))
			first.waits()
			f.want()
			f.write("a", 1, typed(9, 0)) // waits for the create
			f.want()
			gate.Release <- nil
			first.waits() // once for the update before the create
			gate.Release <- nil
			second.refused(event.CauseExists)
			f.want()
			gate.Release <- nil
			first.response()
			f.want("a: all Update", "a: all Update")
			f.wantStored("a", seed, typed(9, 0))
			f.query("a", event.Mark{}).wantDocument(seed, typed(9, 0))
		})
	})
	t.Run("that a connection joins meanwhile", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.pair("a")
			gate := faulty.NewGate()
			f.store.Set(gate.Wait, writes...)
			made := f.create("a", seed)
			made.waits()
			f.join("a", 3)
			f.send("a", message(3, protocol.SyncStep1, []byte{0}))
			f.want()
			gate.Release <- nil
			made.response()
			f.want("a: 3 SyncStep1", "a: 3 SyncStep2", "a: all Update") // of the empty room, and then with the content
		})
	})
	t.Run("that are written to meanwhile", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.pair("a")
			gate := faulty.NewGate()
			f.store.Set(gate.Wait, writes...)
			f.write("a", 1, typed(9, 0))
			synctest.Wait()
			f.write("a", 1, typed(9, 1))
			synctest.Wait()
			late := f.create("a", seed)
			late.waits()
			gate.Release <- nil
			late.waits()
			gate.Release <- nil
			late.refused(event.CauseExists)
			f.want("a: all Update", "a: all Update")
			f.wantStored("a", typed(9, 0), typed(9, 1))
		})
	})
	t.Run("that are stored", func(t *testing.T) {
		run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
			if _, err := f.store.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: seed}); err != nil {
				t.Fatal(err)
			}
			f.create("a", typed(8, 0)).refused(event.CauseExists)
			f.wantStored("a", seed)
		})
	})
	t.Run("that another worker has stored meanwhile", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.pair("a")
			if _, err := f.store.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: seed}); err != nil {
				t.Fatal(err)
			}
			f.create("a", typed(8, 0)).refused(event.CauseExists)
			f.want("a: 1 Close 1013", "a: 2 Close 1013")
			f.rest()
			f.join("a", 1)
			f.query("a", event.Mark{}).wantDocument(seed)
			if log := f.logged(); log != "" {
				t.Errorf("logged:\n%s", log)
			}
		})
	})
	t.Run("with an empty update", func(t *testing.T) {
		run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
			f.create("a", []byte{0, 0}).response()
			f.query("a", event.Mark{}).wantDocument()
			f.create("a", seed).refused(event.CauseExists)
			time.Sleep(time.Minute)
			f.query("a", event.Mark{}).wantDocument()
		})
	})
	t.Run("with a malformed update", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.pair("a")
			f.create("a", []byte{1}).refused(event.CauseMalformed)
			f.want()
			f.create("a", seed).response()
			f.want("a: all Update")
		})
	})
	t.Run("in a store that fails", func(t *testing.T) {
		run(t, Settings{}, func(f *fixture) {
			f.pair("a")
			f.store.Set(faulty.Fail(errFault), writes...)
			f.create("a", seed).wantClosed(protocol.CloseTryLater)
			f.want("a: 1 Close 1013", "a: 2 Close 1013") // the store may have the content, which the room lacks
			f.logged()
			f.store.Set(nil, writes...)
			f.create("a", seed).response() // although it is closed
			f.pair("a")
			f.query("a", event.Mark{}).wantDocument(seed)
		})
	})
}

// A store may support neither Create nor Delete.
func TestStoreWithoutCreateAndDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, Config{})
		f.store.Set(faulty.Fail(errors.ErrUnsupported), faulty.Create, faulty.Delete, faulty.List, faulty.LoadAfter)
		synctest.Wait()
		f.pair("a")
		f.create("a", typed(7, 0)).refused(event.CauseUnsupported)
		f.delete("a").refused(event.CauseUnsupported)
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		f.stop()
		<-f.ended
		f.front.Close()
	})
}

func TestDeleteARoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.delete("a").refused(event.CauseNotFound)
		f.query("a", event.Mark{}).refused(event.CauseNotFound) // the delete didn't create the room
		f.request("a", event.Request{Kind: event.RequestWatch}).refused(event.CauseNotFound)
		f.pair("a")
		f.delete("a").refused(event.CauseNotFound) // the room was never written to
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		watcher := f.request("a", event.Request{Kind: event.RequestWatch})
		watcher.wantDocument(typed(7, 0))
		f.apply("a", typed(7, 1)).response()
		if gained := watcher.response(); !bytes.Equal(gained.Update, typed(7, 1)) || gained.Whole {
			t.Errorf("the watcher got %+v", gained)
		}
		f.want("a: all Update")

		f.delete("a").response()
		f.want("a: 1 Close 4404", "a: 2 Close 4404")
		if watcher.closed != protocol.CloseDeleted {
			t.Errorf("the watcher was closed with %d", watcher.closed)
		}
		f.query("a", event.Mark{}).refused(event.CauseNotFound)
		f.apply("a", typed(7, 0)).refused(event.CauseNotFound)
		f.delete("a").refused(event.CauseNotFound)

		// Clients reconnect several times a second, each with its edits.
		before := f.calls(faulty.Load)
		for conn := range event.ConnID(100) {
			f.send("a", event.Input{Kind: event.InputJoin, Conn: 10 + conn, Access: event.AccessWrite})
			f.write("a", 10+conn, typed(7, 0))
			time.Sleep(50 * time.Millisecond)
		}
		if loads := f.calls(faulty.Load) - before; loads > 6 { // one each second
			t.Errorf("%d loads", loads)
		}
		if closed := f.closed(); len(closed) != 100 || closed[99] != "a: 109 Close 4404" {
			t.Errorf("closed %q", closed)
		}
		f.outs = nil
		if log := f.logged(); log != "" {
			t.Errorf("logged:\n%s", log)
		}

		f.create("a", typed(8, 0)).response()
		f.join("a", 3) // at once
		f.want("a: 3 SyncStep1")
		f.query("a", event.Mark{}).wantDocument(typed(8, 0))
		f.rest()
		f.want()
	})
}

// The outputs of an append that is in progress when a room is deleted are still
// delivered. Later updates are dropped.
func TestDeleteDuringAnAppend(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, writes...)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		deletion := f.delete("a")
		applied := f.apply("a", typed(7, 1))
		deletion.waits()
		gate.Release <- nil
		f.want("a: all Update")
		deletion.waits()
		f.write("a", 1, typed(7, 2))
		gate.Release <- nil
		deletion.response()
		applied.refused(event.CauseNotFound)
		f.want("a: 1 Close 4404", "a: 2 Close 4404")
		f.store.Set(nil, writes...)
		close(gate.Release)
		if n := f.calls(faulty.Append); n != 1 {
			t.Errorf("%d appends, want the one that was in progress", n)
		}
		f.create("a", typed(8, 0)).response()
		f.wantStored("a", typed(8, 0))
		if log := f.logged(); log != "" {
			t.Errorf("logged:\n%s", log)
		}
	})
}

// Another worker may have deleted the room, or created it again.
func TestDeletedElsewhere(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Hour}, func(f *fixture) {
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		if err := f.store.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		lost := f.apply("a", typed(7, 1))
		lost.refused(event.CauseNotFound)
		f.want("a: 1 Close 4404", "a: 2 Close 4404")
		f.rest()
		f.join("a", 3)
		f.want("a: 3 Close 4404")
		if _, err := f.store.Create(t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(8, 0)}); err != nil {
			t.Fatal(err)
		}
		f.rest()
		f.join("a", 3)
		f.want("a: 3 SyncStep1")
		if log := f.logged(); log != "" {
			t.Errorf("logged:\n%s", log)
		}
	})
}

func TestDeleteThatFails(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		f.store.Set(faulty.Fail(errFault), writes...)
		f.delete("a").wantClosed(protocol.CloseTryLater)
		f.store.Set(nil, writes...)
		f.write("a", 1, typed(7, 1))
		f.want("a: all Update")
		f.logged()
	})
}

// A room that can't be loaded can be deleted and created again.
func TestDeleteADamagedRoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		if _, err := f.store.Append(t.Context(), "a", store.Entry{Encoding: store.V1, Data: []byte{1}}); err != nil {
			t.Fatal(err)
		}
		f.query("a", event.Mark{}).wantClosed(protocol.CloseTryLater)
		f.create("a", typed(7, 0)).refused(event.CauseExists)
		f.join("a", 1)
		f.want("a: 1 Close 1013")
		f.delete("a").response()
		f.join("a", 1)
		f.want("a: 1 Close 4404")
		f.create("a", typed(7, 0)).response()
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		f.logged()
	})
}

// Creates and deletes that wait are carried out before the worker ends.
func TestDrainEndsChanges(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, writes...)
		created := f.create("a", typed(7, 0))
		other := f.create("a", typed(8, 0))
		created.waits()
		f.stop()
		synctest.Wait()
		gate.Release <- nil
		gate.Release <- nil
		created.response()
		other.refused(event.CauseExists)
		f.wantStored("a", typed(7, 0))
	})
}

func TestStoredRoomsAreReadAFewAtOnce(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		var running, most atomic.Int32
		f.store.Set(func(ctx context.Context, _ string) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return errors.Join(ctx.Err(), store.ErrNotFound)
		}, faulty.Load)
		all := make([]*request, 20)
		for i := range all {
			all[i] = f.query("a", event.Mark{})
		}
		time.Sleep(10 * time.Second)
		for _, q := range all {
			q.refused(event.CauseNotFound)
		}
		if most.Load() != readsAtOnce {
			t.Errorf("%d at once", most.Load())
		}
	})
}

// The number of requests that wait for a slow store is bounded.
func TestChangesThatWaitAreBounded(t *testing.T) {
	run(t, Settings{MailboxInputs: 3}, func(f *fixture) {
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, writes...)
		var all []*request
		for range 7 { // one is in progress, three wait for it, and three wait for a turn
			all = append(all, f.create("a", typed(7, 0)))
			synctest.Wait()
		}
		if err := f.trySend("a", event.Input{Kind: event.InputRequest, Conn: 1, Request: &event.Request{Kind: event.RequestCreate}}); !errors.Is(err, layer.ErrFull) {
			t.Errorf("Send returned %v", err)
		}
		for i, q := range all {
			gate.Release <- nil
			q.refused([]event.Cause{0, event.CauseExists}[min(i, 1)])
		}
	})
}

func TestReadsThatWaitAreBounded(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		sent := f.fill("a", 2*readsWaiting, nthQuery)
		if want := readsAtOnce + readsWaiting; sent != want {
			t.Errorf("%d reads were taken, want %d", sent, want)
		}
		close(gate.Release)
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.outs) != sent {
			t.Errorf("%d of %d queries were answered", len(f.outs), sent)
		}
	})
}
