package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

// appendElsewhere appends an update as another worker does.
func (f *fixture) appendElsewhere(name string, update []byte) store.Position {
	f.t.Helper()
	p, err := f.store.Store.Append(context.Background(), name, store.Entry{Encoding: store.V1, Data: update})
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// Two workers that hold the same room on one store, each with a layer of its own, find
// each other's updates. No connection has to reconnect, and each receives broadcasts
// without a gap.
func TestTwoWorkersOnOneStoreMeet(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { twoWorkers(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func twoWorkers(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	s := memstore.New()
	type side struct {
		*fixture

		front  *recorder
		client *client
		clock  uint64
	}
	sides := make([]*side, 2)
	for i := range sides {
		f := start(t, Config{Store: s, Room: func(string) Settings { return Settings{AutosaveDelay: time.Second} }})
		synctest.Wait()
		sides[i] = &side{fixture: f, front: attach(t, f.config.Layer), client: newClient(1)}
		f.store.Set(faulty.Delay(time.Duration(1+rnd.IntN(20))*time.Millisecond), faulty.Append)
	}
	for _, side := range sides {
		side.front.join("a", 1)
		side.front.send("a", message(1, protocol.SyncStep1, []byte{0}))
		side.client.apply(t, side.front.take())
	}
	var all [][]byte
	write := func(i int) {
		side := sides[i]
		u := typed(uint64(7+i), side.clock)
		side.clock++
		all = append(all, u)
		if _, err := side.client.doc.Apply(slices.Clone(u), blocks.V1); err != nil {
			t.Fatal(err)
		}
		side.front.send("a", message(1, protocol.Update, slices.Clone(u)))
	}
	for range 100 {
		write(rnd.IntN(2))
		time.Sleep(time.Duration(rnd.IntN(30)) * time.Millisecond)
	}
	for _, i := range []int{0, 1, 0} { // the next append of a worker makes it load what the other has stored
		time.Sleep(time.Second)
		write(i)
	}
	time.Sleep(time.Second)
	for i, side := range sides {
		side.client.apply(t, side.front.take())
		side.client.want(t, all[:len(all)-i]...) // the second worker has appended nothing after the last update
		side.wantStored("a", all...)
		if log := side.logged(); log != "" {
			t.Errorf("worker %d logged: %s", i, log)
		}
	}
	for _, side := range sides {
		side.stop()
		if err := <-side.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		side.front.Close()
		side.fixture.front.Close()
	}
}

// What another worker has stored is broadcast after the broadcasts of earlier turns,
// because its Mark is later.
func TestMergedEntriesFollowWhatWaits(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		front, c := attach(t, f.config.Layer), newClient(1)
		front.join("a", 1)
		front.send("a", message(1, protocol.SyncStep1, []byte{0}))
		c.apply(t, front.take())
		f.appendElsewhere("a", typed(9, 0))
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		front.send("a", message(1, protocol.Update, typed(7, 0)))
		synctest.Wait()
		front.send("a", message(1, protocol.Update, typed(7, 1)))
		synctest.Wait()
		gate.Release <- nil
		c.apply(t, front.want("a: all Update"))
		c.want(t, typed(7, 0))
		gate.Release <- nil
		c.apply(t, front.want("a: all Update", "a: all Update"))
		c.want(t, typed(7, 0), typed(7, 1), typed(9, 0))
		f.wantStored("a", typed(7, 0), typed(7, 1), typed(9, 0))
		if n := f.calls(faulty.Append); n != 2 {
			t.Errorf("%d appends, want none of what another worker has stored", n)
		}
		front.Close()
	})
}

// The snapshot of another worker is loaded like its updates.
func TestMergeOfASnapshot(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 1)
		f.appendElsewhere("a", typed(9, 0))
		log, err := f.store.Store.Load(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		merged, err := blocks.Merge(blocks.V1, typed(7, 0), typed(9, 0))
		if err == nil {
			err = f.store.Compact(t.Context(), "a", log, store.Entry{Encoding: store.V1, Data: merged})
		}
		if err != nil {
			t.Fatal(err)
		}
		f.write("a", 1, typed(7, 1))
		f.want("a: all Update", "a: all Update")
		f.query("a", event.Mark{}).wantDocument(typed(7, 0), typed(7, 1), typed(9, 0))
		loads := f.calls(faulty.LoadAfter)
		f.types("a", 2, 5)
		if f.calls(faulty.LoadAfter) != loads {
			t.Error("the log is loaded again, although there is nothing to merge")
		}
	})
}

