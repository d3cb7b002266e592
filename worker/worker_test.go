package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

var errFault = errors.New("the disk is on fire")

func TestTwoPeopleMeet(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		f.wantStored("a", typed(7, 0))
		f.send("a", message(2, protocol.SyncStep1, []byte{0}))
		f.want("a: 2 SyncStep2")
		f.send("a", message(2, protocol.Awareness, present(8, 1, "{}")))
		f.want("a: all Awareness")
		f.leave("a", 2)
		f.want("a: all Awareness")
		f.leave("a", 1)
		f.want()
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestOnlyAJoinOpensARoom(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		for _, kind := range []event.InputKind{event.InputMessage, event.InputLeave, event.InputResync} {
			f.send("a", event.Input{Kind: kind, Conn: 1})
		}
		f.want("a: 1 Rejoin", "a: 1 Rejoin") // the Leave needs no answer
		if n := f.opened(); n != 0 {
			t.Errorf("opened %d times", n)
		}
		f.join("a", 1)
		if n := f.opened(); n != 1 {
			t.Errorf("opened %d times", n)
		}
	})
}

func TestInputsWaitForTheLoad(t *testing.T) {
	run(t, Settings{MailboxInputs: 3}, func(f *fixture) {
		if _, err := f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(7, 0)}); err != nil {
			t.Fatal(err)
		}
		on, release := block()
		f.onLoad(on)
		f.join("a", 1, 2)
		f.send("a", message(1, protocol.SyncStep1, []byte{0}))
		f.want()
		if err := f.trySend("a", event.Input{Kind: event.InputJoin, Conn: 3}); !errors.Is(err, layer.ErrFull) {
			t.Errorf("Send to a full room: %v", err)
		}
		f.leave("a", 2) // is always taken
		release <- nil
		f.want("a: 1 SyncStep1", "a: 1 SyncStep2")
		f.write("a", 1, typed(7, 0)) // is there already
		f.want()
		f.wantStored("a", typed(7, 0))
	})
}

func TestLoadThatFails(t *testing.T) {
	damaged := func(f *fixture) {
		if _, err := f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: []byte{1, 1, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name    string
		prepare func(*fixture)
		close   string
		log     string
	}{
		{"store", func(f *fixture) {
			f.onLoad(func(context.Context, string) error { return errFault })
		}, "1013", "could not be loaded"},
		{"damage", damaged, "1013", "could not be loaded"},
		{"panic", func(f *fixture) {
			f.onLoad(func(context.Context, string) error { panic("loading") })
		}, "1011", "panic: loading"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				tc.prepare(f)
				f.join("a", 1, 2)
				f.want("a: 1 Close "+tc.close, "a: 2 Close "+tc.close)
				if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, tc.log) {
					t.Errorf("logged: %s", log)
				}
				f.write("a", 1, typed(7, 0))
				f.want()
				if n := f.appends(); n != 0 {
					t.Errorf("%d appends to a room that could not be loaded", n)
				}
				f.onLoad(nil)
				f.rest()
				if tc.name != "damage" {
					f.pair("a")
				}
				f.logged()
			})
		})
	}
}

func TestNothingIsSeenBeforeItIsDurable(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		f.want()
		f.send("a", message(2, protocol.Awareness, present(8, 1, "{}")))
		f.want("a: all Awareness") // does not wait
		f.send("a", message(2, protocol.SyncStep1, []byte{0}))
		f.want() // behind the append under way
		f.write("a", 2, typed(8, 0))
		f.want()
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.join("a", 3)
		f.want("a: 3 Awareness")
		if n := f.appends(); n != 1 {
			t.Fatalf("%d appends at once", n)
		}
		release <- nil
		f.want("a: all Update", "a: 2 SyncStep2")
		f.wantStored("a", typed(7, 0))
		release <- nil
		f.want("a: all Update", "a: all Update", "a: 3 SyncStep1")
		f.wantStored("a", typed(7, 0), typed(7, 1), typed(8, 0))
		if n := f.appends(); n != 2 {
			t.Errorf("%d appends, want 2: what waits is merged", n)
		}
	})
}

func TestNothingIsDeliveredToWhoHasLeft(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		f.send("a", message(2, protocol.SyncStep1, []byte{0}))
		synctest.Wait()
		f.leave("a", 2)
		synctest.Wait()
		release <- nil
		f.want("a: all Update")
	})
}

