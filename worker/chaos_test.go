package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// typist is a client that types. When its connection is closed, it reconnects and sends
// everything that it has typed again.
type typist struct {
	conn  event.ConnID
	typed [][]byte
	away  bool
	seen  *blocks.Store
}

// TestWhatWasSeenIsStored lets clients type while loads and appends fail or take time,
// and while the room panics. Everything that is delivered must be in the store by then,
// and in the end all edits must be.
func TestWhatWasSeenIsStored(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			run(t, Settings{RemoveDelay: 3 * time.Second}, func(f *fixture) { chaos(f, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func chaos(f *fixture, rnd *rand.Rand) {
	var calm atomic.Bool
	chances := make(chan int) // rnd is used by one goroutine
	done := make(chan struct{})
	go func() {
		for {
			select {
			case chances <- rnd.IntN(100):
			case <-done:
				return
			}
		}
	}()
	defer close(done)
	fault := func(percent int) func(context.Context, string) error {
		return func(context.Context, string) error {
			chance := <-chances
			time.Sleep(time.Duration(<-chances) * 5 * time.Millisecond)
			if !calm.Load() && chance < percent {
				return errFault
			}
			return nil
		}
	}
	f.store.Set(fault(20), faulty.Load)
	f.store.Set(fault(10), faulty.Append)
	f.step = func(r *room.Room, now time.Time, ins []event.Input) room.Effects {
		effects := r.Step(now, ins)
		if !calm.Load() && <-chances < 3 {
			panic("chaos")
		}
		return effects
	}

	var typists []*typist
	last := event.ConnID(0)
	if err := f.front.Close(); err != nil {
		f.t.Fatal(err)
	}
	events := make(chan layer.Output, 100_000)
	var err error
	deliver := func(outs []layer.Output) {
		for _, out := range outs {
			if typ := out.Message.Type; typ == protocol.Update || typ == protocol.SyncStep2 {
				stored := storedDocument(f.t, f.store.Store, "a")
				if held, err := stored.Contains(out.Message.Data, blocks.V1); err != nil || !held {
					f.t.Errorf("delivered before it was durable: %q (%v)", out.Message.Data, err)
				}
			}
			events <- out
		}
	}
	f.front, err = f.config.Layer.Attach(layer.FrontHandler{Deliver: deliver, Lost: func(func(string) bool) {}})
	if err != nil {
		f.t.Fatal(err)
	}
	reconnect := func(p *typist) {
		last++
		p.conn, p.away = last, false
		f.send("a", event.Input{Kind: event.InputJoin, Conn: p.conn, Access: event.AccessWrite | event.AccessPresent})
		f.send("a", message(p.conn, protocol.SyncStep1, p.seen.StateVector()))
		for _, u := range p.typed {
			f.write("a", p.conn, slices.Clone(u))
		}
	}
	receive := func() {
		synctest.Wait()
		for len(events) > 0 {
			out := <-events
			for _, p := range typists {
				if out.Output.To != p.conn && out.Output.To != event.Everyone {
					continue
				}
				if out.Kind == event.OutputRejoin {
					if p.away {
						f.leave("a", p.conn)
					} else {
						f.rejoin("a", p.conn)
						for _, u := range p.typed { // as a client that answers the SyncStep1
							f.write("a", p.conn, slices.Clone(u))
						}
					}
					continue
				}
				switch out.Message.Type {
				case protocol.Close:
					p.away = true
				case protocol.Update, protocol.SyncStep2:
					if _, err := p.seen.Apply(out.Message.Data, blocks.V1); err != nil {
						f.t.Error(err)
					}
				}
			}
		}
	}
	for i := range 3 {
		typists = append(typists, &typist{away: true, seen: blocks.New()})
		reconnect(typists[i])
	}
	for range 150 {
		for i, p := range typists {
			chance := <-chances
			switch {
			case p.away:
				f.leave("a", p.conn)
				reconnect(p)
			case chance < 5:
				f.leave("a", p.conn)
				p.away = true
			case chance < 50:
				u := typed(uint64(i+1), uint64(len(p.typed)))
				p.typed = append(p.typed, u)
				if _, err := p.seen.Apply(slices.Clone(u), blocks.V1); err != nil {
					f.t.Fatal(err)
				}
				f.write("a", p.conn, u)
			}
		}
		time.Sleep(time.Duration(<-chances) * 2 * time.Millisecond)
		receive()
	}

	calm.Store(true)
	for range 3 { // clients whose connection was closed reconnect
		time.Sleep(time.Minute)
		receive()
		for _, p := range typists {
			if p.away {
				reconnect(p)
			}
		}
	}
	time.Sleep(time.Minute)
	receive()
	var all [][]byte
	for _, p := range typists {
		all = append(all, p.typed...)
	}
	stored := storedDocument(f.t, f.store.Store, "a").Encode(blocks.V1)
	if want := merged(f.t, all...); !bytes.Equal(stored, want) {
		f.t.Errorf("stored %q, typed %q", stored, want)
	}
	for i, p := range typists {
		if seen := p.seen.Encode(blocks.V1); !bytes.Equal(seen, stored) {
			f.t.Errorf("client %d has %q, stored %q", i, seen, stored)
		}
	}
	if _, err := f.store.Store.Load(context.Background(), "a"); errors.Is(err, store.ErrNotFound) {
		f.t.Error("nothing was stored")
	}
}