func TestEntriesToMergeThatCanNotBeLoaded(t *testing.T) {
	for name, fault := range map[string]faulty.Fault{
		"error":  faulty.Fail(errFault),
		"panic":  func(context.Context, string) error { panic("loading") },
		"damage": nil,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				f.pair("a")
				f.types("a", 0, 1)
				code := "1013"
				switch name {
				case "damage":
					f.appendElsewhere("a", []byte{1})
				case "panic":
					code = "1011"
					fallthrough
				default:
					f.appendElsewhere("a", typed(9, 0))
					f.store.Set(fault, faulty.LoadAfter)
				}
				f.write("a", 1, typed(7, 1))
				f.want("a: all Update", "a: 1 Close "+code, "a: 2 Close "+code) // it is stored
				if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") {
					t.Errorf("logged: %s", log)
				}
				f.store.Set(nil, faulty.LoadAfter)
				f.rest()
				if name != "damage" {
					f.pair("a")
					f.query("a", event.Mark{}).wantDocument(typed(7, 0), typed(7, 1), typed(9, 0))
				}
			})
		})
	}
}

// A room that was deleted and created again has another document.
func TestRoomThatWasCreatedAgainElsewhere(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 1)
		if err := f.store.Store.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.store.Store.Create(t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(9, 0)}); err != nil {
			t.Fatal(err)
		}
		f.write("a", 1, typed(7, 1))
		f.want("a: all Update", "a: 1 Close 4404", "a: 2 Close 4404")
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestStoreWithoutAnOrderOfPositions(t *testing.T) {
	for name, prepare := range map[string]func(f *fixture){
		"LoadAfter is unsupported": func(f *fixture) {
			f.store.Set(faulty.Fail(fmt.Errorf("wrapped: %w", errors.ErrUnsupported)), faulty.LoadAfter)
		},
		"positions are unknown": func(f *fixture) { f.store.Set(faulty.NoPosition, faulty.Append) },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				prepare(f)
				f.pair("a")
				f.types("a", 0, 2)
				f.appendElsewhere("a", typed(9, 0))
				f.types("a", 2, 10)
				if n := f.calls(faulty.LoadAfter); n > 1 {
					t.Errorf("LoadAfter was called %d times", n)
				}
				if log := f.logged(); log != "" {
					t.Errorf("logged: %s", log)
				}
			})
		})
	}
}

// runShared runs a worker whose rooms can move.
func runShared(t *testing.T, test func(f *fixture, l *frontLayer)) {
	t.Helper()
	runWithConfig(t, Config{Takeover: 5 * time.Second}, test)
}

// after lets d pass, and fails the test unless exactly these outputs are delivered
// meanwhile and LoadAfter was called so many times in total.
func (f *fixture) after(d time.Duration, checks int, want ...string) {
	f.t.Helper()
	time.Sleep(d)
	f.want(want...)
	if n := f.calls(faulty.LoadAfter); n != checks {
		f.t.Errorf("LoadAfter was called %d times, want %d", n, checks)
	}
}

