package differential

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/yroom/yroom/blocks"
)

// A forge makes updates that no client of yjs would write, mixed with others that could
// be from one. It learns from a store which of them are taken.
type forge struct {
	random   *rand.Rand
	elements []forgedElement
	clocks   map[uint64]uint64
	types    []uint64 // the indexes in elements of nested types
}

// forgedElement is an element as its forger sees it.
type forgedElement struct {
	id            element
	list          string // its parent and key, encoded
	origin, right *element
}

// forgedClients are the ids of the forge. Honest clients have ids between them.
var forgedClients = []uint64{1, 2, 3, 1001}

// roots are the lists of the root types.
var forgedRoots = []string{"\x01\x04text", "\x01\x05array", "\x01\x03map\x01a", "\x01\x03map\x01b"}

func newForge(random *rand.Rand) *forge {
	return &forge{random: random, clocks: make(map[uint64]uint64)}
}

// update returns an update of one client with a few blocks, and a function that takes
// it back.
func (f *forge) update() (wire []byte, undo func()) {
	client := forgedClients[f.random.IntN(len(forgedClients))]
	first, elements, types := f.clocks[client], len(f.elements), len(f.types)
	undo = func() {
		f.clocks[client], f.elements, f.types = first, f.elements[:elements], f.types[:types]
	}
	from := first
	if first > 0 && f.chance(0.05) { // ids that are in use
		from -= uint64(f.random.IntN(int(min(first, 3))) + 1)
	}
	f.clocks[client] = from
	var section []byte
	n := 1 + f.random.IntN(3)
	for range n {
		section = append(section, f.block(client)...)
	}
	f.clocks[client] = max(first, f.clocks[client])
	wire = binary.AppendUvarint([]byte{1, byte(n)}, client)
	wire = binary.AppendUvarint(wire, from)
	wire = append(wire, section...)
	if len(f.elements) == 0 || !f.chance(0.25) {
		return append(wire, 0), undo
	}
	x := f.some().id
	wire = binary.AppendUvarint(append(wire, 1), x.client)
	return append(binary.AppendUvarint(append(wire, 1), x.clock), byte(1+f.random.IntN(2))), undo
}

func (f *forge) chance(p float64) bool { return f.random.Float64() < p }

func (f *forge) some() *forgedElement { return &f.elements[f.random.IntN(len(f.elements))] }

