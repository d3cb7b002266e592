package room

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
)

func TestSavedVectors(t *testing.T) {
	var saved savedVectors
	vector := func(seq uint64) []byte { return []byte{1, byte(seq), 1} }
	for seq := uint64(1); seq <= maxSaved; seq++ {
		saved.add(10*seq, vector(10*seq))
	}
	for seq, want := range map[uint64][]byte{
		0:                  emptyVector,
		9:                  emptyVector,
		10:                 vector(10),
		19:                 vector(10),
		20:                 vector(20),
		10*maxSaved - 1:    vector(10 * (maxSaved - 1)),
		10*maxSaved + 1000: vector(10 * maxSaved),
	} {
		got, ok := saved.before(seq)
		if diff := cmp.Diff(want, got); diff != "" || ok != (seq >= 10) {
			t.Errorf("before %d: %v, (-want +got)\n%s", seq, ok, diff)
		}
	}

	// Of many, the older half is thinned out, and the first one is kept.
	for seq := uint64(maxSaved + 1); seq <= 100*maxSaved; seq++ {
		saved.add(10*seq, vector(10*seq))
		if len(saved.list) > maxSaved {
			t.Fatalf("%d are kept", len(saved.list))
		}
	}
	if first := saved.list[0].seq; first != 10 {
		t.Errorf("the first is at %d, want 10", first)
	}
	for i := 1; i < len(saved.list); i++ {
		if saved.list[i-1].seq >= saved.list[i].seq {
			t.Errorf("number %d is at %d, and the one before it at %d", i, saved.list[i].seq, saved.list[i-1].seq)
		}
	}
	if newest := saved.list[len(saved.list)-maxSaved/2:]; newest[0].seq != 10*(100*maxSaved-maxSaved/2+1) {
		t.Errorf("of the newest %d the first is at %d", len(newest), newest[0].seq)
	}
}

func TestVectorsAreSaved(t *testing.T) {
	r := New(Config{})
	r.saveEvery = 256 << 10
	step := func(in event.Input) { r.Step(at(1), []event.Input{in}) }
	step(event.Input{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite})
	for i := range uint64(40) {
		step(write(1, testkit.Typed(7, 100_000*i, strings.Repeat("x", 100_000))))
	}
	var seqs []uint64
	for _, m := range r.saved.list {
		seqs = append(seqs, m.seq)
	}
	want := []uint64{1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34, 37, 40}
	if diff := cmp.Diff(want, seqs); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	step(event.Input{Kind: event.InputLeave, Conn: 1})
	if len(r.saved.list) != 0 {
		t.Error("an empty room keeps state vectors")
	}
}

// The room seldom sends a state vector that is large compared with the updates.
func TestSavedVectorsCostLittle(t *testing.T) {
	r := New(Config{})
	for client := range uint64(2000) {
		if err := r.Load(testkit.Typed(1000+client, 0, "a"), blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	r.Step(at(1), []event.Input{{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite}})
	const each, turns = 10_000, 100
	sent := 0
	for i := range uint64(turns) {
		data := testkit.Typed(7, each*i, strings.Repeat("x", each))
		for _, o := range r.Step(at(1), []event.Input{write(1, data)}).Durable {
			sent += len(o.Vector)
		}
	}
	if sent == 0 || sent > each*turns/8 {
		t.Errorf("state vectors of %d bytes were sent with updates of %d bytes", sent, each*turns)
	}
}
