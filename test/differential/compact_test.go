package differential

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// compacted is what a store that compacts made of a delivery, in the encoding of that.
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
