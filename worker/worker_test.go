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
		for _, kind := range []room.Kind{room.Message, room.Leave, room.Resync, room.Tick} {
			f.send("a", room.Input{Kind: kind, Conn: 1})
		}
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
		if err := f.trySend("a", room.Input{Kind: room.Join, Conn: 3}); !errors.Is(err, layer.ErrFull) {
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
		f.step = func(r *room.Room, ins []room.Input) room.Effects {
			for _, in := range ins {
				if string(in.Msg.Data) == "boom" {
					panic("stepped on a mine")
				}
			}
			return r.Step(ins)
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
		f.step = func(r *room.Room, ins []room.Input) room.Effects {
			if string(ins[0].Msg.Data) == "boom" {
				panic("stepped on a mine")
			}
			return r.Step(ins)
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
		f.step = func(r *room.Room, ins []room.Input) room.Effects {
			if string(ins[0].Msg.Data) == "boom" {
				panic("stepped on a mine")
			}
			return r.Step(ins)
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
			err := f.trySend("a", room.Input{Kind: room.Query, Conn: room.ConnID(1000 + asked), Ask: &room.Ask{}})
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
		if err := f.trySend("a", room.Input{Kind: room.Join, Conn: 3}); !errors.Is(err, layer.ErrNoOwner) {
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
		f.want("a: all Update", "a: all Update")
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
		f.want("a: all Update", "b: 1 SyncStep1", "b: all Update")
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

// brokenLayer serves nobody and delivers nothing.
type brokenLayer struct{ layer.Layer }

func (brokenLayer) Serve(context.Context, func(layer.Input) error) error { return errFault }

func (brokenLayer) Deliver(context.Context, []layer.Output) error { return errFault }

func TestLayerThatBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, Config{Layer: brokenLayer{}})
		if err := <-f.ended; !errors.Is(err, errFault) {
			t.Errorf("Run: %v, want what broke the layer", err)
		}
	})
}

// fragileLayer serves until it breaks.
type fragileLayer struct {
	layer.Layer

	breaks chan error
}

func (l fragileLayer) Serve(ctx context.Context, handle func(layer.Input) error) error {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- l.Layer.Serve(ctx, handle) }()
	err := <-l.breaks
	stop()
	return errors.Join(err, <-ended)
}

func TestLayerThatBreaksWhileARoomIsLoaded(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		// A worker of its own, as that of the fixture serves already.
		l := fragileLayer{memlayer.New(), make(chan error)}
		on, release := block()
		f.onLoad(on)
		w := New(Config{Layer: l, Store: f.store})
		ended := make(chan error)
		go func() { ended <- w.Run(f.t.Context()) }()
		synctest.Wait()
		port, err := l.Attach(func([]layer.Output) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := port.Send(layer.Input{Room: "a", Input: room.Input{Kind: room.Join, Conn: 1}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		l.breaks <- errFault
		release <- nil
		if err := <-ended; !errors.Is(err, errFault) || errors.Is(err, ErrDrainTimeout) {
			t.Errorf("Run: %v, want what broke the layer", err)
		}
		port.Close()
	})
}

// layerWithFaults does what a test wants before it delivers.
type layerWithFaults struct {
	layer.Layer

	on func(outs []layer.Output) error
}

func (l *layerWithFaults) Deliver(ctx context.Context, outs []layer.Output) error {
	if l.on != nil {
		if err := l.on(outs); err != nil {
			return err
		}
	}
	return l.Layer.Deliver(ctx, outs)
}

// Who may lack an update is closed, to come back and ask for what is missing.
func TestDeliveryThatFails(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault func() error
		close string
		log   string
	}{
		{"error", func() error { return errFault }, "1013", "could not be delivered"},
		{"panic", func() error { panic("delivering") }, "1011", "panic: delivering"},
	} {
		for _, typ := range []protocol.Type{protocol.Awareness, protocol.Update} {
			t.Run(fmt.Sprint(tc.name, " of ", typ), func(t *testing.T) {
				run(t, Settings{}, func(f *fixture) {
					l := &layerWithFaults{Layer: f.config.Layer}
					f.config.Layer = l
					f.pair("a")
					f.pair("b")
					busy := make(chan struct{}) // with a turn, so that what comes meanwhile is in one
					l.on = func([]layer.Output) error {
						<-busy
						return nil
					}
					f.send("a", message(2, protocol.Awareness, present(8, 1, "{}")))
					synctest.Wait()
					l.on = func(outs []layer.Output) error {
						if outs[0].Room == "a" && outs[0].Msg.Type == typ {
							return tc.fault()
						}
						return nil
					}
					f.send("a", message(2, protocol.Awareness, present(8, 2, "{}")))
					f.write("a", 1, typed(7, 0))
					close(busy)
					synctest.Wait()
					f.write("b", 1, typed(7, 0))
					want := []string{"a: 1 Close " + tc.close, "a: 2 Close " + tc.close, "b: all Update"}
					if typ == protocol.Update {
						want = append([]string{"a: all Awareness"}, want...)
					}
					f.want(append([]string{"a: all Awareness"}, want...)...)
					if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, tc.log) {
						t.Errorf("logged: %s", log)
					}
					f.wantStored("a", typed(7, 0)) // what was taken is sound
					l.on = nil
					f.rest()
					f.pair("a")
				})
			})
		}
	}
}

func TestNothingCanBeDelivered(t *testing.T) {
	for name, fault := range map[string]func() error{
		"error": func() error { return errFault },
		"panic": func() error { panic("delivering") },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				f.config.Layer = &layerWithFaults{f.config.Layer, func([]layer.Output) error { return fault() }}
				f.join("a", 1)
				f.want()
				if log := f.logged(); strings.Count(log, "\n") != 2 || !strings.Contains(log, "could not be told") {
					t.Errorf("logged: %s", log)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if n := len(f.all()); n != 0 {
					t.Errorf("%d rooms are open", n)
				}
			})
		})
	}
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
		f.step = func(r *room.Room, ins []room.Input) room.Effects {
			effects := r.Step(ins)
			if ins[0].Kind == room.Message {
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
				time.Sleep(failedFor / 10)
				f.join("a", 2)
				f.want("a: 2 Close 1013")
			}
			if n := f.opened(); n != round+1 {
				t.Errorf("loaded %d times, want %d", n, round+1)
			}
			time.Sleep(failedFor / 10)
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
		time.Sleep(30*time.Second - failedFor/2) // before the silence has been too long
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
		f.port.Close()
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