func TestAppendThatFails(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.write("a", 1, typed(7, 0))
		f.want("a: all Update")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.write("a", 1, typed(7, 2)) // waits behind it and is dropped with it
		f.join("a", 3)
		synctest.Wait()
		release <- errFault
		f.want("a: 1 Close 1013", "a: 2 Close 1013", "a: 3 Close 1013")
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, "could not be saved") || !strings.Contains(log, errFault.Error()) {
			t.Errorf("logged: %s", log)
		}
		f.leave("a", 1)
		f.onAppend(nil)
		if n := f.appends(); n != 2 {
			t.Errorf("%d appends, want 2", n)
		}
		f.wantStored("a", typed(7, 0))

		f.rest()
		f.pair("a")
		if n := f.opened(); n != 2 {
			t.Errorf("loaded %d times, want 2", n)
		}
		f.write("a", 1, typed(7, 1)) // brought again
		f.want("a: all Update")
		f.wantStored("a", typed(7, 0), typed(7, 1))
	})
}

func TestPanicClosesThatRoomAlone(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
			for _, in := range ins {
				if string(in.Message.Data) == "boom" {
					panic("stepped on a mine")
				}
			}
			return r.Step(now, ins)
		}
		f.pair("a")
		f.pair("b")
		f.send("a", message(1, protocol.Update, []byte("boom")))
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		log := f.logged()
		if strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, "panic: stepped on a mine") || !strings.Contains(log, "worker_test.go") {
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

// What a room had taken before it failed is saved, and its next incarnation
// does not load before that.
func TestPanicDuringAnAppend(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
			if string(ins[0].Message.Data) == "boom" {
				panic("stepped on a mine")
			}
			return r.Step(now, ins)
		}
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.send("a", message(1, protocol.Update, []byte("boom")))
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		f.join("a", 4)
		f.want("a: 4 Close 1011")
		release <- nil
		f.want()
		f.join("a", 5)
		f.want("a: 5 Close 1011")
		if n := f.opened(); n != 1 {
			t.Fatalf("loaded %d times before the last append has ended", n)
		}
		release <- nil
		f.want()
		f.wantStored("a", typed(7, 0), typed(7, 1))
		f.rest()
		f.pair("a")
		f.write("a", 1, typed(7, 1))
		f.want() // the new incarnation knows it
		f.logged()
	})
}

func TestPanicDuringAnAppendThatFails(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
			if string(ins[0].Message.Data) == "boom" {
				panic("stepped on a mine")
			}
			return r.Step(now, ins)
		}
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.send("a", message(1, protocol.Update, []byte("boom")))
		f.want("a: 1 Close 1011", "a: 2 Close 1011")
		release <- errFault
		f.want()
		if log := f.logged(); strings.Count(log, "\n") != 2 || !strings.Contains(log, "could not be saved") {
			t.Errorf("logged: %s", log)
		}
		f.onAppend(nil)
		f.rest()
		f.pair("a")
	})
}

func TestRemoveDelay(t *testing.T) {
	for _, tc := range []struct {
		name  string
		delay time.Duration
		want  time.Duration
	}{
		{"default", 0, 30 * time.Second},
		{"set", time.Minute, time.Minute},
		{"as good as at once", 1, 1},
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
					t.Fatal("removed while somebody is in it")
				}
				f.leave("a", 2)
				time.Sleep(tc.want - 1)
				f.join("a", 3) // just in time
				time.Sleep(time.Hour)
				if !open() {
					t.Fatal("removed although somebody came back")
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
				before := f.opened()
				f.join("a", 4)
				if n := f.opened(); n != before+1 {
					t.Errorf("loaded %d times, want %d", n, before+1)
				}
			})
		})
	}
}

func TestRemovalWaitsForTheStore(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.leave("a", 1)
		f.leave("a", 2)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(f.all()) != 1 {
			t.Fatal("removed during an append")
		}
		release <- nil
		f.wantStored("a", typed(7, 0))
		if len(f.all()) != 0 {
			t.Fatal("not removed after the append")
		}
	})
}

func TestWhoIsSilentDisappears(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.send("a", message(1, protocol.Awareness, present(7, 1, "{}")))
		f.want("a: all Awareness")
		time.Sleep(20 * time.Second)
		f.send("a", message(1, protocol.Awareness, present(7, 2, "{}")))
		f.want("a: all Awareness")
		time.Sleep(29 * time.Second)
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
		f.send("a", message(1, protocol.Awareness, present(7, 1, "{}")))
		f.want("a: all Awareness")
		time.Sleep(31 * time.Second)
		f.want("a: all Awareness")
	})
}

