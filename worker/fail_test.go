package worker

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// panicAtBoom has each turn panic in which a message is "boom".
func (f *fixture) panicAtBoom() {
	f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
		for _, in := range ins {
			if string(in.Message.Data) == "boom" {
				panic("planted")
			}
		}
		return r.Step(now, ins)
	}
}

func TestPanicClosesThatRoomAlone(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.panicAtBoom()
		f.pair("a")
		f.pair("b")
		f.send("a", message(1, protocol.Update, []byte("boom")))
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		log := f.logged()
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, "panic: planted") || !strings.Contains(log, "fail_test.go") {
			t.Errorf("logged: %s", log)
		}
		f.write("b", 1, typed(7, 0))
		f.want("b: all Update")
		f.rest()
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
	})
}

// What a room had accepted before it failed is stored, and the room is not loaded
// again before that.
func TestPanicDuringAnAppend(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.panicAtBoom()
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.send("a", message(1, protocol.Update, []byte("boom")))
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		f.join("a", 4)
		f.want("a: 4 Close 1011")
		gate.Release <- nil
		f.want()
		f.join("a", 5)
		f.want("a: 5 Close 1011")
		if n := f.calls(faulty.Load); n != 1 {
			t.Fatalf("loaded %d times before the last append has ended", n)
		}
		gate.Release <- nil
		f.want()
		f.wantStored("a", typed(7, 0), typed(7, 1))
		f.rest()
		f.pair("a")
		f.write("a", 1, typed(7, 1))
		f.want() // the room that was loaded again has it
		f.logged()
	})
}

func TestPanicDuringAnAppendThatFails(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.panicAtBoom()
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.send("a", message(1, protocol.Update, []byte("boom")))
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		gate.Release <- errFault
		f.want()
		if log := f.logged(); strings.Count(log, "\n") != 2 || !strings.Contains(log, "could not be saved") {
			t.Errorf("logged: %s", log)
		}
		f.store.Set(nil, faulty.Append)
		f.rest()
		f.pair("a")
	})
}

// brokenLog panics at the first record.
type brokenLog struct {
	slog.Handler

	panicked bool
}

func (h *brokenLog) Handle(ctx context.Context, r slog.Record) error {
	if !h.panicked {
		h.panicked = true
		panic("writing the log")
	}
	return h.Handler.Handle(ctx, r)
}

func TestPanicBesideTheTurn(t *testing.T) {
	fault := faulty.Fail(errFault)
	for name, begin := range map[string]func(*fixture){
		"after a load": func(f *fixture) {
			f.store.Set(fault, faulty.Load)
			f.join("a", 1)
		},
		"after an append": func(f *fixture) {
			f.store.Set(fault, faulty.Append)
			f.join("a", 1)
			f.want("a: 1 SyncStep1")
			f.write("a", 1, typed(7, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				f.config.Logger = slog.New(&brokenLog{Handler: f.config.Logger.Handler()})
				begin(f)
				f.want("a: 1 Close 1011")
				if log := f.logged(); !strings.Contains(log, "panic: writing the log") {
					t.Errorf("logged: %s", log)
				}
			})
		})
	}
}

// A room whose state a bug has corrupted panics in every method.
func TestSpoiledRoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
			effects := r.Step(now, ins)
			if ins[0].Kind == event.InputMessage {
				*r = room.Room{}
			}
			return effects
		}
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		f.logged()
	})
}

// Stock clients reconnect after a tenth of a second, independently of each other.
func TestRoomThatFailedStaysClosedForASecond(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.store.Set(faulty.Fail(errFault), faulty.Load)
		for round := range 3 {
			f.join("a", 1)
			f.want("a: 1 Close 1013")
			for range 9 {
				time.Sleep(closedFor / 10)
				f.join("a", 2)
				f.want("a: 2 Close 1013")
			}
			if n := f.calls(faulty.Load); n != round+1 {
				t.Errorf("loaded %d times, want %d", n, round+1)
			}
			time.Sleep(closedFor / 10)
			synctest.Wait()
			if n := len(f.all()); n != 0 {
				t.Errorf("%d rooms are open", n)
			}
		}
		f.store.Set(nil, faulty.Load)
		f.pair("a")
		f.logged()
	})
}

// Deadlines from before the failure don't delay the eviction.
func TestRoomThatFailedIsLoadedAfterASecond(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		f.leave("a", 1)
		f.leave("a", 2) // to be evicted in half a minute
		synctest.Wait()
		gate.Release <- errFault
		f.store.Set(nil, faulty.Append)
		f.rest()
		f.pair("a")

		f.send("a", message(1, protocol.Awareness, testkit.Present(8, 1, "{}")))
		f.want("a: all Awareness")
		time.Sleep(30*time.Second - closedFor/2) // before the awareness expires
		f.store.Set(faulty.Fail(errFault), faulty.Append)
		f.write("a", 1, typed(7, 0))
		f.want("a: 1 Close 1013", "a: 2 Close 1013")
		f.rest()
		f.pair("a")
		f.logged()
	})
}

func TestRoomThatFailedDoesNotDelayTheDrain(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.store.Set(faulty.Fail(errFault), faulty.Load)
		f.join("a", 1)
		f.want("a: 1 Close 1013")
		begin := time.Now()
		f.stop()
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if passed := time.Since(begin); passed != 0 {
			t.Errorf("Run took %v", passed)
		}
		f.logged()
	})
}
