package link

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

func TestExchange(t *testing.T) {
	b := newBus(t, 1)
	w := b.worker("worker")
	c, front := b.consumer("consumer")
	if _, err := c.Send(b.now, front, edit("r", 1, nil)); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("before anything is known, Send returned %v", err)
	}
	b.run(300 * time.Millisecond)
	for i := range 100 {
		b.send(c, front, edit("r", 1, []byte{byte(i)}))
	}
	b.until("the inputs arrive", time.Second, func() bool { return len(w.ins) == 100 })
	for i, in := range w.ins {
		if in.Message.Data[0] != byte(i) || in.From == "" || in.Room != "r" {
			t.Fatalf("input %d: %+v", i, in)
		}
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 20<<16)
	w.Deliver(b.now, update("big", w.ins[0].From, big))
	w.Deliver(b.now, update("r", w.ins[0].From, []byte("small")))
	b.until("the small output arrives", time.Second, func() bool { return len(c.outs) == 1 })
	if c.outs[0].Room != "r" || c.outs[0].To != w.ins[0].From {
		t.Errorf("%+v arrived before a small output of another room", c.outs[0])
	}
	b.until("the large output arrives", 10*time.Second, func() bool { return len(c.outs) == 2 })
	if !bytes.Equal(c.outs[1].Message.Data, big) {
		t.Error("the large output is damaged")
	}
	if c.stats.Resets+w.stats.Resets > 0 {
		t.Errorf("%d and %d sessions were reset", c.stats.Resets, w.stats.Resets)
	}
}

// TestGap checks that a lost packet is reported at both ends, and that the session
// goes on.
func TestGap(t *testing.T) {
	for _, lost := range []string{"an input", "an output", "the last input", "the last output"} {
		t.Run(lost, func(t *testing.T) {
			b := newBus(t, 1)
			w := b.worker("worker")
			c, front := b.consumer("consumer")
			b.run(300 * time.Millisecond)
			b.send(c, front, edit("r", 1, nil))
			b.run(10 * time.Millisecond)
			address := w.ins[0].From
			exchange := func() {
				if lost == "an input" || lost == "the last input" {
					b.send(c, front, edit("r", 1, nil))
				} else {
					w.Deliver(b.now, update("r", address, nil))
				}
				b.run(10 * time.Millisecond)
			}
			b.cut = func(from, to *process) bool { return from != to }
			exchange()
			b.cut = nil
			if lost[:3] != "the" {
				exchange()
			}
			b.until("both ends learn of it", 2*time.Second, func() bool { return len(c.lost) > 0 && len(w.backs) > 0 })
			if !c.lost[0]("r") || w.backs[0] != address || len(w.gone) > 0 {
				t.Errorf("lost: r %v; %q, want %q; gone %q", c.lost[0]("r"), w.backs[0], address, w.gone)
			}
			n := len(w.ins)
			b.send(c, front, edit("r", 1, nil))
			b.until("the next input arrives", time.Second, func() bool { return len(w.ins) > n })
			if w.ins[n].From != address {
				t.Errorf("the address of the front is now %q", w.ins[n].From)
			}
			w.Deliver(b.now, update("r", address, nil))
			b.until("the next output arrives", time.Second, func() bool { return len(c.outs) > 0 })
			b.run(10 * time.Second)
			if len(c.lost) != 1 || len(w.backs) != 1 {
				t.Errorf("the loss was reported %d and %d times", len(c.lost), len(w.backs))
			}
		})
	}
}

