package blocks

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/lib0"
)

// model is the simplest form of a document: it holds each element by itself, by id.
// Elements have the links that they have implicitly in a block.
type model struct {
	history  bool
	elements map[id]element
	deleted  map[id]bool       // that delete sets have deleted
	there    map[id]bool       // the elements that are integrated
	reach    map[uint64]uint64 // how many elements are integrated before the first gap
}

type element struct {
	Kind          kind
	Flags         byte
	Origin, Right id
	Parent        string
	Content       string
}

// elementsOf decodes a valid update in V1.
func elementsOf(tb testing.TB, update []byte) (elements map[id]element, deletions map[id]bool) {
	tb.Helper()
	var in parsedUpdate
	if _, err := in.read(update, nil, nil); err != nil {
		tb.Fatalf("%x: %v", update, err)
	}
	elements, deletions = make(map[id]element), make(map[id]bool)
	for i := range in.sections {
		src := iterSection(&in.sections[i])
		for b := src.next(); b != nil; b = src.next() {
			e := element{Kind: b.kind, Flags: b.flags, Parent: string(b.parent)}
			if b.flags&hasOrigin != 0 {
				e.Origin = b.origin
			}
			if b.flags&hasRight != 0 {
				e.Right = b.right
			}
			content, text := lib0.NewReader(b.content), []rune(string(b.content))
			for clock := b.clock; clock < b.end(); clock++ {
				switch {
				case b.kind == kindString:
					e.Content = string(text[clock-b.clock])
				case b.kind.hasElements():
					off := content.Offset()
					readElement(&content, b.kind)
					e.Content = string(content.Since(off))
				default:
					e.Content = string(b.content)
				}
				if e.Parent == "" {
					e.Flags &^= hasKey // the flag has no meaning in such a block
				}
				elements[id{b.client, clock}] = e
				if b.kind != kindGC {
					e.Flags |= hasOrigin
					e.Origin, e.Parent = id{b.client, clock}, ""
				}
			}
		}
	}
	for _, d := range in.deletions {
		for _, x := range d.spans {
			for clock := x.From; clock < x.To; clock++ {
				deletions[id{d.client, clock}] = true
			}
		}
	}
	return elements, deletions
}

// apply adds what is new in an update to the model, and returns it.
func (m *model) apply(elements map[id]element, deletions map[id]bool) (newElements map[id]element, newDeletions map[id]bool) {
	newElements, newDeletions = make(map[id]element), make(map[id]bool)
	known := m.deletions()
	for at, e := range elements {
		if _, ok := m.elements[at]; !ok {
			m.elements[at], newElements[at] = e, e
		}
	}
	for at := range deletions {
		if !known[at] {
			m.deleted[at], newDeletions[at] = true, true
		}
	}
	for again := true; again; {
		again = false
		for at := range m.elements {
			if !m.there[at] && m.ready(at) {
				m.there[at], again = true, true
			}
		}
	}
	for client := uint64(1); client <= modelClients; client++ {
		for m.there[id{client, m.reach[client]}] {
			m.reach[client]++
		}
	}
	return newElements, newDeletions
}

func (m *model) ready(at id) bool {
	e := m.elements[at]
	refs := []id{}
	if e.Flags&hasOrigin != 0 {
		refs = append(refs, e.Origin)
	}
	if e.Flags&hasRight != 0 {
		refs = append(refs, e.Right)
	}
	if strings.HasPrefix(e.Parent, "\x00") {
		r := lib0.NewReader([]byte(e.Parent[1:]))
		refs = append(refs, id{r.Uint(), r.Uint()})
	}
	for _, ref := range refs {
		if !m.there[ref] {
			return false
		}
	}
	return true
}

// deletions returns all elements that are known as deleted.
func (m *model) deletions() map[id]bool {
	all := make(map[id]bool)
	for at := range m.deleted {
		all[at] = true
	}
	for at, e := range m.elements {
		if e.Kind <= kindDeleted && m.there[at] {
			all[at] = true
		}
	}
	return all
}

