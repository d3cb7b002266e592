package link

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// roomOf returns a room that a consumer places at a worker.
func roomOf(c, w *process) string {
	for i := 0; ; i++ {
		room := fmt.Sprint("r", i)
		if owner, _ := c.view.owner("", room); owner == w.config.ID {
			return room
		}
	}
}

// TestFull checks that inputs wait within bounds: a room that is full doesn't stop the
// others.
func TestFull(t *testing.T) {
	b, w, c, front := newPair(t)
	w.stopped = true
	full := func(room string) (sent int) {
		for ; sent < 1000; sent++ {
			if _, err := c.Send(b.now, front, edit(room, 1, make([]byte, 1<<20))); errors.Is(err, layer.ErrFull) {
				return sent
			}
			b.run(time.Millisecond)
		}
		t.Fatal("any number of inputs wait")
		return 0
	}
	if n := full("full"); n < roomInputs>>20 || n > roomInputs>>20+2 {
		t.Errorf("%d MiB of one room wait", n)
	}
	b.send(c, front, edit("another", 1, []byte("x")))
	b.send(c, front, &layer.Input{Room: "full", Input: event.Input{Kind: event.InputLeave, Conn: 1}})
	for i := range 3 {
		full(fmt.Sprint("full", i))
	}
	if _, err := c.Send(b.now, front, edit("one more", 1, make([]byte, wholeSize))); !errors.Is(err, layer.ErrFull) {
		t.Errorf("a large input was taken, though over %d MiB of all rooms wait: %v", mostInputs>>20, err)
	}
	small := 0
	for ; small < mostInputs; small += wholeSize / 2 {
		_, err := c.Send(b.now, front, edit("one more", 1, make([]byte, wholeSize/2)))
		if errors.Is(err, layer.ErrFull) {
			break
		}
		b.run(time.Millisecond)
	}
	if share := mostInputs / 6; small < share*9/10 || small > share*11/10 { // there are 6 rooms
		t.Errorf("%d bytes of small inputs of another room were taken, want about %d", small, share)
	}
	b.resume(w)
	b.until("all inputs arrive", 10*time.Second, func() bool { return c.Flushed() && len(w.ins) > mostInputs>>20 })
	b.send(c, front, edit("full", 1, nil))
	if c.stats.Resets > 0 {
		t.Error("messages were lost")
	}
}

// TestDropped checks that outputs of a room wait within bounds, and that its front
// learns of those that were dropped.
func TestDropped(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, edit("r", 1, nil))
	b.run(10 * time.Millisecond)
	to := w.ins[0].From
	c.stopped = true
	for i := range roomOutputs>>20 + 8 {
		w.Deliver(b.now, update("r", to, bytes.Repeat([]byte{byte(i)}, 1<<20)))
		b.run(time.Millisecond)
	}
	w.Deliver(b.now, update("another", to, []byte("x")))
	if w.stats.Dropped == 0 {
		t.Fatal("no outputs were dropped")
	}
	b.resume(c)
	b.until("the front learns of it", 5*time.Second, func() bool { return len(c.lost) > 0 })
	if !c.lost[0]("r") || c.lost[0]("another") {
		t.Error("another room is reported")
	}
	b.until("other outputs arrive", time.Second, func() bool {
		return len(c.outs) > 0 && c.outs[len(c.outs)-1].Room == "another" || w.Flushed()
	})
	if c.stats.Resets > 0 || len(w.backs) > 0 {
		t.Error("the session was reset")
	}
}

// TestSharedData checks that data which is sent to many clients counts once.
func TestSharedData(t *testing.T) {
	var q queue
	data := make([]byte, 1<<20)
	for i := range 100 {
		out := update("r", "", data)
		out.Output.To = event.ConnID(i)
		q.put(encodeOutput(1, 1, out))
	}
	if n := q.waiting("r"); n < len(data) || n > 2*len(data) {
		t.Errorf("%d bytes wait", n)
	}
	for !q.empty() {
		q.fill(nil, packetSize)
	}
	if q.bytes != 0 {
		t.Errorf("%d bytes wait in an empty queue", q.bytes)
	}
}