func TestWhatWaitsForTheStoreIsBounded(t *testing.T) {
	run(t, Settings{MailboxInputs: 10, MailboxBytes: 100}, func(f *fixture) {
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		sent := 0
		for ; sent < 1000; sent++ {
			err := f.trySend("a", message(1, protocol.Update, typed(7, uint64(sent))))
			synctest.Wait()
			if errors.Is(err, layer.ErrFull) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if sent < 10 || sent > 30 {
			t.Errorf("%d updates were taken while the store does not answer", sent)
		}
		f.want()
		f.onAppend(nil)
		release <- nil
		var want [][]byte
		for i := range sent {
			want = append(want, typed(7, uint64(i)))
		}
		f.wantStored("a", want...)
		f.write("a", 1, typed(7, uint64(sent)))
		f.wantStored("a", append(want, typed(7, uint64(sent)))...)
	})
}

func TestAnswersThatWaitAreBounded(t *testing.T) {
	run(t, Settings{MailboxInputs: 10, MailboxBytes: 100}, func(f *fixture) {
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		asked := 0
		for ; asked < 1000; asked++ {
			err := f.trySend("a", event.Input{Kind: event.InputRequest, Conn: event.ConnID(1000 + asked), Request: &event.Request{Kind: event.RequestQuery}})
			synctest.Wait()
			if errors.Is(err, layer.ErrFull) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if asked < 10 || asked > 30 {
			t.Errorf("%d questions were taken while the store does not answer", asked)
		}
		f.want()
		release <- nil
		synctest.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		if answered := len(f.outs) - 1; answered != asked { // beside the update
			t.Errorf("%d of %d questions were answered", answered, asked)
		}
	})
}

func TestDrainSavesWhatWasTaken(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		f.pair("b")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		f.stop()
		synctest.Wait()
		if err := f.trySend("a", event.Input{Kind: event.InputJoin, Conn: 3}); !errors.Is(err, layer.ErrNoOwner) {
			t.Errorf("Send after the end: %v", err)
		}
		for range 2 {
			select {
			case err := <-f.ended:
				t.Fatalf("Run returned %v during an append", err)
			case release <- nil:
			}
			synctest.Wait()
		}
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.want("a: all Update", "a: all Update", "a: 1 Rejoin", "a: 2 Rejoin", "b: 1 Rejoin", "b: 2 Rejoin")
		f.wantStored("a", typed(7, 0), typed(7, 1))
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestDrainTakesTheMailbox(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.join("a", 1)
		f.want("a: 1 SyncStep1")
		on, release := block()
		f.onLoad(on)
		f.join("b", 1)
		f.write("b", 1, typed(8, 0)) // which is being loaded
		f.write("a", 1, typed(7, 0)) // whose turn may not have begun
		f.stop()
		synctest.Wait()
		release <- nil
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.want("a: all Update", "a: 1 Rejoin", "b: 1 SyncStep1", "b: all Update", "b: 1 Rejoin")
		f.wantStored("a", typed(7, 0))
		f.wantStored("b", typed(8, 0))
		if log := f.logged(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestDrainHasAnEnd(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		on, _ := block()
		f.onAppend(on)
		f.onLoad(on)
		f.write("a", 1, typed(7, 0))
		f.join("b", 1)
		synctest.Wait()
		begin := time.Now()
		f.stop()
		if err := <-f.ended; !errors.Is(err, ErrDrainTimeout) {
			t.Errorf("Run: %v, want ErrDrainTimeout", err)
		}
		if passed := time.Since(begin); passed != 10*time.Second {
			t.Errorf("Run returned after %v", passed)
		}
		f.want("a: 1 Close 1012", "a: 2 Close 1012", "b: 1 Close 1012")
		if log := f.logged(); !strings.Contains(log, "room=a") || !strings.Contains(log, "room=b") {
			t.Errorf("logged: %s", log)
		}
	})
}

// faultyLayer returns errors.
type faultyLayer struct {
	layer.Layer

	serve, close error
}

func (l *faultyLayer) Serve(h layer.BackHandler) (layer.Back, error) {
	if l.serve != nil {
		return nil, l.serve
	}
	back, err := l.Layer.Serve(h)
	return &faultyBack{Back: back, close: l.close}, err
}

// faultyBack calls a function of a test before it delivers, and returns an error
// from Close.
type faultyBack struct {
	layer.Back

	on    func(outs []layer.Output)
	close error
}

func (b *faultyBack) Deliver(outs []layer.Output) {
	if b.on != nil {
		b.on(outs)
	}
	b.Back.Deliver(outs)
}

func (b *faultyBack) Close() error { return errors.Join(b.Back.Close(), b.close) }

func TestLayerThatDoesNotServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, Config{Layer: &faultyLayer{Layer: memlayer.New(), serve: errFault}})
		if err := <-f.ended; !errors.Is(err, errFault) {
			t.Errorf("Run: %v, want the error of the layer", err)
		}
	})
}

func TestLayerThatDoesNotClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &faultyLayer{Layer: memlayer.New(), close: errFault}
		f := start(t, Config{Layer: l})
		synctest.Wait()
		front, err := l.Attach(layer.FrontHandler{Deliver: func([]layer.Output) {}, Lost: func(func(string) bool) {}})
		if err != nil {
			t.Fatal(err)
		}
		on, release := block()
		f.onLoad(on)
		if err := front.Send(layer.Input{Room: "a", Input: event.Input{Kind: event.InputJoin, Conn: 1}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.stop() // while the room is loaded
		release <- nil
		if err := <-f.ended; !errors.Is(err, errFault) || errors.Is(err, ErrDrainTimeout) {
			t.Errorf("Run: %v, want the error of the layer", err)
		}
		front.Close()
		f.front.Close()
	})
}

// The connections of a room whose outputs could not be delivered are closed, so
// that they reconnect and get what they lack.
func TestLayerThatPanics(t *testing.T) {
	for _, typ := range []protocol.Type{protocol.Awareness, protocol.Update} {
		t.Run(fmt.Sprint(typ), func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				b := &faultyBack{Back: f.back}
				f.back = b
				f.pair("a")
				f.pair("b")
				busy := make(chan struct{}) // with a turn, so that the next inputs are in one
				b.on = func([]layer.Output) { <-busy }
				f.send("a", message(2, protocol.Awareness, present(8, 1, "{}")))
				synctest.Wait()
				b.on = func(outs []layer.Output) {
					if outs[0].Room == "a" && outs[0].Message.Type == typ {
						panic("delivering")
					}
				}
				f.send("a", message(2, protocol.Awareness, present(8, 2, "{}")))
				f.write("a", 1, typed(7, 0))
				close(busy)
				synctest.Wait()
				f.write("b", 1, typed(7, 0))
				want := []string{"a: 1 Close 1011", "a: 2 Close 1011", "b: all Update"}
				if typ == protocol.Update {
					want = append([]string{"a: all Awareness"}, want...)
				}
				f.want(append([]string{"a: all Awareness"}, want...)...)
				if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, "panic: delivering") {
					t.Errorf("logged: %s", log)
				}
				f.wantStored("a", typed(7, 0)) // the room has accepted it
				b.on = nil
				f.rest()
				f.pair("a")
			})
		})
	}
}

func TestLayerThatAlwaysPanics(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.back = &faultyBack{Back: f.back, on: func([]layer.Output) { panic("delivering") }}
		f.join("a", 1)
		f.want()
		if log := f.logged(); strings.Count(log, "\n") != 2 || !strings.Contains(log, "could not be delivered") {
			t.Errorf("logged: %s", log)
		}
		f.write("b", 1, typed(7, 0)) // which is not open
		f.query("c", event.Mark{}).waits()
		if log := f.logged(); strings.Count(log, "could not be delivered") != 2 {
			t.Errorf("logged: %s", log)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(f.all()); n != 0 {
			t.Errorf("%d rooms are open", n)
		}
	})
}

// brokenLog panics the first time it is told something.
type brokenLog struct {
	slog.Handler

	told bool
}

func (h *brokenLog) Handle(ctx context.Context, r slog.Record) error {
	if !h.told {
		h.told = true
		panic("writing the log")
	}
	return h.Handler.Handle(ctx, r)
}