// A room that was loaded is checked once when a former owner must have ended.
func TestCheckAfterTakeover(t *testing.T) {
	runShared(t, func(f *fixture, _ *frontLayer) {
		f.pair("a")
		f.appendElsewhere("a", typed(9, 0)) // the first entry of the log
		f.after(4*time.Second, 0)
		f.after(time.Second, 1, "a: all Update")
		f.query("a", event.Mark{}).wantDocument(typed(9, 0))
		f.types("a", 0, 3)
		f.appendElsewhere("a", typed(9, 1)) // nothing shows that another worker runs the room
		f.after(time.Hour, 1)
		f.wantStored("a", typed(9, 0), typed(9, 1), typed(7, 0), typed(7, 1), typed(7, 2))
		if n := f.calls(faulty.Append); n != 3 {
			t.Errorf("%d appends, want none of what another worker has stored", n)
		}
	})
}

// Connections that join again show that another worker may have run the room.
// However many they are, they cause few checks.
func TestChecksAfterRejoins(t *testing.T) {
	runShared(t, func(f *fixture, _ *frontLayer) {
		f.pair("a")
		f.after(10*time.Second, 1)
		f.appendElsewhere("a", typed(9, 0))
		f.rejoin("a", 1)
		f.after(0, 2, "a: 1 SyncStep1", "a: 1 SyncStep2", "a: all Update")
		for range 1000 {
			f.rejoin("a", 1, 2)
			time.Sleep(2 * time.Millisecond)
		}
		synctest.Wait()
		f.outs = nil
		f.appendElsewhere("a", typed(9, 1))
		f.rejoin("a", 1)
		f.after(time.Second, 5, "a: 1 SyncStep1", "a: 1 SyncStep2", "a: all Update") // one a second
		f.appendElsewhere("a", typed(9, 2))
		f.after(5*time.Second, 6, "a: all Update")
		f.after(time.Hour, 6)
	})
}

// After a loss, the front may have used another worker, for any room.
func TestChecksAfterALoss(t *testing.T) {
	runShared(t, func(f *fixture, l *frontLayer) {
		other := attach(t, l)
		other.join("a", 1)
		other.want("a: 1 SyncStep1")
		f.pair("b")
		f.after(10*time.Second, 2)
		f.appendElsewhere("a", typed(9, 0))
		l.handler.Lost(l.last)
		f.after(0, 4, "b: 1 Rejoin", "b: 2 Rejoin")
		other.want("a: all Update")
		f.leave("b", 1)
		f.leave("b", 2)
		other.Close()
	})
}

// A room that moves back before its log is compacted was at another worker meanwhile.
func TestCheckOfAMovedRoomThatReturns(t *testing.T) {
	runShared(t, func(f *fixture, l *frontLayer) {
		f.pair("a")
		f.types("a", 0, 10)
		f.after(10*time.Second, 1)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		l.handler.Moved(func(string) bool { return true })
		f.want("a: 1 Rejoin", "a: 2 Rejoin")
		f.appendElsewhere("a", typed(9, 0))
		f.join("a", 3)
		f.after(0, 2, "a: 3 SyncStep1", "a: all Update")
		f.store.Set(nil, faulty.Load)
		gate.Release <- nil
	})
}

// A worker that was suspended appends the updates that waited after another worker has
// taken over its room. In the end, both have all updates.
func TestSuspendedWorkerThatReturns(t *testing.T) {
	runShared(t, func(old *fixture, l *frontLayer) {
		old.pair("a")
		old.types("a", 0, 2)
		old.after(10*time.Second, 1)
		gate := faulty.NewGate()
		old.store.Set(gate.Wait, faulty.Append)
		old.write("a", 1, typed(7, 2)) // it is suspended in this append
		synctest.Wait()

		owner := start(old.t, Config{Store: old.store.Store, Takeover: 5 * time.Second})
		synctest.Wait()
		owner.rejoin("a", 1, 2)
		owner.want("a: 1 SyncStep1", "a: 1 SyncStep2", "a: 2 SyncStep1", "a: 2 SyncStep2")
		owner.write("a", 2, typed(8, 0))
		owner.want("a: all Update")
		owner.after(20*time.Second, 2) // soon, and after Takeover

		gate.Release <- nil
		old.store.Set(nil, faulty.Append)
		old.after(0, 2, "a: all Update", "a: all Update")
		l.handler.Lost(l.last)
		old.want("a: 1 Rejoin", "a: 2 Rejoin")
		old.query("a", event.Mark{}).wantDocument(typed(7, 0), typed(7, 1), typed(7, 2), typed(8, 0))
		// The consumer answers at the worker where its connections are.
		owner.rejoin("a", 1)
		owner.after(0, 3, "a: 1 SyncStep1", "a: 1 SyncStep2", "a: all Update")
		owner.query("a", event.Mark{}).wantDocument(typed(7, 0), typed(7, 1), typed(7, 2), typed(8, 0))
		owner.stop()
		if err := <-owner.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		owner.front.Close()
	})
}

