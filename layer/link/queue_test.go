package link

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestQueue puts messages of all sizes into a queue, takes packets of all sizes from it,
// and checks that each room's messages come out as they were put, in order.
func TestQueue(t *testing.T) {
	random := make([]byte, 1<<18)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random) // never fails
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		piece := func() []byte {
			n := rnd.IntN(1 << rnd.IntN(18))
			from := rnd.IntN(len(random) - n + 1)
			return random[from : from+n]
		}
		var q queue
		var p parts
		put, got := map[string][][]byte{}, map[string][][]byte{}
		take := func() {
			r := fields{b: q.fill(nil, 1+rnd.IntN(packetSize))}
			for f, more := r.next(); more; f, more = r.next() {
				if f.number == framePart {
					whole, complete, ok := p.add(f.bytes)
					if !ok {
						t.Fatalf("seed %d: a part can't be added", seed)
					}
					if !complete {
						continue
					}
					f = whole
				}
				room := fmt.Sprint("room", f.number)
				got[room] = append(got[room], bytes.Clone(f.bytes))
			}
			if r.bad {
				t.Fatalf("seed %d: a packet can't be read", seed)
			}
		}
		for range 100 {
			kind := uint64(frameBackClosed + 10 + rnd.IntN(4))
			m := message{kind: kind, room: fmt.Sprint("room", kind), head: piece()}
			if rnd.IntN(2) == 0 {
				m.data = piece()
			}
			put[m.room] = append(put[m.room], append(bytes.Clone(m.head), m.data...))
			q.put(m)
			if rnd.IntN(3) == 0 {
				take()
			}
		}
		for !q.empty() {
			take()
		}
		for room := range put {
			if len(put[room]) != len(got[room]) {
				t.Fatalf("seed %d: %d messages of %s came out, want %d", seed, len(got[room]), room, len(put[room]))
			}
			for i := range put[room] {
				if !bytes.Equal(put[room][i], got[room][i]) {
					t.Fatalf("seed %d: message %d of %s is damaged", seed, i, room)
				}
			}
		}
		if q.bytes != 0 || q.inputs != 0 || len(p.streams) != 0 {
			t.Fatalf("seed %d: an empty queue counts %d bytes, %d of inputs; %d frames are incomplete", seed, q.bytes, q.inputs, len(p.streams))
		}
	}
}
