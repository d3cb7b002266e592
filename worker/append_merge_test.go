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