// TestPlacement checks that rooms are spread evenly over the workers. When a worker dies,
// only its rooms move; when a worker comes, only the rooms that it runs move.
func TestPlacement(t *testing.T) {
	const rooms = 10_000
	for _, workers := range []int{3, 5, 8} {
		b := newBus(t, uint64(workers))
		for range workers {
			b.worker("worker")
		}
		c, _ := b.consumer("consumer")
		b.run(handOver + time.Second)
		v, counts := c.view, map[ID]int{}
		for i := range rooms {
			owner, _ := v.owner("", fmt.Sprintf("room-%d", i))
			counts[owner]++
		}
		for id, n := range counts {
			if share := float64(n) * float64(workers) / rooms; math.Abs(share-1) > 0.1 {
				t.Errorf("%d workers: %v has %d of %d rooms", workers, id, n, rooms)
			}
		}
		dead := b.nodes[0]
		dead.dead = true
		b.until("the death is noticed", 3200*time.Millisecond, func() bool { return len(c.view.workers) == workers-1 })
		b.run(100 * time.Millisecond)
		if len(c.lost) != 1 {
			t.Fatalf("%d losses were reported, want 1", len(c.lost))
		}
		for i := range rooms {
			room := fmt.Sprintf("room-%d", i)
			before, _ := v.owner("", room)
			after, _ := c.view.owner("", room)
			if before != dead.config.ID && before != after {
				t.Fatalf("%s moved from %v to %v, though %v died", room, before, after, dead.config.ID)
			}
			if !v.owns(before, "", hash(room)) || v.owns(dead.config.ID, "", hash(room)) != (before == dead.config.ID) {
				t.Fatalf("owner and owns contradict each other on %s", room)
			}
			if c.lost[0](room) != (before == dead.config.ID) {
				t.Fatalf("%s is reported as lost: %v", room, c.lost[0](room))
			}
		}
	}
}

func TestStopped(t *testing.T) {
	b := newBus(t, 1)
	w, other := b.worker("worker"), b.worker("other")
	c, front := b.consumer("consumer")
	b.run(500 * time.Millisecond)
	room := "r"
	for i := 0; ; i++ {
		room = fmt.Sprint("r", i)
		if owner, _ := c.view.owner("", room); owner == w.config.ID {
			break
		}
	}
	b.send(c, front, edit(room, 1, nil))
	b.until("the input arrives", time.Second, func() bool { return len(w.ins) == 1 })
	w.stopped = true
	b.until("the worker is given up", 3300*time.Millisecond, func() bool { return len(c.lost) > 0 })
	b.send(c, front, edit(room, 1, nil))
	b.until("the input arrives elsewhere", time.Second, func() bool { return len(other.ins) == 1 })
	b.run(5 * time.Second)
	b.resume(w)
	b.until("the worker is back", 2*time.Second, func() bool { return len(c.view.workers) == 2 && len(other.moved) > 0 })
	if !other.moved[0](room) {
		t.Error("the room didn't move back")
	}
	b.until("the session is open", time.Second, func() bool {
		_, err := c.Send(b.now, front, edit(room, 1, nil))
		return err == nil
	})
	b.until("an input arrives", time.Second, func() bool { return len(w.ins) > 1 })
	if w.stats.GivenUp > 0 {
		t.Errorf("the stopped worker gave up %d others, though only itself was silent", w.stats.GivenUp)
	}
}

func TestDrain(t *testing.T) {
	b := newBus(t, 1)
	w, other := b.worker("worker"), b.worker("other")
	c, front := b.consumer("consumer")
	b.run(500 * time.Millisecond)
	for i := range 20 {
		b.send(c, front, edit(fmt.Sprint("r", i), 1, nil))
	}
	b.run(10 * time.Millisecond)
	n := len(w.ins)
	if n == 0 || n+len(other.ins) != 20 {
		t.Fatalf("%d and %d inputs arrived", n, len(other.ins))
	}
	address := w.ins[0].From
	w.Drain(b.now)
	b.run(20 * time.Millisecond)
	for i := range 20 {
		b.send(c, front, edit(fmt.Sprint("r", i), 1, nil))
	}
	b.run(10 * time.Millisecond)
	if len(w.ins) != n || len(other.ins) != 40-n {
		t.Errorf("after the drain, %d and %d inputs arrived", len(w.ins)-n, len(other.ins)-20+n)
	}
	if len(c.lost) > 0 {
		t.Error("the drain is reported as a loss")
	}
	w.Deliver(b.now, update("r1", address, []byte("last")))
	w.CloseBack(b.now)
	b.until("the end is reported", 100*time.Millisecond, func() bool { return len(c.lost) == 1 })
	if len(c.outs) != 1 {
		t.Errorf("%d outputs arrived before, want 1", len(c.outs))
	}
	b.run(2 * time.Second)
	if len(c.lost) != 1 {
		t.Errorf("the end is reported %d times", len(c.lost))
	}
	if err := w.Serve(b.now); err != nil {
		t.Fatal(err)
	}
	b.until("rooms are placed there again", time.Second, func() bool { return len(c.view.workers) == 2 && len(other.moved) > 0 })
}

