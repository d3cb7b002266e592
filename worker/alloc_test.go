package worker

import (
	"context"
	"testing"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store/memstore"
)

// echoes runs a worker and gives a function that has one more character typed
// and waits until it comes back.
func echoes(t *testing.T) (echo func()) {
	t.Helper()
	l := memlayer.New()
	w := New(Config{Layer: l, Store: memstore.New()})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	delivered := make(chan struct{})
	port, err := l.Attach(func([]layer.Output) { delivered <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		port.Close()
	})
	if err := port.Join("room"); err != nil {
		t.Fatal(err)
	}
	send := func(in room.Input) {
		for { // until the worker serves
			if err := port.Send(layer.Input{Room: "room", Input: in}); err == nil {
				break
			}
		}
		<-delivered
	}
	send(room.Input{Kind: room.Join, Conn: 1, Access: room.Write})
	updates := make([][]byte, 2_001)
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
	if got := testing.AllocsPerRun(2000, echoes(t)); got > most {
		t.Errorf("one update through layer, worker, room and store makes %v allocations, want at most %d", got, most)
	}
}