func TestCheckOfARoomThatWasDeletedElsewhere(t *testing.T) {
	for name, again := range map[string]bool{"deleted": false, "created again": true} {
		t.Run(name, func(t *testing.T) {
			runShared(t, func(f *fixture, _ *frontLayer) {
				f.pair("a")
				f.types("a", 0, 2)
				if err := f.store.Store.Delete(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
				if again {
					if _, err := f.store.Store.Create(t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(9, 0)}); err != nil {
						t.Fatal(err)
					}
				}
				f.after(5*time.Second, 1, "a: 1 Close 4404", "a: 2 Close 4404")
				if log := f.logged(); log != "" {
					t.Errorf("logged: %s", log)
				}
				f.rest()
				if again {
					f.query("a", event.Mark{}).wantDocument(typed(9, 0))
				}
			})
		})
	}
}

// A create that succeeds shows that another worker has deleted the open room, which then
// holds a document that doesn't exist any more.
func TestCreateOfARoomThatWasDeletedElsewhere(t *testing.T) {
	runShared(t, func(f *fixture, _ *frontLayer) {
		f.pair("a")
		f.types("a", 0, 2)
		if err := f.store.Store.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		f.request("a", event.Request{Kind: event.RequestCreate, Update: typed(8, 0)}).response()
		f.want("a: 1 Close 4404", "a: 2 Close 4404")
		f.query("a", event.Mark{}).wantDocument(typed(8, 0))
		f.join("a", 3)
		f.write("a", 3, typed(8, 1))
		f.want("a: 3 SyncStep1", "a: all Update")
		f.wantStored("a", typed(8, 0), typed(8, 1))
	})
}

// A compaction that conflicts shows that another worker has compacted the log.
func TestCheckAfterACompactionThatConflicts(t *testing.T) {
	runShared(t, func(f *fixture, _ *frontLayer) {
		f.pair("a")
		f.types("a", 0, worthEntries+1)
		f.after(10*time.Second, 1)
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Compact)
		time.Sleep(time.Minute)
		synctest.Wait()
		log, err := f.store.Store.Load(t.Context(), "a")
		if err == nil {
			f.appendElsewhere("a", typed(9, 0))
			err = f.store.Store.Compact(t.Context(), "a", log, store.Entry{Encoding: store.V1, Data: storedDocument(t, f.store.Store, "a").Encode(blocks.V1)})
		}
		if err != nil {
			t.Fatal(err)
		}
		f.store.Set(nil, faulty.Compact)
		gate.Release <- nil
		f.after(0, 2, "a: all Update")
	})
}

// If a document is deleted while a check loads it, the loaded entries are not added to
// the document that takes its place.
func TestCheckOfARoomThatIsCreatedAgain(t *testing.T) {
	reads := &lateReads{Store: memstore.New()}
	runWithConfig(t, Config{Store: reads, Takeover: 5 * time.Second}, func(f *fixture, _ *frontLayer) {
		reads.release = make(chan struct{})
		f.pair("a")
		f.types("a", 0, 2)
		f.appendElsewhere("a", typed(9, 0))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		f.request("a", event.Request{Kind: event.RequestDelete}).response()
		f.request("a", event.Request{Kind: event.RequestCreate, Update: typed(8, 0)}).response()
		f.want("a: 1 Close 4404", "a: 2 Close 4404")
		close(reads.release)
		f.query("a", event.Mark{}).wantDocument(typed(8, 0))
	})
}

