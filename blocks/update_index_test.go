package blocks

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
)

// forger makes blocks of a document that several clients edit in turns, and now and then
// one that no client can have written.
type forger struct {
	random *rand.Rand
	clocks [4]uint64
	rights [4]id   // the right origin of each client's last insertion, or noID
	lists  [2][]id // the elements of a text and of an array, in order
	entry  id      // the last entry of a map key, or noID
	all    []id
}

// blocks returns n blocks, of which about one in rate is forged.
func (f *forger) blocks(n, rate int) (list []block) {
	client := uint64(1 + f.random.IntN(3))
	for range n {
		if f.random.IntN(4) == 0 { // mostly a client writes several blocks
			client = uint64(1 + f.random.IntN(3))
		}
		b := f.next(client)
		if f.random.IntN(rate) == 0 {
			f.forge(&b)
		}
		f.clocks[client] = b.end()
		for clock := b.clock; clock < b.end(); clock++ {
			f.all = append(f.all, id{client, clock})
		}
		list = append(list, b)
	}
	return list
}

// next returns an honest block.
func (f *forger) next(client uint64) block {
	b := block{client: client, clock: f.clocks[client], len: 1}
	switch f.random.IntN(20) {
	case 0:
		b.kind = kindGC
		return b
	case 1, 2: // an entry of a map key
		b.kind, b.content = kindAny, []byte{0x7d, 1}
		if b.flags, b.origin = hasOrigin, f.entry; f.entry == noID {
			b.flags, b.parent = hasKey, []byte("\x01\x01m\x01k")
		}
		f.entry = b.id()
		return b
	}
	which := f.random.IntN(2)
	list := f.lists[which]
	at := f.random.IntN(len(list) + 1)
	last := id{client, b.clock - 1}
	follows := f.random.IntN(3) == 0 && slices.Contains(list, last)
	if follows {
		at = slices.Index(list, last) + 1
	}
	if at > 0 {
		b.flags, b.origin = hasOrigin, list[at-1]
	}
	if at < len(list) {
		b.flags, b.right = b.flags|hasRight, list[at]
	}
	if right := f.rights[client]; follows && right != noID { // even if others have inserted something there
		b.flags, b.right = b.flags|hasRight, right
	}
	f.rights[client] = b.rightOrNone()
	if b.flags == 0 {
		b.parent = []byte([]string{"\x01\x01t", "\x01\x01r"}[which])
	}
	b.len = uint64(1 + f.random.IntN(3))
	switch kind := []kind{kindString, kindAny}[which]; f.random.IntN(6) {
	case 0:
		b.kind = kindDeleted
	case 1:
		b.kind, b.len, b.content = kindType, 1, []byte{0}
	case 2:
		b.kind, b.len, b.content = kindEmbed, 1, []byte("\x011")
	default:
		b.kind = kind
		for range b.len {
			b.content = append(b.content, [][]byte{{'x'}, {0x7d, 1}}[which]...)
		}
	}
	for clock := b.clock; clock < b.end(); clock++ {
		list = slices.Insert(list, at+int(clock-b.clock), id{client, clock})
	}
	f.lists[which] = list
	return b
}

// forge changes what a block refers to.
func (f *forger) forge(b *block) {
	var known []id
	for _, x := range f.all {
		if x.client != b.client || x.clock < b.clock {
			known = append(known, x)
		}
	}
	if len(known) == 0 || b.kind == kindGC {
		return
	}
	x := known[f.random.IntN(len(known))]
	switch f.random.IntN(3) {
	case 0:
		b.flags, b.right, b.parent = b.flags|hasRight, x, nil
	case 1:
		b.flags, b.origin, b.parent = b.flags|hasOrigin, x, nil
	default:
		b.flags, b.parent = hasKey, []byte("\x01\x01m\x01k")
	}
}