// TestStrays checks what happens to a room that two Nodes place differently, because
// one of them receives nothing from a worker.
func TestStrays(t *testing.T) {
	b := newBus(t, 1)
	w, other := b.worker("worker"), b.worker("other")
	c, front := b.consumer("consumer")
	b.cut = func(from, to *process) bool { return from == other && to == c }
	b.run(500 * time.Millisecond)
	if len(c.view.workers) != 1 || len(w.view.workers) != 2 {
		t.Fatalf("%d and %d workers are known", len(c.view.workers), len(w.view.workers))
	}
	room := roomOf(w, other)
	query := &layer.Input{Room: room, Input: event.Input{Kind: event.InputRequest, Conn: 2, Request: &event.Request{Kind: event.RequestQuery}}}
	b.send(c, front, edit(room, 1, nil))
	b.send(c, front, query)
	b.until("the front is told to join again", 500*time.Millisecond, func() bool { return len(c.lost) > 0 })
	if len(w.ins) > 0 || !c.lost[0](room) || c.lost[0]("another") {
		t.Errorf("%d inputs arrived; %v %v", len(w.ins), c.lost[0](room), c.lost[0]("another"))
	}
	b.until("the request is accepted", agreement+time.Second, func() bool { return len(w.ins) > 0 })
	if w.ins[0].Request == nil || w.ins[0].Conn != 2 {
		t.Errorf("%+v arrived first", w.ins[0])
	}
	b.until("the room is handed over", agreement+time.Second, func() bool {
		return len(w.moved) > 1 && w.moved[len(w.moved)-1](room)
	})
	b.cut = nil
	b.until("the other worker is known", time.Second, func() bool { return len(c.view.workers) == 2 })
	b.run(100 * time.Millisecond)
	b.send(c, front, edit(room, 1, nil))
	b.until("the next input arrives there", time.Second, func() bool { return len(other.ins) == 1 })
}

// TestReturned checks that a request which no worker takes is refused in the end.
func TestReturned(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, &layer.Input{Room: "r", Input: event.Input{Kind: event.InputRequest, Conn: 2, Request: &event.Request{Kind: event.RequestQuery}}})
	w.Drain(b.now)
	b.until("the request is refused", strayPatience+time.Second, func() bool { return len(c.outs) == 1 })
	if r := c.outs[0].Response; r == nil || r.Refusal.Cause != event.CauseClosed || r.Refusal.Code != protocol.CloseTryLater {
		t.Errorf("%+v", c.outs[0])
	}
}

// TestNewer checks that packets of a newer version can be read: with fields, frames and
// heartbeats that this version doesn't know.
func TestNewer(t *testing.T) {
	b := newBus(t, 1)
	b.change = func(data []byte) []byte {
		changed := appendString(append([]byte{data[0]}, 0xa0, 0x1f, 7), 3000, "new")
		r := fields{b: data[1:]}
		for {
			f, more := r.next()
			if !more {
				break
			}
			switch {
			case f.bytes == nil:
				changed = appendUintAlways(changed, f.number, f.value)
				continue
			case f.number == packetBeat, f.number == frameInput, f.number == frameOutput:
				f.bytes = appendString(appendUint(bytes.Clone(f.bytes), 900, 5), 901, "new")
			}
			changed = appendBytes(changed, f.number, f.bytes)
		}
		return appendString(changed, 77, "a frame of a new kind")
	}
	w := b.worker("worker")
	c, front := b.consumer("consumer")
	b.run(500 * time.Millisecond)
	b.send(c, front, edit("r", 1, []byte("in")))
	b.until("the input arrives", time.Second, func() bool { return len(w.ins) == 1 })
	w.Deliver(b.now, update("r", w.ins[0].From, []byte("out")))
	b.until("the output arrives", time.Second, func() bool { return len(c.outs) == 1 })
	if string(w.ins[0].Message.Data) != "in" || string(c.outs[0].Message.Data) != "out" {
		t.Errorf("%q and %q arrived", w.ins[0].Message.Data, c.outs[0].Message.Data)
	}
	if n := w.stats.Malformed + c.stats.Malformed + c.stats.Resets; n > 0 {
		t.Errorf("%d packets were malformed, or sessions reset", n)
	}
}

