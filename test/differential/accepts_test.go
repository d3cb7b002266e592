package differential

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/yroom/yroom/blocks"
)

var mutants = flag.Int("mutants", 12000, "the total number of mutated updates that TestAccepts applies")

const (
	basesPerSeed   = 8
	mutantsPerBase = 15
)

// mutant is an update that a store accepted on top of a base document.
type mutant struct {
	Update    []byte `json:"update"`
	Added     []byte `json:"added"` // by the store, in V1
	Encoded   []byte `json:"encoded"`
	Compacted []byte `json:"compacted"`
}

// TestAccepts checks that yjs accepts every update that a store accepts, and that both
// have the same content afterwards. A single update that makes clients throw would make
// a room unusable.
func TestAccepts(t *testing.T) {
	count := func(float64) int { return *mutants / (len(profiles) * basesPerSeed * mutantsPerBase) }
	eachProfile(t, count, func(t *testing.T, yjs *oracle, profile string, first, end int) {
		var tried, accepted int
		for seed := first; seed < end; seed++ {
			n, m := mutateHistory(t, yjs, seed, profile)
			tried, accepted = tried+n, accepted+m
		}
		t.Logf("%d mutants, %d accepted", tried, accepted)
		if *oneSeed < 0 && accepted < tried/10 {
			t.Errorf("%d accepted of %d mutants are too few to be significant", accepted, tried)
		}
	})
}

// mutateHistory applies mutants of the updates of a history, each on top of the updates
// before it.
func mutateHistory(t *testing.T, yjs *oracle, seed int, profile string) (tried, accepted int) {
	var history struct {
		Updates   [][]byte `json:"updates"`
		UpdatesV2 [][]byte `json:"updatesV2"`
	}
	yjs.ask(t, map[string]any{"op": "history", "seed": seed, "profile": profile}, &history)
	if len(history.Updates) == 0 {
		return 0, 0
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for i := range basesPerSeed {
		enc, updates := blocks.V1, history.Updates
		if i%3 == 1 {
			enc, updates = blocks.V2, history.UpdatesV2
		}
		at := random.IntN(len(history.Updates))
		base, err := blocks.Merge(blocks.V1, history.Updates[:at]...)
		if err != nil {
			t.Fatalf("seed %d: the first %d updates: %v", seed, at, err)
		}
		good := []mutant{}
		for range mutantsPerBase {
			update := mutate(random, updates[at], updates)
			m, err := applyMutant(base, update, enc)
			switch {
			case err != nil:
				t.Errorf("seed %d, %x in V%d on %x: %v", seed, update, enc, base, err)
			case m.Encoded != nil:
				good = append(good, m)
			}
		}
		tried += mutantsPerBase
		accepted += len(good)
		var verdict struct {
			Failures []struct {
				Index int    `json:"index"`
				What  string `json:"what"`
			} `json:"failures"`
		}
		yjs.ask(t, map[string]any{"op": "accepted", "base": base, "version": enc, "mutants": good}, &verdict)
		for _, failure := range verdict.Failures {
			t.Errorf("%s\n  update   %x in V%d\n  mutant   %x\n  base     %x\n  replay: go test ./test/differential -run TestAccepts -seed %d -profile %s -v",
				failure.What, updates[at], enc, good[failure.Index].Update, base, seed, profile)
		}
	}
	return tried, accepted
}

// applyMutant applies base, which is in V1, and update to a store. It returns what becomes
// of them, without encodings if the store rejects update. It is an error if a rejected
// update changes the store.
func applyMutant(base, update []byte, enc blocks.Encoding) (mutant, error) {
	s := blocks.New()
	if _, err := s.Apply(base, blocks.V1); err != nil {
		return mutant{}, fmt.Errorf("the base is rejected: %w", err)
	}
	before := s.Encode(blocks.V1)
	if added, err := s.Apply(update, enc); err == nil {
		m := mutant{Update: update, Added: added, Encoded: s.Encode(blocks.V1)}
		s.Compact()
		m.Compacted = s.Encode(blocks.V1)
		return m, nil
	}
	if !bytes.Equal(before, s.Encode(blocks.V1)) {
		return mutant{}, errors.New("a rejected update changed the document")
	}
	return mutant{}, nil
}

// mutate returns a changed copy of update. Some changes insert parts of others.
func mutate(random *rand.Rand, update []byte, others [][]byte) []byte {
	out := bytes.Clone(update)
	for again := true; again; again = random.IntN(4) == 0 {
		if len(out) == 0 {
			return out
		}
		at := random.IntN(len(out))
		switch random.IntN(9) {
		case 0, 1:
			out[at] ^= 1 << random.IntN(8)
		case 2:
			out[at] = []byte{0, 1, 2, 0x21, 0x7f, 0x80, 0xff}[random.IntN(7)]
		case 3:
			out = out[:at]
		case 4: // replace the rest by a part of another update
			other := others[random.IntN(len(others))]
			out = append(out[:at], other[random.IntN(len(other)):]...)
		case 5: // swap two ranges
			if to := at + 1 + random.IntN(8); to < len(out) {
				end := min(len(out), to+1+random.IntN(8))
				out = slices.Concat(out[:at], out[to:end], out[at:to], out[end:])
			}
		case 6:
			out = slices.Delete(out, at, min(len(out), at+1+random.IntN(4)))
		case 7:
			out = slices.Insert(out, at, out[at:min(len(out), at+1+random.IntN(4))]...)
		default:
			out = replaceNumber(random, out, at)
		}
	}
	return out
}

// replaceNumber replaces the variable-length integer at a position by another one.
func replaceNumber(random *rand.Rand, b []byte, at int) []byte {
	old, n := binary.Uvarint(b[at:])
	if n <= 0 {
		return b
	}
	candidates := []uint64{old - 1, old + 1, old + 1, old * 2, 0, 1, 127, 128, 1<<31 - 1, 1 << 32, 1<<53 - 1, 1 << 53}
	number := binary.AppendUvarint(nil, candidates[random.IntN(len(candidates))])
	return slices.Concat(b[:at], number, b[at+n:])
}