// TestFrontGone checks that a worker learns of the end of a front after all its inputs,
// though other fronts keep sending.
func TestFrontGone(t *testing.T) {
	b := newBus(t, 1)
	w := b.worker("worker")
	c, front := b.consumer("consumer")
	second, _ := c.Attach(b.now)
	b.run(300 * time.Millisecond)
	b.send(c, front, edit("r", 1, nil))
	b.send(c, second, edit("r", 2, nil))
	b.run(10 * time.Millisecond)
	w.stopped = true
	for range 4 { // more than may be on the way
		b.send(c, front, edit("r", 1, bytes.Repeat([]byte{1}, 1<<20)))
	}
	b.send(c, front, edit("another", 1, nil))
	c.Detach(b.now, front)
	b.run(100 * time.Millisecond)
	b.resume(w)
	large := bytes.Repeat([]byte{2}, 64<<10)
	b.until("the front is gone", time.Second, func() bool {
		_, err := c.Send(b.now, second, edit("busy", 2, large)) // something always waits
		return err != nil || len(w.gone) == 1
	})
	inputs := 0
	for _, l := range w.log {
		switch {
		case l.Kind == EventInput && l.Input.From == w.ins[0].From:
			inputs++
		case l.Kind == EventGone && (l.Address != w.ins[0].From || inputs != 6):
			t.Errorf("%q is gone after %d inputs of the first front, want %q after 6", l.Address, inputs, w.ins[0].From)
		}
	}
	if c.Flushed() {
		t.Error("nothing of the other front waits")
	}
	b.run(time.Second)
	if len(w.gone) != 1 {
		t.Errorf("%d fronts are gone, want 1", len(w.gone))
	}
	c.dead = true
	b.until("the other front is gone with its process", 3100*time.Millisecond, func() bool { return len(w.gone) == 2 })
	if w.gone[1] != w.ins[1].From {
		t.Errorf("gone: %q, want %q", w.gone[1], w.ins[1].From)
	}
}

// TestDeaf checks that a Node which receives nothing notices that, gives up no other Node,
// and exchanges messages again when the bus carries them.
func TestDeaf(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, edit("r", 1, nil))
	b.run(10 * time.Millisecond)
	b.cut = func(from, to *process) bool { return true }
	b.until("both are deaf", 2*time.Second, func() bool { return c.Deaf() && w.Deaf() })
	if _, err := c.Send(b.now, front, edit("r", 1, nil)); !errors.Is(err, layer.ErrNoOwner) {
		t.Errorf("Send of a deaf Node returned %v", err)
	}
	b.run(20 * time.Second)
	b.cut = nil
	b.until("both hear again", time.Second, func() bool { return !c.Deaf() && !w.Deaf() })
	b.send(c, front, edit("r", 1, nil))
	b.until("an input arrives", time.Second, func() bool { return len(w.ins) == 2 })
	if len(w.gone)+len(c.lost) > 0 || c.stats.GivenUp+w.stats.GivenUp > 0 {
		t.Errorf("%d fronts gone, %d losses, though nothing was sent meanwhile", len(w.gone), len(c.lost))
	}
}

func TestOneWay(t *testing.T) {
	b := newBus(t, 1)
	w, other := b.worker("worker"), b.worker("other")
	c, front := b.consumer("consumer")
	b.run(500 * time.Millisecond)
	room := roomOf(c, w)
	b.send(c, front, edit(room, 1, nil))
	b.until("the input arrives", time.Second, func() bool { return len(w.ins) == 1 })
	b.cut = func(from, to *process) bool { return from == c && to == w }
	b.send(c, front, edit(room, 1, nil))
	b.until("an input arrives elsewhere", 15*time.Second, func() bool {
		_, _ = c.Send(b.now, front, edit(room, 1, nil))
		b.run(10 * time.Millisecond)
		return len(other.ins) > 0
	})
	if len(c.lost) == 0 || !c.lost[0](room) {
		t.Error("the loss is not reported")
	}
	b.cut = nil
	b.until("the room is back", 10*time.Second, func() bool {
		_, _ = c.Send(b.now, front, edit(room, 1, nil))
		b.run(10 * time.Millisecond)
		return len(w.ins) > 1
	})
	b.run(time.Second)
	resets := c.stats.Resets + w.stats.Resets
	b.run(20 * time.Second)
	if n := c.stats.Resets + w.stats.Resets; n != resets {
		t.Errorf("%d more sessions were reset", n-resets)
	}
}