// TestChannels checks that rooms are placed only at workers that serve their channels.
func TestChannels(t *testing.T) {
	b := newBus(t, 1)
	one, two := b.worker("one", "a"), b.worker("two", "b", "c")
	p := b.process("consumer", "a")
	front, _ := p.Attach(b.now)
	b.run(500 * time.Millisecond)
	for _, room := range []string{"a.1", "a.2", "b.1", "c.1"} {
		b.send(p, front, edit(room, 1, nil))
	}
	if _, err := p.Send(b.now, front, edit("d.1", 1, nil)); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("a room of a channel without a worker: %v", err)
	}
	b.run(10 * time.Millisecond)
	if len(one.ins) != 2 || len(two.ins) != 2 {
		t.Errorf("%d and %d inputs arrived, want 2 and 2", len(one.ins), len(two.ins))
	}
}

func TestManyPeers(t *testing.T) {
	b := newBus(t, 1)
	w := b.worker("worker")
	c, front := b.consumer("consumer")
	for i := range 100 {
		b.process(fmt.Sprint("idle", i))
	}
	b.run(500 * time.Millisecond)
	b.send(c, front, edit("r", 1, nil))
	b.run(10 * time.Millisecond)
	for i := range 50 {
		w.Deliver(b.now, update("r", w.ins[0].From, make([]byte, 100)))
		b.run(10 * time.Millisecond)
		if len(c.outs) != i+1 {
			t.Fatalf("output %d waits", i)
		}
	}
	n := len(c.outs)
	w.Deliver(b.now, update("r", w.ins[0].From, make([]byte, 8<<20)))
	b.until("a large output arrives", 2*time.Second, func() bool { return len(c.outs) > n })
}

func TestHellos(t *testing.T) {
	const processes = 30
	b := newBus(t, 1)
	for i := range processes {
		b.process(fmt.Sprint("process", i))
	}
	b.run(time.Second)
	before := uint64(0)
	for _, p := range b.nodes {
		before += p.beats
	}
	for _, p := range b.nodes {
		p.Resume(b.now)
		b.run(5 * time.Millisecond)
	}
	b.run(500 * time.Millisecond)
	after := uint64(0)
	for _, p := range b.nodes {
		after += p.beats
	}
	if n := (after - before) / processes; n > 10 {
		t.Errorf("each process sent %d heartbeats within 650 ms", n)
	}
	if n := b.nodes[0].stats.PacketsSent; n > 50 {
		t.Errorf("%d packets sent to processes without a session", n)
	}
}

func TestFifoFull(t *testing.T) {
	var f fifo[int]
	for i := range 1 << 12 {
		f.push(i)
	}
	for f.len() < cap(f.items) {
		f.push(0)
	}
	moves := 0
	for range 1 << 10 {
		f.pop()
		head := f.head
		f.push(0)
		if f.head < head {
			moves++
		}
	}
	if moves > 1 {
		t.Errorf("%d items were moved %d times", f.len(), moves)
	}
}

func TestReturnedToClosedFront(t *testing.T) {
	b := newBus(t, 1)
	w := b.worker("worker")
	c, front := b.consumer("consumer")
	second, _ := c.Attach(b.now)
	b.run(500 * time.Millisecond)
	b.send(c, front, request("r", 2))
	b.send(c, second, request("r", 3))
	w.Drain(b.now)
	b.until("the requests are returned", time.Second, func() bool { return len(c.returned) == 2 })
	c.Detach(b.now, front)
	b.until("the other one is refused", strayPatience+time.Second, func() bool { return len(c.outs) > 0 })
	b.run(time.Second)
	if len(c.outs) != 1 || c.outs[0].Output.To != 3 {
		t.Errorf("%+v", c.outs)
	}
}

