package worker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
)

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
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		if err := front.Send(layer.Input{Room: "a", Input: event.Input{Kind: event.InputJoin, Conn: 1}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		f.stop() // while the room is loaded
		gate.Release <- nil
		if err := <-f.ended; !errors.Is(err, errFault) || errors.Is(err, ErrDrainTimeout) {
			t.Errorf("Run: %v, want the error of the layer", err)
		}
		front.Close()
		f.front.Close()
	})
}

// The connections of a room whose outputs could not be delivered are closed, so that
// they reconnect and receive what they lack.
func TestLayerThatPanics(t *testing.T) {
	for _, typ := range []protocol.Type{protocol.Awareness, protocol.Update} {
		t.Run(fmt.Sprint(typ), func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				b := &faultyBack{Back: f.back}
				f.back = b
				f.pair("a")
				f.pair("b")
				busy := make(chan struct{}) // begins a turn, so that the next inputs share the following one
				b.on = func([]layer.Output) { <-busy }
				f.send("a", message(2, protocol.Awareness, testkit.Present(8, 1, "{}")))
				synctest.Wait()
				b.on = func(outs []layer.Output) {
					if outs[0].Room == "a" && outs[0].Message.Type == typ {
						panic("delivering")
					}
				}
				f.send("a", message(2, protocol.Awareness, testkit.Present(8, 2, `{"moved":true}`)))
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
