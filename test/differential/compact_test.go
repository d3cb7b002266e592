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

// compacted is what a store that compacts made of a delivery.
type compacted struct {
	Encoded []byte   `json:"encoded"` // after Compact
	Diffs   [][]byte `json:"diffs"`
	Midway  []byte   `json:"midway"` // where it was compacted again and again, but not at the end
}

// compactEvery is after how many updates each a store is compacted midway.
const compactEvery = 4

// compact compacts s, to which d was delivered, and another store while d is
// delivered to it.
func compact(s *blocks.Store, d delivery) (compacted, error) {
	before := s.StateVector()
	s.Compact()
	out := compacted{Encoded: s.Encode(blocks.V1), Diffs: [][]byte{}}
	if got := s.StateVector(); !bytes.Equal(got, before) {
		return out, fmt.Errorf("Compact changes the state vector from %x to %x", before, got)
	}
	for _, stateVector := range d.StateVectors {
		diff, err := s.Diff(stateVector, blocks.V1)
		if err != nil {
			return out, fmt.Errorf("Diff against %x after Compact: %w", stateVector, err)
		}
		out.Diffs = append(out.Diffs, diff)
	}
	for i, update := range d.Updates {
		known, err := s.Contains(update, blocks.V1)
		if err != nil || !known {
			return out, fmt.Errorf("Contains of update %d (%x) after Compact: %v, %w", i, update, known, err)
		}
	}
	midway := blocks.New()
	for i, update := range d.Updates {
		if i%compactEvery == 0 {
			midway.Compact()
		}
		if _, err := midway.Apply(update, blocks.V1); err != nil {
			return out, fmt.Errorf("Apply of update %d (%x) after Compact: %w", i, update, err)
		}
	}
	out.Midway = midway.Encode(blocks.V1)
	if got := midway.StateVector(); !bytes.Equal(got, before) {
		return out, fmt.Errorf("compacted midway, the state vector is %x, not %x", got, before)
	}
	return out, nil
}

// checkCompactBytes holds that a compacted document takes about as many bytes
// as yjs's own.
func checkCompactBytes(t *testing.T, total report) {
	t.Helper()
	percent := 100 * float64(total.CompactBytes) / float64(total.YjsBytes)
	t.Logf("compacted in %.1f %% of yjs's bytes", percent)
	if *oneSeed < 0 && percent > 102 {
		t.Errorf("compacted documents take %.1f %% of yjs's bytes, at most 102 are allowed", percent)
	}
}

// TestForgedMaps holds that Compact drops nothing that yjs shows, whatever the
// entries of maps refer to: entries of the same origin, of another map, of an
// array, with right origins, without the flag of an entry, of several elements.
func TestForgedMaps(t *testing.T) {
	yjs := startOracle(t)
	first, end := 0, *seeds
	if *oneSeed >= 0 {
		first, end = *oneSeed, *oneSeed+1
	}
	smaller, all := 0, 0
	for seed := first; seed < end; seed++ {
		update := forgedMaps(rand.New(rand.NewPCG(uint64(seed), 1)))
		encoded, compacted, err := applyMutant([]byte{0, 0}, update)
		if err != nil || encoded == nil {
			t.Fatalf("seed %d: %x is refused: %v", seed, update, err)
		}
		smaller, all = smaller+len(compacted), all+len(encoded)
		var verdict verdict
		yjs.ask(t, map[string]any{"op": "accepted", "base": []byte{0, 0}, "mutants": []mutant{{update, encoded, compacted}}}, &verdict)
		for _, failure := range verdict.Failures {
			t.Errorf("%s\n  update %x\n  replay: go test ./test/differential -run TestForgedMaps -seed %d -v", failure.What, update, seed)
		}
	}
	t.Logf("%d bytes, compacted %d", all, smaller)
	if *oneSeed < 0 && smaller > all*9/10 {
		t.Errorf("%d of %d bytes are left: that shows nothing", smaller, all)
	}
}

// forgedMaps returns an update of few clients that make map entries, and types
// for more of them.
func forgedMaps(random *rand.Rand) []byte {
	type element struct{ client, clock uint64 }
	var (
		elements []element
		last     = map[string]element{} // the latest entry of each parent and key
		types    = []string{"\x01\x03map", "\x01\x00"}
		sections [3][]byte
		counts   [3]uint64
		clocks   [3]uint64
	)
	pick := func() element { return elements[random.IntN(len(elements))] }
	appendID := func(dst []byte, e element) []byte {
		return binary.AppendUvarint(binary.AppendUvarint(dst, e.client), e.clock)
	}
	odd := random.IntN(3) == 0
	for range 5 + random.IntN(40) {
		i := random.IntN(len(sections))
		self := element{uint64(i + 1), clocks[i]}
		place := types[random.IntN(len(types))] + []string{"\x00", "\x01a"}[random.IntN(2)]
		origin, ok := last[place]
		if ok && random.IntN(3) == 0 {
			origin = pick()
		}
		info, links := byte(0x20), []byte(place)
		switch {
		case ok && odd && random.IntN(8) == 0:
			info, links = 0xe0, appendID(appendID(nil, origin), pick())
		case ok && odd && random.IntN(16) == 0:
			info, links = 0x60, appendID(nil, origin)
		case ok && random.IntN(6) > 0:
			info, links = 0xa0, appendID(nil, origin)
		case random.IntN(12) == 0:
			info, links = 0, []byte("\x01\x05array")
		}
		if random.IntN(4) == 0 && info&0xc0 != 0 {
			info &^= 0x20
		}
		length := uint64(1)
		var content []byte
		switch random.IntN(12) {
		case 0, 1, 2:
			info, content = info|7, []byte{1}
			types = append(types, "\x00"+string(appendID(nil, self)))
		case 3:
			length = 2
			info, content = info|1, []byte{2}
		case 4:
			length = 2
			info, content = info|8, []byte{2, 0x7d, byte(random.IntN(64)), 0x7d, byte(random.IntN(64))}
		default:
			info, content = info|8, []byte{1, 0x7d, byte(random.IntN(64))}
		}
		sections[i] = slices.Concat(sections[i], []byte{info}, links, content)
		for n := range length {
			elements = append(elements, element{self.client, self.clock + n})
		}
		last[place] = elements[len(elements)-1]
		counts[i]++
		clocks[i] += length
	}
	var update, deletions []byte
	clients := byte(0)
	for i, section := range sections {
		if counts[i] == 0 {
			continue
		}
		clients++
		update = append(binary.AppendUvarint(update, counts[i]), byte(i+1), 0)
		update = append(update, section...)
		deletions = append(deletions, byte(i+1), 1)
		deletions = binary.AppendUvarint(deletions, uint64(random.IntN(int(clocks[i]))))
		deletions = append(deletions, 1)
	}
	return slices.Concat([]byte{clients}, update, []byte{clients}, deletions)
}
