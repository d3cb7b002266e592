package worker

import (
	"context"
	"testing"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store/memstore"
)

// updatesSent is small enough that no compaction begins, which would load all updates.
const updatesSent = largeEntries - 500

// echoes runs a worker with a room that has connections at one front and some more. It
// returns a function that sends an update of one character and waits until the update
// is broadcast.
func echoes(t *testing.T, more int) (echo func()) {
	t.Helper()
	l := memlayer.New()
	w := New(Config{Layer: l, Store: memstore.New()})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	delivered := make(chan struct{})
	front, err := l.Attach(layer.FrontHandler{
		Deliver: func([]layer.Output) {
			select {
			case delivered <- struct{}{}:
			case <-ctx.Done(): // the worker hands over the room
			}
		},
		Lost: func(func(string) bool) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		front.Close()
	})
	send := func(in event.Input) {
		for { // until the worker serves the layer
			if err := front.Send(layer.Input{Room: "room", Input: in}); err == nil {
				break
			}
		}
		<-delivered
	}
	send(event.Input{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite})
	for i := range more {
		joined := make(chan struct{}, 1)
		other, err := l.Attach(layer.FrontHandler{
			Deliver: func([]layer.Output) {
				select {
				case joined <- struct{}{}:
				default:
				}
			},
			Lost: func(func(string) bool) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { other.Close() })
		if err := other.Send(layer.Input{Room: "room", Input: event.Input{Kind: event.InputJoin, Conn: event.ConnID(2 + i)}}); err != nil {
			t.Fatal(err)
		}
		<-joined
	}
	updates := make([][]byte, updatesSent+1)
	for i := range updates {
		updates[i] = typed(7, uint64(i))
	}
	next := 0
	return func() {
		send(message(1, protocol.Update, updates[next]))
		next++
	}
}

func TestAnUpdateAllocatesLittle(t *testing.T) {
	const most = 8 // 6 were measured, and a few more where the race detector empties pools
	for _, more := range []int{0, 10} {
		if got := testing.AllocsPerRun(updatesSent, echoes(t, more)); got > most {
			t.Errorf("one update through layer, worker, room and store, with %d more fronts, makes %v allocations, want at most %d", more, got, most)
		}
	}
}
