package outbox

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// counting is a client that counts its updates as Hocuspocus providers do, and a room that
// stores them in order.
type counting struct {
	out Outbox

	count   int // unsyncedChanges
	lastAsk int // how many updates had been sent at the last SyncStep1
	sent    int // updates
	stored  int // of these, from the first on
	steps   int // SyncStep1 of the room that the client has not answered
}

// The count of a client is never below the truth, and 0 at the end. This holds if no ack is on
// its way when the client begins to count again, of which the server can't know.
func TestAcksAreTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := counting{out: New(1<<10, event.GreetingClient, nil)}
		check := func() {
			if missing := c.sent - c.stored; missing > 0 && c.count == 0 {
				t.Fatalf("the client counts nothing, and the room lacks %d of its updates", missing)
			}
			if missing := c.sent - max(c.stored, c.lastAsk); missing > c.count {
				t.Fatalf("the client counts %d, and the room lacks %d updates since its last SyncStep1", c.count, missing)
			}
		}
		write := func() {
			for _, f := range c.out.Take(nil) {
				if f.Type == protocol.Ack {
					c.count = max(0, c.count-1)
				}
			}
			c.out.Wrote()
			check()
		}
		update := func() { c.sent++; c.out.Update() }
		store := func(n int) {
			c.stored += n
			if _, err := c.out.Add(&Frame{Type: protocol.Ack, Count: n}); err != nil {
				t.Fatal(err)
			}
			check()
		}
		t.Repeat(map[string]func(*rapid.T){
			"edit": func(*rapid.T) { c.count++; update() },
			"sync": func(t *rapid.T) {
				if c.steps > 0 {
					t.Skip("it has to answer first")
				}
				c.count = 1
				c.lastAsk = c.sent
				c.out.Question()
				c.steps = 1
			},
			"answer": func(t *rapid.T) {
				if c.steps == 0 {
					t.Skip("nothing to answer")
				}
				c.steps = 0
				update() // not counted: the SyncStep1 was
			},
			"store": func(t *rapid.T) {
				if c.sent == c.stored {
					t.Skip("all is stored")
				}
				store(rapid.IntRange(1, c.sent-c.stored).Draw(t, "n"))
			},
			"write": func(*rapid.T) { write() },
		})
		if c.steps > 0 {
			update()
		}
		if c.sent > c.stored {
			store(c.sent - c.stored)
		}
		for !c.out.Empty() {
			write()
		}
		if c.count != 0 {
			t.Fatalf("all is stored, and the client counts %d", c.count)
		}
	})
}

// Acks are neither dropped nor repeated when the outbox overflows, and take no memory.
func TestAcksSurvive(t *testing.T) {
	out := New(1<<10, event.GreetingClient, nil)
	ack, reject := &Frame{Type: protocol.Ack, Count: 3}, &Frame{Type: protocol.Reject, Count: 2}
	for range 1000 {
		for range 5 {
			out.Update()
		}
		for _, f := range []*Frame{ack, {Type: protocol.Update, Broadcast: true, Head: make([]byte, 500)}, reject} {
			if _, err := out.Add(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	out.Refuse(reject)
	if out.Waiting() > 1<<10 {
		t.Errorf("%d bytes wait", out.Waiting())
	}
	got := map[protocol.Type]int{}
	for !out.Empty() {
		frames := out.Take(nil)
		if len(frames) > 2*mostAcks+10 {
			t.Errorf("%d frames are taken at once", len(frames))
		}
		for _, f := range frames {
			got[f.Type]++
		}
		out.Wrote()
	}
	if got[protocol.Ack] != 3000 || got[protocol.Reject] != 2001 {
		t.Errorf("%d acks and %d rejects", got[protocol.Ack], got[protocol.Reject])
	}
	if _, err := out.Add(ack); err != nil {
		t.Fatal(err)
	}
	out.Discard()
	if !out.Empty() {
		t.Error("an ack waits after Discard")
	}
}

// What can be neither dropped nor merged is bounded.
func TestAside(t *testing.T) {
	out := New(1<<10, event.GreetingClient, nil)
	big := &Frame{Type: protocol.Stateless, Head: make([]byte, 1<<12)}
	if change, _ := out.Add(big); change != ChangeNone {
		t.Errorf("the first is refused: %v", change)
	}
	if change, _ := out.Add(&Frame{Type: FromConsumer}); change != ChangeOverrun {
		t.Errorf("the second is taken: %v", change)
	}
	out.Take(nil)
	if change, _ := out.Add(big); change != ChangeNone {
		t.Errorf("after these are written: %v", change)
	}
}
