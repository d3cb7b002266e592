package worker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

// seeded runs functions one by one, in an order that a seed decides.
type seeded struct {
	rnd *rand.Rand

	mu  sync.Mutex
	due []func()
}

func (s *seeded) add(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = append(s.due, f)
}

// run runs until nothing is due.
func (s *seeded) run() {
	for {
		synctest.Wait() // for the functions that running goroutines still add
		s.mu.Lock()
		if len(s.due) == 0 {
			s.mu.Unlock()
			return
		}
		i := s.rnd.IntN(len(s.due))
		f := s.due[i]
		s.due = slices.Delete(s.due, i, i+1)
		s.mu.Unlock()
		f()
	}
}

// history makes connections join rooms, and returns the rooms in the order of their
// answers.
func history(t *testing.T, seed uint64) (rooms []string) {
	synctest.Test(t, func(t *testing.T) {
		s := &seeded{rnd: rand.New(rand.NewPCG(seed, 0))}
		now := time.Unix(1_000_000_000, 0)
		alarms := 0
		l := memlayer.New()
		w := worker.New(worker.Config{Layer: l, Store: memstore.New(), Runtime: worker.Runtime{
			Go:  s.add,
			Now: func() time.Time { return now },
			AfterFunc: func(_ time.Duration, f func()) func() bool {
				alarms++
				return func() bool { alarms--; return true }
			},
		}})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		synctest.Wait() // the layer serves the worker
		front, err := l.Attach(layer.FrontHandler{
			Deliver: func(outs []layer.Output) {
				for _, out := range outs {
					rooms = append(rooms, out.Room)
				}
			},
			Lost: func(func(string) bool) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		send := func(name string, in event.Input) {
			if err := front.Send(layer.Input{Room: name, Input: in}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 8 {
			send(fmt.Sprint("room ", i), event.Input{Kind: event.InputJoin, Conn: 1})
		}
		if len(rooms) > 0 {
			t.Error("a function ran that the simulation did not run")
		}
		s.run()
		for i := range 8 {
			send(fmt.Sprint("room ", i), event.Input{Kind: event.InputLeave, Conn: 1})
		}
		s.run()
		if alarms != 8 {
			t.Errorf("%d alarms, want one for each empty room", alarms)
		}
		stop()
		s.run()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if alarms != 0 {
			t.Errorf("%d alarms are left", alarms)
		}
		if err := front.Close(); err != nil {
			t.Error(err)
		}
	})
	return rooms
}

func TestRuntimeOfASimulation(t *testing.T) {
	one, again, other := history(t, 1), history(t, 1), history(t, 2)
	if len(one) != 8 {
		t.Errorf("%d answers, want 8", len(one))
	}
	if diff := cmp.Diff(one, again); diff != "" {
		t.Errorf("the same seed gave another order:\n%s", diff)
	}
	if cmp.Equal(one, other) {
		t.Error("another seed gave the same order")
	}
}

func TestPartialRuntimePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New did not panic")
		}
	}()
	worker.New(worker.Config{Runtime: worker.Runtime{Now: time.Now}})
}