// encoding returns the elements that an encoding of the document has from a state
// vector on.
func (m *model) encoding(from map[uint64]uint64) map[id]element {
	out := make(map[id]element)
	for at, e := range m.elements {
		if m.deleted[at] && m.there[at] && !m.history && e.Kind != kindGC {
			e.Kind, e.Content = kindDeleted, ""
		}
		if at.clock >= from[at.client] {
			out[at] = e
		}
	}
	return out
}

const modelClients = 4

// modelUpdate returns a random update. It touches what m has, and may contradict it.
func modelUpdate(r *rand.Rand, m *model) []byte {
	ids := []uint64{1, 2, 3, 4}
	r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	if r.IntN(4) > 0 {
		slices.SortFunc(ids, descending)
	}
	ids = ids[:r.IntN(len(ids)+1)]
	u := lib0.AppendUint(nil, uint64(len(ids)))
	for _, client := range ids {
		clock := m.reach[client]
		switch r.IntN(6) {
		case 0:
			clock += uint64(r.IntN(12))
		case 1:
			clock -= uint64(r.IntN(int(min(clock, 40)) + 1))
		}
		var section []byte
		count := 1
		if r.IntN(3) == 0 {
			count += r.IntN(20)
		}
		first := clock
		for range count {
			b := modelBlock(r, m, client, clock)
			section = modelWire(r, section, b)
			clock = b.end()
		}
		u = lib0.AppendUint(lib0.AppendUint(u, uint64(count)), client)
		u = append(lib0.AppendUint(u, first), section...)
	}
	return append(u, modelDeletions(r, m)...)
}

// modelWire appends a block, sometimes with a length that is longer than necessary.
func modelWire(r *rand.Rand, dst []byte, b *block) []byte {
	dst, prefix := b.appendTo(dst)
	if n := b.prefixLen(); n > 0 && r.IntN(20) == 0 {
		dst[prefix+n-1] |= 0x80
		dst = slices.Insert(dst, prefix+n, 0)
	}
	return dst
}

func modelDeletions(r *rand.Rand, m *model) (set []byte) {
	if r.IntN(3) == 0 {
		return []byte{0}
	}
	n := r.IntN(3)
	set = lib0.AppendUint(set, uint64(n))
	for range n {
		client := 1 + r.Uint64N(modelClients)
		spans := 1 + r.IntN(4)
		set = lib0.AppendUint(lib0.AppendUint(set, client), uint64(spans))
		for range spans {
			from := r.Uint64N(m.reach[client] + 8)
			set = lib0.AppendUint(lib0.AppendUint(set, from), 1+r.Uint64N(1+r.Uint64N(30)))
		}
	}
	return set
}

func modelBlock(r *rand.Rand, m *model, client, clock uint64) *block {
	kinds := []kind{kindString, kindString, kindString, kindAny, kindAny, kindJSON, kindDeleted, kindGC, kindBinary, kindFormat, kindSkip}
	b := &block{client: client, clock: clock, len: 1, kind: kinds[r.IntN(len(kinds))]}
	some := func() id {
		other := 1 + r.Uint64N(modelClients)
		if other == client {
			return id{client, r.Uint64N(clock)}
		}
		return id{other, r.Uint64N(m.reach[other] + 1 + r.Uint64N(3))}
	}
	if b.kind != kindGC && b.kind != kindSkip {
		switch kind := r.IntN(8); {
		case clock > 0 && kind < 5: // continues the last block
			b.flags, b.origin = hasOrigin, id{client, clock - 1}
			if r.IntN(8) == 0 {
				b.flags, b.right = hasOrigin|hasRight, id{client, r.Uint64N(min(clock, 2))}
			}
		case clock > 0 && kind < 6:
			b.flags, b.origin = hasOrigin, some()
		case clock > 0 && kind < 7:
			b.flags, b.right = hasRight, some()
		case clock > 0 && r.IntN(2) == 0:
			at := some()
			b.parent = lib0.AppendUint(lib0.AppendUint([]byte{0}, at.client), at.clock)
		default:
			b.parent = []byte{1, 1, 't'}
		}
		if r.IntN(16) == 0 {
			if b.flags |= hasKey; b.parent != nil {
				b.parent = append(b.parent, 1, 'k')
			}
		}
	}
	size := 1 + r.IntN(5)
	if r.IntN(200) == 0 {
		size = 1000 + r.IntN(3000)
	}
	switch b.kind {
	case kindString:
		letters := []rune("abcé€\uffff")
		for range size {
			b.content = append(b.content, string(letters[r.IntN(len(letters))])...)
		}
		b.len = uint64(size)
	case kindAny, kindJSON:
		for range size {
			value := [][]byte{{125, 7}, {119, 2, 'h', 'i'}, {117, 1, 126}}[r.IntN(3)]
			if b.kind == kindJSON {
				value = [][]byte{{1, '7'}, {4, 'n', 'u', 'l', 'l'}}[r.IntN(2)]
			}
			b.content = append(b.content, value...)
		}
		b.len = uint64(size)
	case kindDeleted, kindGC, kindSkip:
		b.len = uint64(1 + r.IntN(40))
	case kindBinary:
		b.content = lib0.AppendBytes(nil, make([]byte, size))
	case kindFormat:
		b.content = []byte{1, 'b', 4, 't', 'r', 'u', 'e'}
	}
	return b
}