// in returns an element of a list, or nil.
func (f *forge) in(list string, accept func(*forgedElement) bool) *forgedElement {
	var found []*forgedElement
	for i := range f.elements {
		if e := &f.elements[i]; e.list == list && accept(e) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[f.random.IntN(len(found))]
}

func (f *forge) anyList() string {
	if len(f.types) > 0 && f.chance(0.3) {
		t := f.elements[f.types[f.random.IntN(len(f.types))]]
		return "\x00" + string(t.id.append(nil)) + []string{"", "\x01a"}[f.random.IntN(2)]
	}
	return forgedRoots[f.random.IntN(len(forgedRoots))]
}

// refs chooses what a block refers to.
func (f *forge) refs(list string) (origin, right *element) {
	every := func(*forgedElement) bool { return true }
	pick := func(list string) *element {
		if e := f.in(list, every); e != nil {
			return &e.id
		}
		return nil
	}
	switch p := f.random.IntN(100); {
	case p < 30: // after the newest
		for _, e := range slices.Backward(f.elements) {
			if e.list == list {
				return &e.id, nil
			}
		}
	case p < 40:
		return pick(list), nil
	case p < 55: // before what has the origin
		if e := f.in(list, func(e *forgedElement) bool { return e.origin != nil }); e != nil {
			return e.origin, &e.id
		}
	case p < 70: // between an element and its right origin
		if e := f.in(list, func(e *forgedElement) bool { return e.right != nil }); e != nil {
			return &e.id, e.right
		}
	case p < 80:
		return pick(list), pick(list)
	case p < 84:
		return pick(list), pick(f.anyList())
	case p < 88:
		return nil, pick(list)
	case p < 91: // what doesn't exist yet
		client := append([]uint64{4, 1004}, forgedClients...)[f.random.IntN(2+len(forgedClients))]
		future := &element{client, f.clocks[client] + uint64(f.random.IntN(3))}
		if f.chance(0.5) {
			return future, pick(list)
		}
		return pick(list), future
	}
	return nil, nil
}

// block returns the next block of a client.
func (f *forge) block(client uint64) []byte {
	clock := f.clocks[client]
	if f.chance(0.03) {
		n := 1 + f.random.IntN(2)
		f.add(client, n, "gc", nil, nil)
		return []byte{0, byte(n)}
	}
	list := f.anyList()
	origin, right := f.refs(list)
	if f.chance(0.1) && clock > 0 { // continues the last block
		origin = &element{client, clock - 1}
	}
	info := byte(0)
	keyed := list[0] == 1 && len(list) > 2+int(list[1]) || list[0] == 0 && list[len(list)-1] == 'a' && list[len(list)-2] == 1
	if keyed && !f.chance(0.1) || f.chance(0.02) {
		info |= 0x20
	}
	neighbours, links := between(origin, right)
	info |= neighbours
	if neighbours == 0 {
		info &^= 0x20
		if keyed {
			info |= 0x20
		}
		links = []byte(list)
	}
	n := 1
	if f.chance(0.3) {
		n = 2 + f.random.IntN(2)
	}
	var content []byte
	switch p := f.random.IntN(20); {
	case p < 2:
		info, content = info|1, []byte{byte(n)}
	case p < 4:
		n = 1
		info, content = info|7, []byte{byte(f.random.IntN(3))}
		f.types = append(f.types, uint64(len(f.elements)))
	case p < 12 && list == forgedRoots[0] || p < 5:
		info, content = info|4, []byte{byte(n)}
		for range n {
			content = append(content, 'a'+byte(f.random.IntN(26)))
		}
	case p < 7:
		n = 1
		info, content = info|5, []byte{1, '1'}
	default:
		if keyed && f.chance(0.7) {
			n = 1
		}
		info, content = info|8, []byte{byte(n)}
		for range n {
			content = append(content, 0x7d, byte(f.random.IntN(64)))
		}
	}
	f.add(client, n, list, origin, right)
	return slices.Concat([]byte{info}, links, content)
}

// add adds n elements.
func (f *forge) add(client uint64, n int, list string, origin, right *element) {
	for range n {
		id := element{client, f.clocks[client]}
		f.elements = append(f.elements, forgedElement{id, list, origin, right})
		origin = &id
		f.clocks[client]++
	}
}

// forgedRoom is a forged history for forged.mjs.
type forgedRoom struct {
	store *blocks.Store
	tried int
	log   [][]byte // what clients are sent, pending blocks included

	Seed      int      `json:"seed"`
	Updates   [][]byte `json:"updates"` // what the store has added
	At        int      `json:"at"`      // how many of them middle has
	Middle    []byte   `json:"middle"`
	Late      []byte   `json:"late"`
	Compacted []byte   `json:"compacted"`
	Merged    []byte   `json:"merged"`
}

// newHolding returns a store as rooms use it.
func newHolding(o blocks.Options) *blocks.Store {
	s := blocks.NewWith(o)
	s.HoldPending()
	return s
}

// apply applies an update to the store.
func (r *forgedRoom) apply(update []byte) error {
	added, err := r.store.Apply(update, blocks.V1)
	if added != nil {
		r.log = append(r.log, added)
		r.Updates = append(r.Updates, r.store.Integrated())
	}
	return err
}

func forgeRoom(seed int) (*forgedRoom, error) {
	random := rand.New(rand.NewPCG(uint64(seed), 2))
	f, r := newForge(random), &forgedRoom{Seed: seed, store: newHolding(blocks.Options{}), Updates: [][]byte{}}
	r.Middle = r.store.Encode(blocks.V1)
	n := 4 + random.IntN(16)
	var later [][]byte
	apply := func(update []byte) bool {
		r.tried++
		return r.apply(update) == nil
	}
	for i := range n {
		update, undo := f.update()
		switch {
		case f.chance(0.1):
			later = append(later, update)
		case !apply(update):
			undo()
		}
		if len(later) > 0 && f.chance(0.3) || i == n-1 {
			for _, update := range later {
				apply(update)
			}
			later = nil
		}
		if i == n/2 {
			r.At, r.Middle = len(r.Updates), r.store.Encode(blocks.V1)
		}
	}
	if len(r.Updates) == 0 {
		r.Updates = append(r.Updates, []byte{0, 0})
	}
	r.Late = r.store.Encode(blocks.V1)
	var err error
	if r.Merged, err = blocks.Merge(blocks.V1, r.Updates...); err != nil {
		return nil, err
	}
	loaded := newHolding(blocks.Options{})
	for _, update := range r.log {
		if err := loaded.Load(update, blocks.V1); err != nil {
			return nil, err
		}
	}
	if got, want := loaded.StateVector(), r.store.StateVector(); !bytes.Equal(got, want) {
		return nil, fmt.Errorf("the log %x loads with the state vector %x, not %x", r.log, got, want)
	}
	loaded.Compact()
	r.Compacted = loaded.Encode(blocks.V1)
	return r, nil
}