func TestPanicBesideTheTurn(t *testing.T) {
	fault := func(context.Context, string) error { return errFault }
	for name, begin := range map[string]func(*fixture){
		"after a load": func(f *fixture) {
			f.onLoad(fault)
			f.join("a", 1)
		},
		"after an append": func(f *fixture) {
			f.onAppend(fault)
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

// A room that a bug has spoiled panics wherever it is asked something.
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

// Stock clients come back after a tenth of a second, each by itself.
func TestRoomThatFailedRests(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.onLoad(func(context.Context, string) error { return errFault })
		for round := range 3 {
			f.join("a", 1)
			f.want("a: 1 Close 1013")
			for range 9 {
				time.Sleep(closedFor / 10)
				f.join("a", 2)
				f.want("a: 2 Close 1013")
			}
			if n := f.opened(); n != round+1 {
				t.Errorf("loaded %d times, want %d", n, round+1)
			}
			time.Sleep(closedFor / 10)
			synctest.Wait()
			if n := len(f.all()); n != 0 {
				t.Errorf("%d rooms are open", n)
			}
		}
		f.onLoad(nil)
		f.pair("a")
		f.logged()
	})
}

// Whatever the room waited for before it failed is no more.
func TestRoomThatFailedRestsNoLonger(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		f.leave("a", 1)
		f.leave("a", 2) // to be removed in half a minute
		synctest.Wait()
		release <- errFault
		f.onAppend(nil)
		f.rest()
		f.pair("a")

		f.send("a", message(1, protocol.Awareness, present(8, 1, "{}")))
		f.want("a: all Awareness")
		time.Sleep(30*time.Second - closedFor/2) // before the silence has been too long
		f.onAppend(func(context.Context, string) error { return errFault })
		f.write("a", 1, typed(7, 0))
		f.want("a: 1 Close 1013", "a: 2 Close 1013")
		f.rest()
		f.pair("a")
		f.logged()
	})
}

func TestRoomThatFailedDoesNotHoldUpTheEnd(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.onLoad(func(context.Context, string) error { return errFault })
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

func TestThousandRooms(t *testing.T) {
	const rooms = 1000
	name := func(i int) string { return fmt.Sprint("room ", i) }
	run(t, Settings{}, func(f *fixture) {
		for i := range rooms {
			f.join(name(i), 1, 2)
			for clock := range uint64(3) {
				f.write(name(i), 1, typed(7, clock))
			}
		}
		synctest.Wait()
		for i := range rooms {
			f.wantStored(name(i), typed(7, 0), typed(7, 1), typed(7, 2))
			f.leave(name(i), 1)
			if i%2 == 0 {
				f.leave(name(i), 2)
			}
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if n := len(f.all()); n != rooms/2 {
			t.Errorf("%d rooms are open, want %d", n, rooms/2)
		}
	})
}

// A removal that falls due while a turn looks at the time is not forgotten.
func TestRemovalThatFallsDueDuringATurn(t *testing.T) {
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
			t.Error("the room stays for ever")
		}
		f.stop()
		if err := <-f.ended; err != nil {
			t.Error(err)
		}
		f.front.Close()
	})
}

// What is stored counts, whatever the limits have become: only more is refused.
func TestStoredDocumentOverTheLimitLoads(t *testing.T) {
	for _, tc := range []struct {
		name  string
		store func(f *fixture)
	}{
		{"a lower limit", func(f *fixture) {
			for clock := range uint64(100) {
				if _, err := f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(7, clock)}); err != nil {
					f.t.Fatal(err)
				}
			}
		}},
		{"one entry", func(f *fixture) {
			updates := make([][]byte, 100)
			for clock := range updates {
				updates[clock] = typed(7, uint64(clock))
			}
			merged, err := blocks.Merge(blocks.V1, updates...)
			if err == nil {
				_, err = f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: merged})
			}
			if err != nil {
				f.t.Fatal(err)
			}
		}},
		{"appends that were merged", func(f *fixture) {
			f.pair("a")
			on, release := block()
			f.onAppend(on)
			var accepted [][]byte
			for clock := uint64(0); len(f.closed()) == 0; clock++ {
				accepted = append(accepted, typed(7, clock))
				f.write("a", 1, typed(7, clock))
				synctest.Wait()
			}
			f.onAppend(nil)
			release <- nil
			f.wantStored("a", accepted[:len(accepted)-1]...)
			f.leave("a", 1)
			f.leave("a", 2)
			time.Sleep(time.Minute)
			synctest.Wait()
			f.outs = nil
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var settings Settings
			settings.Room.Blocks.MaxSize = 256 + 60 // a client counts as 256
			run(t, settings, func(f *fixture) {
				tc.store(f)
				before := f.opened()
				f.pair("a")
				if n := f.opened(); n != before+1 {
					t.Fatalf("loaded %d times, want %d", n, before+1)
				}
				f.send("a", message(1, protocol.SyncStep1, []byte{0}))
				f.want("a: 1 SyncStep2")
				f.write("a", 1, typed(9, 0))
				f.want("a: 1 Close 1008")
				if log := f.logged(); log != "" {
					t.Errorf("logged: %s", log)
				}
			})
		})
	}
}