// lateReads is a store whose LoadAfter returns what it has read once the test lets it.
type lateReads struct {
	store.Store

	release chan struct{}
}

func (s *lateReads) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	log, err := s.Store.LoadAfter(ctx, room, after)
	<-s.release
	return log, err
}

// A check runs while the room takes inputs and stores updates. It is not repeated for
// each append, and broadcasts stay in order.
func TestCheckDuringAppends(t *testing.T) {
	runShared(t, func(f *fixture, l *frontLayer) {
		front, c := attach(t, l), newClient(1)
		front.join("a", 1)
		front.send("a", message(1, protocol.SyncStep1, []byte{0}))
		c.apply(t, front.take())
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.LoadAfter)
		all := [][]byte{typed(9, 0)}
		f.appendElsewhere("a", typed(9, 0))
		for clock := range uint64(5) {
			all = append(all, typed(7, clock))
			front.send("a", message(1, protocol.Update, typed(7, clock)))
			c.apply(t, front.want("a: all Update"))
		}
		if n := f.calls(faulty.LoadAfter); n != 1 {
			t.Errorf("%d checks at once", n)
		}
		gate.Release <- nil
		c.apply(t, front.want("a: all Update"))
		c.want(t, all...)
		gate.Release <- nil // the appends that followed the first one
		f.after(0, 2)
		front.Close()
	})
}

// A check that fails is tried again, and the room stays open. A store that has no order
// of positions is not asked again.
func TestCheckThatFails(t *testing.T) {
	runShared(t, func(f *fixture, _ *frontLayer) {
		f.pair("a")
		f.appendElsewhere("a", typed(9, 0))
		f.store.Set(faulty.Fail(errFault), faulty.LoadAfter)
		f.after(15*time.Second, 3)
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") {
			t.Errorf("logged: %s", log)
		}
		f.store.Set(nil, faulty.LoadAfter)
		f.after(5*time.Second, 4, "a: all Update")
		f.after(time.Hour, 4)

		f.store.Set(faulty.Fail(store.ErrCorrupt), faulty.LoadAfter)
		f.rejoin("a", 1)
		f.after(0, 5, "a: 1 SyncStep1", "a: 1 SyncStep2", "a: 1 Close 1013", "a: 2 Close 1013")
		f.logged()

		f.store.Set(faulty.Fail(errors.ErrUnsupported), faulty.LoadAfter)
		f.rest()
		f.pair("a")
		f.after(time.Hour, 6)
		f.rejoin("a", 1)
		f.after(time.Hour, 6, "a: 1 SyncStep1", "a: 1 SyncStep2")
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

// A worker that ends waits for a check, at most as long as for an append.
func TestDrainDuringACheck(t *testing.T) {
	runShared(t, func(f *fixture, _ *frontLayer) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.LoadAfter)
		time.Sleep(5 * time.Second)
		<-gate.Reached
		f.stop()
		f.want("a: 1 Rejoin", "a: 2 Rejoin")
		if err := <-f.ended; !errors.Is(err, ErrDrainTimeout) {
			t.Errorf("Run: %v", err)
		}
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

// If rooms can't move, no other worker is suspected, and rooms are not checked.
func TestRoomsThatCanNotMoveAreNotChecked(t *testing.T) {
	runWithLosses(t, Settings{}, func(f *fixture, l *frontLayer) {
		f.pair("a")
		f.rejoin("a", 1)
		l.handler.Lost(l.last)
		f.after(time.Hour, 0, "a: 1 Rejoin", "a: 2 Rejoin", "a: 1 SyncStep1", "a: 1 SyncStep2")
	})
}