func TestServeAgain(t *testing.T) {
	b := newBus(t, 1)
	w, other := b.worker("worker"), b.worker("other")
	b.run(500 * time.Millisecond)
	w.CloseBack(b.now)
	b.run(100 * time.Millisecond)
	if err := w.Serve(b.now); err != nil {
		t.Fatal(err)
	}
	b.run(5 * time.Second)
	if len(other.view.workers) != 2 {
		t.Errorf("%d workers are known, want 2", len(other.view.workers))
	}
}

func TestFrontClosedUnheard(t *testing.T) {
	for _, when := range []string{"lost", "between two sessions"} {
		for _, last := range []bool{false, true} {
			t.Run(fmt.Sprint(when, last), func(t *testing.T) {
				b := newBus(t, 1)
				w := b.worker("worker")
				c, front := b.consumer("consumer")
				if !last {
					c.Attach(b.now)
				}
				b.run(500 * time.Millisecond)
				b.send(c, front, edit("r", 1, nil))
				b.run(10 * time.Millisecond)
				address := w.ins[0].From
				b.cut = func(from, to *process) bool { return from != to }
				if when != "lost" {
					c.reset(c.find(w.config.ID))
				}
				c.Detach(b.now, front)
				b.run(10 * time.Millisecond)
				b.cut = nil
				asked := 0
				b.until("the worker learns of it", 5*time.Second, func() bool {
					for ; asked < len(w.backs); asked++ { // what a worker does
						w.Deliver(b.now, &layer.Output{Room: "r", To: w.backs[asked], Output: event.Output{Kind: event.OutputRejoin, To: 1}})
					}
					return len(w.gone) > 0
				})
				if w.gone[0] != address {
					t.Errorf("%q is gone, want %q", w.gone[0], address)
				}
			})
		}
	}
}

// TestDeafLeave checks that a connection which leaves while the Node is deaf leaves its
// room: the worker receives the Leave, or learns of the loss.
func TestDeafLeave(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, edit("r", 1, nil))
	b.run(10 * time.Millisecond)
	b.cut = func(from, to *process) bool { return true }
	b.until("the consumer is deaf", 2600*time.Millisecond, c.Deaf)
	b.send(c, front, &layer.Input{Room: "r", Input: event.Input{Kind: event.InputLeave, Conn: 1}})
	b.run(time.Second)
	b.cut = nil
	b.until("the worker learns of it", 3*time.Second, func() bool { return len(w.ins) == 2 || len(w.backs) > 0 })
}

// TestLastOutputs checks that outputs which a worker has delivered before its end arrive
// before the end is reported, though that takes longer than a heartbeat.
func TestLastOutputs(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, edit("r", 1, nil))
	b.run(10 * time.Millisecond)
	w.Deliver(b.now, update("r", w.ins[0].From, make([]byte, 80<<20)))
	w.CloseBack(b.now)
	start := b.now
	b.until("the end is reported", 4*time.Second, func() bool { return len(c.lost) > 0 })
	if len(c.outs) != 1 || b.now.Sub(start) < beatInterval {
		t.Errorf("%d outputs arrived before, want 1; within %v", len(c.outs), b.now.Sub(start))
	}
}

// TestFlush checks that Flush reports when everything has arrived, and that it doesn't wait
// for acknowledgements that are late.
func TestFlush(t *testing.T) {
	b, w, c, front := newPair(t)
	b.send(c, front, edit("r", 1, nil))
	b.run(300 * time.Millisecond)
	if !w.Flush(b.now) {
		t.Error("Flush waits though nothing was sent")
	}
	b.cut = func(from, to *process) bool { return from == w }
	w.Deliver(b.now, update("r", w.ins[0].From, bytes.Repeat([]byte{1}, 1<<20)))
	b.run(10 * time.Millisecond)
	b.cut = nil
	if w.Flush(b.now) {
		t.Error("Flush doesn't wait, though a packet was lost")
	}
	b.until("the loss is known", 500*time.Millisecond, func() bool { return w.Flush(b.now) && len(c.lost) > 0 })
	b.run(300 * time.Millisecond)
	w.Deliver(b.now, update("r", w.ins[0].From, bytes.Repeat([]byte{1}, 1<<20)))
	b.until("everything has arrived", 100*time.Millisecond, func() bool { return w.Flush(b.now) })
	if len(c.outs) != 1 {
		t.Errorf("%d outputs have arrived, want 1", len(c.outs))
	}
}
