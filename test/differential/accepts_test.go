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

var mutants = flag.Int("mutants", 24000, "how many mutated updates TestAccepts tries in all")

const (
	basesPerSeed   = 8
	mutantsPerBase = 15
)

// mutant is an update that a store accepted on top of a base document.
type mutant struct {
	Update    []byte `json:"update"`
	Encoded   []byte `json:"encoded"`
	Compacted []byte `json:"compacted"`
}

// TestAccepts holds that yjs accepts what a store accepts, and that both read
// the same afterwards: one update that makes clients throw would make a room
// useless for good.
func TestAccepts(t *testing.T) {
	perProfile := *mutants / (len(profiles) * basesPerSeed * mutantsPerBase)
	for _, p := range profiles {
		if *profile != "" && *profile != p.name {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			yjs := startOracle(t)
			first, end := 0, max(1, perProfile)
			if *oneSeed >= 0 {
				first, end = *oneSeed, *oneSeed+1
			}
			var tried, accepted int
			for seed := first; seed < end; seed++ {
				n, m := mutateHistory(t, yjs, seed, p.name)
				tried, accepted = tried+n, accepted+m
			}
			t.Logf("%d mutants, %d accepted", tried, accepted)
			if *oneSeed < 0 && accepted < tried/10 {
				t.Errorf("%d accepted of %d mutants are too few to show anything", accepted, tried)
			}
		})
	}
}

// mutateHistory tries mutants of a history's updates, each on top of the updates before it.
func mutateHistory(t *testing.T, yjs *oracle, seed int, profile string) (tried, accepted int) {
	var history struct {
		Updates [][]byte `json:"updates"`
	}
	yjs.ask(t, map[string]any{"op": "history", "seed": seed, "profile": profile}, &history)
	if len(history.Updates) == 0 {
		return 0, 0
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	for range basesPerSeed {
		at := random.IntN(len(history.Updates))
		base, err := blocks.Merge(blocks.V1, history.Updates[:at]...)
		if err != nil {
			t.Fatalf("seed %d: the first %d updates: %v", seed, at, err)
		}
		good := []mutant{}
		for range mutantsPerBase {
			update := mutate(random, history.Updates[at], history.Updates)
			encoded, compacted, err := applyMutant(base, update)
			switch {
			case err != nil:
				t.Errorf("seed %d, %x on %x: %v", seed, update, base, err)
			case encoded != nil:
				good = append(good, mutant{update, encoded, compacted})
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
		yjs.ask(t, map[string]any{"op": "accepted", "base": base, "mutants": good}, &verdict)
		for _, failure := range verdict.Failures {
			t.Errorf("%s\n  update   %x\n  mutant   %x\n  base     %x\n  replay: go test ./test/differential -run TestAccepts -seed %d -profile %s -v",
				failure.What, history.Updates[at], good[failure.Index].Update, base, seed, profile)
		}
	}
	return tried, accepted
}

// applyMutant gives a store's encodings after base and update, and after
// Compact, nil where it refused update. A refusal must not have changed the
// document.
func applyMutant(base, update []byte) (encoded, compacted []byte, err error) {
	s := blocks.New()
	if _, err := s.Apply(base, blocks.V1); err != nil {
		return nil, nil, fmt.Errorf("the base is refused: %w", err)
	}
	before := s.Encode(blocks.V1)
	if _, err := s.Apply(update, blocks.V1); err == nil {
		encoded = s.Encode(blocks.V1)
		s.Compact()
		return encoded, s.Encode(blocks.V1), nil
	}
	if !bytes.Equal(before, s.Encode(blocks.V1)) {
		return nil, nil, errors.New("a refused update changed the document")
	}
	return nil, nil, nil
}

// mutate returns a changed copy of update; others are updates to take pieces from.
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
		case 4: // the rest is another update's
			other := others[random.IntN(len(others))]
			out = append(out[:at], other[random.IntN(len(other)):]...)
		case 5: // two ranges change places
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

// replaceNumber puts another number where one may start.
func replaceNumber(random *rand.Rand, b []byte, at int) []byte {
	old, n := binary.Uvarint(b[at:])
	if n <= 0 {
		return b
	}
	candidates := []uint64{old - 1, old + 1, old + 1, old * 2, 0, 1, 127, 128, 1<<31 - 1, 1 << 32, 1<<53 - 1, 1 << 53}
	number := binary.AppendUvarint(nil, candidates[random.IntN(len(candidates))])
	return slices.Concat(b[:at], number, b[at+n:])
}