// TestLargeAndBusyRoom checks that a message arrives even if it is larger than the bound
// on the outputs that wait for its room, and other messages of the room follow it.
func TestLargeAndBusyRoom(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, edit("r", 1, nil))
	b.run(10 * time.Millisecond)
	to, large := w.ins[0].From, make([]byte, roomOutputs+1<<20)
	w.Deliver(b.now, update("r", to, large))
	for range 5 {
		b.run(time.Millisecond)
		w.Deliver(b.now, update("r", to, []byte("dropped")))
	}
	b.until("the front learns of what was dropped", 10*time.Second, func() bool { return len(c.lost) > 0 })
	if len(c.outs) != 1 || len(c.outs[0].Message.Data) != len(large) {
		t.Errorf("%d outputs arrived before, want only the large one", len(c.outs))
	}
	w.Deliver(b.now, update("r", to, []byte("later")))
	b.until("the next output arrives", time.Second, func() bool { return len(c.outs) == 2 })
	if len(c.lost) > 1 || w.stats.Dropped != 1 || c.stats.Malformed+c.stats.Resets > 0 {
		t.Errorf("%d losses were reported, want 1", len(c.lost))
	}
}

// TestOutputsOfAllRooms checks that the outputs that wait for one peer are bounded, and
// that only rooms with many of them lose some.
func TestOutputsOfAllRooms(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, edit("r", 1, nil))
	b.run(10 * time.Millisecond)
	to := w.ins[0].From
	q := &w.find(c.config.ID).queue
	c.stopped = true
	large := make([]byte, 30<<20)
	for i := range 10 {
		for j := range 3 {
			w.Deliver(b.now, update(fmt.Sprint("large", i), to, large[j:]))
		}
		for range 10 {
			w.Deliver(b.now, update(fmt.Sprint("small", i), to, []byte("small")))
		}
	}
	if q.bytes > mostOutputs+len(large)+1<<20 {
		t.Errorf("%d MiB wait", q.bytes>>20)
	}
	b.resume(c)
	b.until("all outputs arrive", 20*time.Second, func() bool { return q.empty() })
	b.run(100 * time.Millisecond)
	small := 0
	for _, out := range c.outs {
		if string(out.Message.Data) == "small" {
			small++
		}
	}
	if small != 100 || len(c.outs) < 108 || len(c.lost) == 0 || c.stats.Resets > 0 {
		t.Errorf("%d outputs arrived, %d of them of small rooms; %d losses", len(c.outs), small, len(c.lost))
	}
}

// TestInputsAmongOutputs checks that inputs are taken in a process whose worker has much to
// send to the same peer.
func TestInputsAmongOutputs(t *testing.T) {
	b := newBus(t, 1)
	w, other := b.worker("worker"), b.worker("other")
	front, _ := w.Attach(b.now)
	second, _ := other.Attach(b.now)
	b.run(500 * time.Millisecond)
	room := roomOf(w, other)
	b.send(other, second, edit(roomOf(other, w), 1, nil))
	b.run(10 * time.Millisecond)
	other.stopped = true
	w.Deliver(b.now, update("r", w.ins[0].From, make([]byte, mostInputs)))
	b.send(w, front, edit(room, 1, []byte("x")))
	b.resume(other)
	b.until("the input arrives", time.Second, func() bool { return len(other.ins) == 1 })
	b.until("the output arrives", time.Second, func() bool { return len(other.outs) == 1 })
	if q := w.find(other.config.ID).queue; q.inputs != 0 || q.bytes != 0 {
		t.Errorf("%d and %d bytes wait in an empty queue", q.inputs, q.bytes)
	}
}
