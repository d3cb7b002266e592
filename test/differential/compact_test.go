package differential

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// compacted is what compacted stores return after a delivery, in the encoding of the
// delivery.
type compacted struct {
	Encoded []byte   `json:"encoded"` // after Compact
	Diffs   [][]byte `json:"diffs"`
	Midway  []byte   `json:"midway"` // of a store that was compacted several times, but not at the end
}

// compactEvery is the number of updates between two calls of Compact.
const compactEvery = 4

// compact compacts s, which received d, and another store several times while it
// receives d.
func compact(s *blocks.Store, d delivery) (compacted, error) {
	before := s.StateVector()
	s.Compact()
	out := compacted{Encoded: s.Encode(d.Version), Diffs: [][]byte{}}
	if got := s.StateVector(); !bytes.Equal(got, before) {
		return out, fmt.Errorf("Compact changes the state vector from %x to %x", before, got)
	}
	for _, stateVector := range d.StateVectors {
		diff, err := s.Diff(stateVector, d.Version)
		if err != nil {
			return out, fmt.Errorf("Diff against %x after Compact: %w", stateVector, err)
		}
		out.Diffs = append(out.Diffs, diff)
	}
	for i, update := range d.Updates {
		known, err := s.Contains(update, d.Version)
		if err != nil || !known {
			return out, fmt.Errorf("Contains of update %d (%x) after Compact: %v, %w", i, update, known, err)
		}
	}
	midway := blocks.New()
	for i, update := range d.Updates {
		if i%compactEvery == 0 {
			midway.Compact()
		}
		if _, err := midway.Apply(update, d.Version); err != nil {
			return out, fmt.Errorf("Apply of update %d (%x) after Compact: %w", i, update, err)
		}
	}
	out.Midway = midway.Encode(d.Version)
	if got := midway.StateVector(); !bytes.Equal(got, before) {
		return out, fmt.Errorf("compacted midway: the state vector is %x, want %x", got, before)
	}
	return out, nil
}

// checkCompactBytes checks that compacted documents take about as many bytes as those
// of yjs.
func checkCompactBytes(t *testing.T, total report) {
	t.Helper()
	percent := 100 * float64(total.CompactBytes) / float64(total.YjsBytes)
	t.Logf("compacted documents take %.1f %% of the bytes of yjs", percent)
	if *oneSeed < 0 && percent > 102 {
		t.Errorf("compacted documents take %.1f %% of the bytes of yjs, want at most 102", percent)
	}
}

// TestForgedMaps checks that Compact drops nothing that yjs shows, whatever the entries
// of maps refer to: entries with the same origin, with origins in another map or in an
// array, with right origins, without the flag of an entry, or with several elements.
func TestForgedMaps(t *testing.T) {
	yjs := startOracle(t)
	first, end := 0, 2**seeds
	if *oneSeed >= 0 {
		first, end = *oneSeed, *oneSeed+1
	}
	left, all := 0, 0
	for seed := first; seed < end; seed++ {
		updates := forgedMaps(rand.New(rand.NewPCG(uint64(seed), 1)), seed%2 == 1)
		encoded, compacted, midway := compactForged(t, updates)
		left, all = left+len(compacted), all+len(encoded)
		outcomes := [][]byte{compacted}
		if seed%2 == 0 {
			outcomes = append(outcomes, midway)
		}
		for _, outcome := range outcomes {
			var verdict struct {
				Failures []string `json:"failures"`
			}
			yjs.ask(t, map[string]any{
				"op": "cleanUp", "known": [][][]byte{{}, updates[:1]}, "encoded": encoded, "compacted": outcome,
			}, &verdict)
			for _, failure := range verdict.Failures {
				t.Errorf("%s\n  updates %x\n  replay: go test ./test/differential -run TestForgedMaps -seed %d -v", failure, updates, seed)
			}
		}
	}
	t.Logf("%d bytes, compacted %d", all, left)
	if *oneSeed < 0 && left > all*9/10 {
		t.Errorf("%d of %d bytes are left: the test is not significant", left, all)
	}
}

