package outbox

import (
	"testing"

	"github.com/yroom/yroom/protocol"
)

// acknowledged returns how many acks the outbox sends.
func (o *Outbox) acknowledged() (n int) {
	for _, f := range o.Take(nil) {
		if f.Type == protocol.Ack {
			n++
		}
	}
	o.Wrote()
	return n
}

func count(typ protocol.Type, n int) *Frame {
	return &Frame{Type: typ, Count: n, Head: []byte("frame")}
}

// A client is told of the updates that it has sent since its newest SyncStep1, except those
// that it doesn't count.
func TestAcks(t *testing.T) {
	o := newOutbox(testSize)
	update := func(n int) {
		for range n {
			o.Update()
		}
	}
	add := func(typ protocol.Type, n int) { o.mustAdd(t, count(typ, n)) }
	want := func(what string, want int) {
		t.Helper()
		if got := o.acknowledged(); got != want {
			t.Errorf("%s: %d acks, want %d", what, got, want)
		}
	}
	update(3)
	add(protocol.Ack, 2)
	want("two of three are stored", 2)
	o.Question()
	update(3)
	add(protocol.Ack, 1)
	want("stored is what was sent before SyncStep1", 0)
	add(protocol.Uncounted, 2)
	want("two are not counted", 0)
	add(protocol.Ack, 1)
	want("one is", 1)
	update(2)
	o.Question()
	update(1)
	add(protocol.Uncounted, 1)
	add(protocol.Ack, 1)
	want("both were sent before SyncStep1", 0)
	add(protocol.Ack, 1)
	want("this was not", 1)
	update(1)
	add(protocol.Ack, 1)
	o.Question()
	want("an ack that waits when SyncStep1 arrives is dropped", 0)
	if !o.Empty() {
		t.Error("something is left to be sent")
	}
}