// TestModel applies updates that overlap, repeat and contradict one another, and
// compares the store with the model after each. Sometimes it loads the document from
// its own encoding.
func TestModel(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		history := seed%3 == 0
		m := &model{history, map[id]element{}, map[id]bool{}, map[id]bool{}, map[uint64]uint64{}}
		s := NewWith(Options{History: history})
		s.unchecked = true
		for range 40 {
			if r.IntN(5) == 0 {
				full := s.Encode(V1)
				s = NewWith(Options{History: history})
				s.unchecked = true
				if err := s.Load(full, V1); err != nil {
					t.Fatal(err)
				}
			}
			update := modelUpdate(r, m)
			if !compareWithModel(t, r, s, m, update) {
				t.Fatalf("seed %d, update %x", seed, update)
			}
		}
	}
}

// compareWithModel applies an update to both, and reports whether they agree.
func compareWithModel(t *testing.T, r *rand.Rand, s *Store, m *model, update []byte) bool {
	t.Helper()
	wantElements, wantDeletions := m.apply(elementsOf(t, update))
	isNew := len(wantElements)+len(wantDeletions) > 0
	enc := V1 + Encoding(r.IntN(2))
	wire, err := Convert(V1, enc, bytes.Clone(update))
	if err != nil {
		t.Fatal(err)
	}
	if known, err := s.Contains(wire, enc); err != nil || known == isNew {
		t.Errorf("Contains is %v, %v", known, err)
	}
	added, err := s.Apply(wire, enc)
	if err != nil || (added != nil) != isNew {
		t.Fatalf("added %x, %v", added, err)
	}
	if isNew {
		sameElements(t, "added", added, wantElements, wantDeletions)
	}
	for i := range wire {
		wire[i] = 0xff // wire was only borrowed
	}
	check(t, s)

	sameElements(t, "Encode", s.Encode(V1), m.encoding(nil), m.deletions())
	reach := map[uint64]uint64{}
	if err := ParseStateVector(s.StateVector(), func(client, clock uint64) { reach[client] = clock }); err != nil {
		t.Fatal(err)
	}
	same(t, "StateVector", reach, m.reach)
	from, stateVector := map[uint64]uint64{}, []byte{modelClients}
	for client := uint64(1); client <= modelClients; client++ {
		from[client] = r.Uint64N(m.reach[client] + 5)
		stateVector = lib0.AppendUint(lib0.AppendUint(stateVector, client), from[client])
	}
	diff, err := s.Diff(stateVector, V1)
	if err != nil {
		t.Fatal(err)
	}
	sameElements(t, "Diff", diff, m.encoding(from), m.deletions())
	return !t.Failed()
}

func sameElements(t *testing.T, what string, update []byte, elements map[id]element, deletions map[id]bool) {
	t.Helper()
	gotElements, gotDeletions := elementsOf(t, update)
	same(t, "elements of "+what, gotElements, elements)
	same(t, "deletions of "+what, gotDeletions, deletions)
}

func same[K, V comparable](t *testing.T, what string, got, want map[K]V) {
	t.Helper()
	if !maps.Equal(got, want) { // cmp is slow
		t.Errorf("%s (-want +got):\n%s", what, cmp.Diff(want, got, cmp.AllowUnexported(id{})))
	}
}