// compactForged returns the encoding of a store after updates, its encoding after
// Compact, and the encoding of a store that was compacted before each update.
func compactForged(t *testing.T, updates [][]byte) (encoded, compacted, midway []byte) {
	t.Helper()
	s, early := blocks.New(), blocks.New()
	for _, update := range updates {
		early.Compact()
		for _, s := range []*blocks.Store{s, early} {
			// Load takes what Apply has accepted in an earlier version.
			if err := s.Load(update, blocks.V1); err != nil {
				t.Fatalf("%x: %v", updates, err)
			}
		}
	}
	encoded = s.Encode(blocks.V1)
	s.Compact()
	return encoded, s.Encode(blocks.V1), early.Encode(blocks.V1)
}

// forger makes random blocks of three clients that refer to each other.
type forger struct {
	random   *rand.Rand
	odd      bool // some blocks have right origins
	clocks   [3]uint64
	elements []element
	types    []string           // encoded as parents
	last     map[string]element // by parent and key
}

type element struct{ client, clock uint64 }

func (e element) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, e.client), e.clock)
}

// between returns the bits of a block's info, and the elements that follow it, of a block
// after the element origin and before the element right. Each may be nil.
func between(origin, right *element) (info byte, links []byte) {
	if origin != nil {
		info |= 0x80
		links = origin.append(links)
	}
	if right != nil {
		info |= 0x40
		links = right.append(links)
	}
	return info, links
}

// forgedMaps returns two updates with map entries and nested types.
func forgedMaps(random *rand.Rand, odd bool) [][]byte {
	f := forger{random: random, odd: odd, types: []string{"\x01\x03map", "\x01\x00"}, last: map[string]element{}}
	return [][]byte{f.update(), f.update()}
}

func (f *forger) update() []byte {
	var sections [3][]byte
	counts, from := [3]uint64{}, f.clocks
	for range 5 + f.random.IntN(20) {
		i := f.random.IntN(len(sections))
		sections[i] = append(sections[i], f.block(i)...)
		counts[i]++
	}
	var wire, deletions []byte
	clients := byte(0)
	for i, section := range sections {
		if counts[i] == 0 {
			continue
		}
		clients++
		wire = append(binary.AppendUvarint(wire, counts[i]), byte(i+1))
		wire = append(binary.AppendUvarint(wire, from[i]), section...)
		deletions = append(deletions, byte(i+1), 1)
		deletions = binary.AppendUvarint(deletions, uint64(f.random.IntN(int(f.clocks[i]))))
		deletions = append(deletions, 1)
	}
	return slices.Concat([]byte{clients}, wire, []byte{clients}, deletions)
}

// block returns the next block of client i+1.
func (f *forger) block(i int) []byte {
	self := element{uint64(i + 1), f.clocks[i]}
	place := f.types[f.random.IntN(len(f.types))] + []string{"\x00", "\x01a"}[f.random.IntN(2)]
	origin, ok := f.last[place]
	some := func() element { return f.elements[f.random.IntN(len(f.elements))] }
	if ok && f.random.IntN(3) == 0 {
		origin = some()
	}
	info, links := byte(0x20), []byte(place)
	switch {
	case ok && f.odd && f.random.IntN(8) == 0:
		info, links = 0xe0, some().append(origin.append(nil))
	case ok && f.odd && f.random.IntN(16) == 0:
		info, links = 0x60, origin.append(nil)
	case ok && f.random.IntN(6) > 0:
		info, links = 0xa0, origin.append(nil)
	case f.random.IntN(12) == 0:
		info, links = 0, []byte("\x01\x05array")
	}
	if f.random.IntN(4) == 0 && info&0xc0 != 0 {
		info &^= 0x20
	}
	content := []byte{1, 0x7d, byte(f.random.IntN(64))}
	length := uint64(1)
	switch f.random.IntN(12) {
	case 0, 1, 2: // a map
		info, content = info|7, []byte{1}
		f.types = append(f.types, "\x00"+string(self.append(nil)))
	case 3: // deleted
		length = 2
		info, content = info|1, []byte{2}
	case 4: // two values
		length = 2
		info, content = info|8, []byte{2, 0x7d, byte(f.random.IntN(64)), 0x7d, byte(f.random.IntN(64))}
	default:
		info |= 8
	}
	for range length {
		f.elements = append(f.elements, element{self.client, f.clocks[i]})
		f.clocks[i]++
	}
	f.last[place] = f.elements[len(f.elements)-1]
	return slices.Concat([]byte{info}, links, content)
}
