package buslayer_test

import (
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/protocol"
)

// BenchmarkEdit measures an edit on its way from a consumer to the worker and from there
// to two consumers, without a broker between.
func BenchmarkEdit(b *testing.B) {
	const room = "room"
	l := membus.NewApart(b, opener(b, membus.New(layertest.Faults{})), nil)
	var mu sync.Mutex
	at := make(map[layer.Address]bool)
	var back layer.Back
	outs := make([]layer.Output, 0, 2)
	served := make(chan struct{})
	back, err := l.Serve(layer.BackHandler{
		Handle: func(in layer.Input) error {
			<-served
			mu.Lock()
			defer mu.Unlock()
			at[in.From] = true
			if in.Kind == event.InputJoin {
				return nil
			}
			outs = outs[:0]
			for a := range at {
				outs = append(outs, layer.Output{Room: room, To: a, Output: event.Output{
					Kind: event.OutputMessage, Mark: event.Mark{Epoch: 1 << 60, Seq: 1 << 20}, Message: in.Message,
				}})
			}
			back.Deliver(outs)
			return nil
		},
		Lost: func(layer.Address) {}, Gone: func(layer.Address) {}, Moved: func(func(string) bool) {},
	})
	if err != nil {
		b.Fatal(err)
	}
	close(served)
	arrived := make(chan struct{}, 2)
	var fronts [2]layer.Front
	for i := range fronts {
		fronts[i], err = l.Attach(layer.FrontHandler{
			Deliver: func(outs []layer.Output) {
				for range outs {
					arrived <- struct{}{}
				}
			},
			Lost: func(func(string) bool) {},
		})
		if err != nil {
			b.Fatal(err)
		}
		for fronts[i].Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputJoin, Conn: 1}}) != nil {
			time.Sleep(time.Millisecond)
		}
	}
	for joined := 0; joined < len(fronts); time.Sleep(time.Millisecond) {
		mu.Lock()
		joined = len(at)
		mu.Unlock()
	}
	in := layer.Input{Room: room, Input: event.Input{
		Kind: event.InputMessage, Conn: 1, Message: protocol.Message{Type: protocol.Update, Data: make([]byte, 30)},
	}}
	b.ReportAllocs()
	for b.Loop() {
		if err := fronts[0].Send(in); err != nil {
			b.Fatal(err)
		}
		for range fronts {
			<-arrived
		}
	}
	b.StopTimer()
	for _, f := range fronts {
		_ = f.Close()
	}
	_ = back.Close()
}
