package membus

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// BenchmarkEdit measures an edit on its way from a consumer over l to a worker, and from
// there to two consumers.
func BenchmarkEdit(b *testing.B, l layer.Layer) {
	const room = "room"
	var mu sync.Mutex
	at := make(map[layer.Address]bool)
	served := make(chan layer.Back, 1)
	var back layer.Back
	var outs []layer.Output
	attached, err := l.Serve(layer.BackHandler{
		Handle: func(in layer.Input) error {
			mu.Lock()
			defer mu.Unlock()
			if back == nil {
				back = <-served
			}
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
	served <- attached
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
		testkit.Eventually(b, "the consumer joins", func() string {
			if err := fronts[i].Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputJoin, Conn: 1}}); err != nil {
				return err.Error()
			}
			return ""
		})
	}
	testkit.Eventually(b, "the worker knows the consumers", func() string {
		mu.Lock()
		defer mu.Unlock()
		if len(at) < len(fronts) {
			return "not both"
		}
		return ""
	})
	in := layer.Input{Room: room, Input: event.Input{
		Kind: event.InputMessage, Conn: 1, Message: protocol.Message{Type: protocol.Update, Data: make([]byte, 30)},
	}}
	took := make([]time.Duration, 0, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		if err := fronts[0].Send(in); err != nil {
			b.Fatal(err)
		}
		for range fronts {
			<-arrived
		}
		if len(took) < cap(took) {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
	for _, f := range fronts {
		_ = f.Close()
	}
	_ = attached.Close()
}
