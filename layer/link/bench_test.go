package link

import (
	"testing"
	"time"

	"github.com/yroom/yroom/event"
)

// BenchmarkEdit measures an edit of one user from one Node to the next, and the
// broadcast on its way back, without a bus between them.
func BenchmarkEdit(b *testing.B) {
	e := newExchange(b)
	b.ReportAllocs()
	for b.Loop() {
		e.edit()
	}
	b.ReportMetric(float64(e.w.stats.BytesSent+e.c.stats.BytesSent)/float64(b.N), "wire-B/op")
}

// TestEditAllocations bounds the allocations of an edit between two Nodes. An edit takes
// two packets, each of which allocates the packet, the message and the decoded value.
func TestEditAllocations(t *testing.T) {
	e := newExchange(t)
	if n := testing.AllocsPerRun(1000, e.edit); n > 12 {
		t.Errorf("%.1f allocations, want at most 12", n)
	}
}

type exchange struct {
	tb    testing.TB
	w, c  *process
	front uint64
	now   time.Time
	data  []byte
}

func newExchange(tb testing.TB) *exchange {
	bus := newBus(nil, 1)
	e := &exchange{tb: tb, w: bus.worker("worker"), data: make([]byte, 30)}
	e.c, e.front = bus.consumer("consumer")
	bus.run(500 * time.Millisecond)
	e.now = bus.now
	e.edit()
	return e
}

func (e *exchange) edit() {
	if _, err := e.c.Send(e.now, e.front, edit("room", 1, e.data)); err != nil {
		e.tb.Fatal(err)
	}
	e.carry(e.c, e.w)
	for _, ev := range e.w.Events() {
		out := update("room", ev.Input.From, ev.Input.Message.Data)
		out.Mark = event.Mark{Epoch: 1 << 60, Seq: 1000}
		e.w.Deliver(e.now, out)
	}
	e.carry(e.w, e.c)
	if n := len(e.c.Events()); n != 1 {
		e.tb.Fatalf("%d events", n)
	}
}

func (e *exchange) carry(from, to *process) {
	for {
		p, ok := from.Next(e.now)
		if !ok {
			return
		}
		to.Receive(e.now, p.Data)
	}
}
