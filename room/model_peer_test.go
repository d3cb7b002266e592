package room

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

// peer is the other end of a connection.
type peer struct {
	questions

	access   event.Access
	acks     bool
	user     string
	greeting event.Greeting
	answered bool // in this turn

	uncounted []byte // the state vector of its newest SyncStep1, until its SyncStep2
	begun     bool   // it has sent SyncStep1
	replied   bool   // and then SyncStep2

	enc    blocks.Encoding
	doc    *blocks.Store
	based  bool // it received a SyncStep2 or the answer to a Resync
	behind bool // it doesn't receive the broadcasts

	accessSeq uint64
	granted   event.Access // what its consumer takes the access for
	seen      uint64       // the AccessSeq that the consumer knows
	deaf      bool         // the consumer doesn't receive an OutputAccess

	mark    event.Mark
	vectors []event.Output // the outputs with a state vector
	shown   bool           // it received the awareness states
	since   int            // the value of removes when it joined
	present map[uint64]shown
}

type shown struct {
	clock   uint64
	state   string
	owner   event.ConnID
	renewed time.Time
}

// receive handles an output as a consumer and its client do.
func (p *peer) receive(t *rapid.T, o event.Output) {
	switch o.Message.Type {
	case protocol.Awareness:
		r := lib0.NewReader(o.Message.Data)
		for n := r.Uint(); n > 0; n-- {
			id := r.Uint()
			s := shown{clock: r.Uint(), state: string(r.Text())}
			switch {
			case s.state != "null":
				p.present[id] = s
			case o.To == event.Everyone: // otherwise the client raises its own clock
				delete(p.present, id)
			}
		}
		return
	case protocol.Update:
		if o.To == event.Everyone && p.behind {
			return
		}
	}
	if o.To != event.Everyone {
		p.behind, p.based = false, true
	}
	if _, err := p.doc.Apply(o.Message.Data, p.enc); err != nil {
		t.Fatal(err)
	}
	if o.Vector != nil {
		if p.based && !covers(t, readVector(t, p.doc.StateVector()), o.Vector) {
			t.Fatalf("the state vector %x was sent to a client that has %x", o.Vector, p.doc.StateVector())
		}
		p.vectors = append(p.vectors, o)
	}
	if p.based {
		if o.Mark.Seq < p.mark.Seq {
			t.Fatalf("sequence %d after %d", o.Mark.Seq, p.mark.Seq)
		}
		p.mark = o.Mark
	}
}

// vectorBefore returns the newest state vector that was sent at or before m.
func (p *peer) vectorBefore(m event.Mark) []byte {
	for _, o := range slices.Backward(p.vectors) {
		if o.Mark.Seq <= m.Seq {
			return o.Vector
		}
	}
	return nil
}

// readVector returns a state vector as a map.
func readVector(t *rapid.T, vector []byte) map[uint64]uint64 {
	clocks := make(map[uint64]uint64)
	r := lib0.NewReader(vector)
	for n := r.Uint(); n > 0; n-- {
		client := r.Uint()
		clocks[client] = r.Uint()
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return clocks
}

// covers reports whether a document holds everything that a state vector counts.
func covers(t *rapid.T, doc map[uint64]uint64, vector []byte) bool {
	for client, clock := range readVector(t, vector) {
		if doc[client] < clock {
			return false
		}
	}
	return true
}

func (w *world) check(t *rapid.T) {
	held := w.room.blocks.Encode(blocks.V1)
	if !same(t, w.doc, w.room.blocks) {
		t.Fatal("the room's document is not what was sent to it")
	}
	if !same(t, w.log, w.room.blocks) {
		t.Fatal("the log holds another document")
	}
	if got := slices.Sorted(maps.Keys(w.room.conns)); !slices.Equal(got, slices.Sorted(maps.Keys(w.joined))) {
		t.Fatalf("in the room: %v", got)
	}
	if w.room.Empty() != (len(w.joined)+len(w.watching)+len(w.controls) == 0) {
		t.Fatalf("Empty returns %v with %d connections and %d watchers", w.room.Empty(), len(w.joined), len(w.watching))
	}
	for conn := range w.watching {
		if !contains(t, w.told[conn], held) || w.at[conn] != w.room.mark() {
			t.Fatalf("connection %d watches, but lacks something", conn)
		}
	}
	var deadline time.Time
	for _, s := range w.present {
		if end := s.renewed.Add(30 * time.Second); deadline.IsZero() || end.Before(deadline) {
			deadline = end
		}
	}
	for _, p := range w.joined {
		if due := p.asked.Add(askPause); p.noted && (deadline.IsZero() || due.Before(deadline)) {
			deadline = due
		}
	}
	if got := w.room.Deadline(); got.IsZero() != deadline.IsZero() || got.After(deadline) {
		t.Fatalf("deadline %v, want %v at the latest", got, deadline)
	}
	// The last clock of a state that was only renewed is sent by the deadline.
	soon := w.room.awareness.Deadline()
	if !soon.IsZero() && !soon.After(w.now) {
		t.Fatalf("what was due at %v was not done", soon)
	}
	allSent := soon.IsZero() || soon.Sub(w.now) > 3*time.Second
	want := make(map[uint64]string)
	for id, s := range w.present {
		want[id] = s.text(allSent)
	}
	for conn, p := range w.joined {
		if p.based && !p.behind {
			if !contains(t, p.doc, held) {
				t.Fatalf("connection %d lacks something", conn)
			}
			if len(w.room.saved.list) > maxSaved {
				t.Fatalf("%d state vectors", len(w.room.saved.list))
			}
		}
		if p.shown {
			got := make(map[uint64]string)
			for id, s := range p.present {
				got[id] = s.text(allSent)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("connection %d has other awareness states (-want +got)\n%s", conn, diff)
			}
		}
	}
}

// text describes a state, with its clock or without.
func (s shown) text(clock bool) string {
	if !clock {
		return s.state
	}
	return fmt.Sprint(s.clock, s.state)
}

// same reports whether two documents have the same content. Pending blocks may be split
// differently.
func same(t *rapid.T, a, b *blocks.Store) bool {
	return bytes.Equal(a.StateVector(), b.StateVector()) &&
		contains(t, a, b.Encode(blocks.V1)) && contains(t, b, a.Encode(blocks.V1))
}

func contains(t *rapid.T, s *blocks.Store, update []byte) bool {
	all, err := s.Contains(update, blocks.V1)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