// encode returns the blocks as an update.
func (f *forger) encode(list []block) []byte {
	update := []byte{0}
	for client := uint64(3); client > 0; client-- {
		var wire []byte
		n, first := uint64(0), uint64(0)
		for _, b := range list {
			if b.client != client {
				continue
			}
			if n == 0 {
				first = b.clock
			}
			n++
			wire, _ = b.appendTo(wire)
		}
		if n > 0 {
			update[0]++
			update = lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(update, n), client), first)
			update = append(update, wire...)
		}
	}
	if len(f.all) == 0 || f.random.IntN(3) > 0 {
		return append(update, 0)
	}
	x := f.all[f.random.IntN(len(f.all))]
	return append(lib0.AppendUint(append(update, 1, byte(x.client), 1), x.clock), 1)
}

// TestSkippedBlocks compares a store with one that looks at every block. The updates have
// up to 120 blocks, come in any order, and some are forged.
func TestSkippedBlocks(t *testing.T) {
	taken, pending, refused, doubts := 0, 0, 0, 0
	for seed := range uint64(1500) {
		f := &forger{random: rand.New(rand.NewPCG(seed, 1)), entry: noID, rights: [4]id{noID, noID, noID, noID}}
		options := Options{Try: func(func() [][]byte) error { return nil }}
		s, whole := NewWith(options), NewWith(options)
		s.HoldPending()
		whole.HoldPending()
		whole.blockwise = true
		for _, u := range f.updates() {
			added, err := s.Apply(u, V1)
			want, wantErr := whole.Apply(u, V1)
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("seed %d, update %x: %v, want %v", seed, u, err, wantErr)
			}
			if !bytes.Equal(added, want) || !bytes.Equal(s.Integrated(), whole.Integrated()) || !bytes.Equal(s.Encode(V1), whole.Encode(V1)) {
				t.Fatalf("seed %d, update %x: the documents differ", seed, u)
			}
			if fmt.Sprint(s.spots.kept.copy(), s.trials) != fmt.Sprint(whole.spots.kept.copy(), whole.trials) {
				t.Fatalf("seed %d, update %x: %v, %v, want %v, %v", seed, u, s.spots.kept.copy(), s.trials, whole.spots.kept.copy(), whole.trials)
			}
			switch {
			case err == nil && s.pendingCost == 0:
				taken++
			case err == nil:
				pending++
			case errors.Is(err, errApart), errors.Is(err, errEntry), errors.Is(err, errDistant):
				refused++
			case errors.Is(err, errFuture): // after repeated ids
			default:
				t.Fatalf("seed %d, update %x: %v", seed, u, err)
			}
		}
		doubts += s.trials.doubts
	}
	if t.Logf("%d updates were taken, %d left blocks pending, %d were refused; %d doubts", taken, pending, refused, doubts); min(taken, pending, 2*refused, 5*doubts) < 500 {
		t.Error("one of these is too few")
	}
}

// TestContinuedBehindOthers continues a block, after which another client has inserted
// something, with many blocks. The first one is not beside that block any more.
func TestContinuedBehindOthers(t *testing.T) {
	u := []byte{1, 2*smallSection + 1, 1, 1}
	u = append(u, unhex(t, "87 01 00 02")...) // a type
	for i := range byte(smallSection) {
		u = append(u, 0x81, 1, 2*i+1, 1, 0xc4, 1, 2*i+1, 1, 2*i+2, 1, 'x')
	}
	s, whole := New(), New()
	whole.blockwise = true
	for _, d := range []*Store{s, whole} {
		apply(t, d, "01 01 01 00 04 01 01 74 01 61 00", "01 01 02 00 84 01 00 01 62 00")
		wantApplied(t, d, append(u, 0))
	}
	if got, want := fmt.Sprint(s.spots.kept.copy(), s.trials), fmt.Sprint(whole.spots.kept.copy(), whole.trials); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// updates returns a few updates of a document, sometimes not in the order in which they
// were made.
func (f *forger) updates() (list [][]byte) {
	for range 1 + f.random.IntN(4) {
		if client := 1 + f.random.IntN(3); f.random.IntN(3) == 0 { // its next blocks repeat ids
			f.clocks[client] -= min(f.clocks[client], uint64(f.random.IntN(10)))
		}
		list = append(list, f.encode(f.blocks(1+f.random.IntN(120), 200)))
	}
	if f.random.IntN(3) == 0 {
		f.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list
}
