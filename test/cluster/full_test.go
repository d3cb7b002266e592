package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/link"
	"github.com/yroom/yroom/store/memstore"
)

// Clients send tens of thousands of inputs to a room that its store can't load yet, so that
// the room is full. This doesn't delay the other rooms of the same two processes.
func TestFullRoom(t *testing.T) {
	const full = "full"
	documents := faulty.New(memstore.New())
	gate := faulty.NewGate()
	documents.Set(func(ctx context.Context, room string) error {
		if room == full {
			return gate.Wait(ctx, room)
		}
		return nil
	}, faulty.Load)
	c := newInside(t, documents)
	at := newAddress(t)
	c.worker("worker", nil)
	var crossed atomic.Int64
	c.consumer("consumer", at, func(b buslayer.Bus) buslayer.Bus { return inputCounter{b, &crossed} })
	var probes []*probe
	for i := range 8 {
		probes = append(probes, newProbe(uint64(1+i), at.url, fmt.Sprintf("room-%d", i)))
	}
	live(t, probes...)
	wantAnswers(t, probes...)

	ctx, cancel := context.WithCancel(t.Context())
	var flooding sync.WaitGroup
	defer flooding.Wait()
	defer cancel()
	var sent, refused atomic.Int64
	clients, inputs := 40, int64(20_000)
	if testkit.UnderRace { // which would keep the processors busy with the clients alone
		clients, inputs = 8, 2_000
	}
	for i := range clients {
		flooding.Go(func() {
			for ctx.Err() == nil {
				if flood(ctx, at.url+"/ws/"+full, uint64(100+i), &sent) == ws.StatusCode(1013) {
					refused.Add(1)
				}
			}
		})
	}
	testkit.Eventually(t, "the room is full", func() string {
		if refused.Load() > 0 {
			return ""
		}
		return fmt.Sprintf("no client was refused, %d edits were sent", sent.Load())
	})
	from, before := time.Now(), crossed.Load()
	testkit.Eventually(t, "many inputs cross the layer", func() string {
		if n := crossed.Load() - before; n < inputs {
			return fmt.Sprintf("%d did", n)
		}
		return ""
	})
	wantAnswers(t, probes...)
	times := figures{}
	for _, p := range probes {
		for _, took := range p.since(from) {
			times.add("while a room is full", took)
		}
		for _, c := range p.takeClosed() {
			t.Errorf("the socket of another room was closed: %v", c)
		}
	}
	close(gate.Release)
	t.Logf("%d inputs crossed the layer in %v, and %d sockets were closed\n%v",
		crossed.Load()-before, time.Since(from).Round(time.Millisecond), refused.Load(), times)
	if p99 := times.quantile("while a room is full", 0.99); p99 > 500*time.Millisecond {
		t.Errorf("the other rooms answer within %v (p99), want 500ms", p99)
	}
}

// inputCounter counts the inputs that a process publishes.
type inputCounter struct {
	buslayer.Bus

	inputs *atomic.Int64
}

// Publish implements buslayer.Bus.
func (b inputCounter) Publish(packets []link.Packet) error {
	for _, p := range packets {
		for number := range fields(p.Data[1:]) {
			if number == frameInput {
				b.inputs.Add(1)
			}
		}
	}
	return b.Bus.Publish(packets)
}

// flood connects a client that types a thousand characters a second, each of them an
// edit, and returns the code with which it is closed.
func flood(ctx context.Context, url string, id uint64, sent *atomic.Int64) (code ws.StatusCode) {
	conn, err := wsclient.DialOver(ctx, nil, url, nil)
	if err != nil {
		time.Sleep(10 * time.Millisecond)
		return 0
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	ended := make(chan ws.StatusCode, 1)
	go func() {
		for {
			op, frame, err := conn.Read()
			if op == ws.OpClose {
				code, _ := ws.ParseCloseFrameData(frame)
				ended <- code
				return
			}
			if err != nil {
				ended <- 0
				return
			}
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for clock := uint64(0); ; {
		var frames []byte
		for range 10 {
			frames = append(frames, wsclient.Frame(ws.OpBinary, true, testkit.Update(testkit.Typed(id, clock, "x")))...)
			clock++
		}
		if conn.Write(frames) == nil {
			sent.Add(10)
		}
		<-tick.C
		select {
		case code := <-ended:
			return code
		default:
		}
	}
}
