package differential

import (
	"slices"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestHistory checks that a store with Options.History keeps everything that yjs needs
// to restore an old snapshot.
func TestHistory(t *testing.T) {
	count := func(share float64) int { return int(float64(*seeds) * share / 8) }
	eachProfile(t, count, func(t *testing.T, yjs *oracle, profile string, first, end int) {
		dropped := 0
		for seed := first; seed < end && !t.Failed(); seed++ {
			dropped += restoreHistory(t, yjs, seed, profile)
		}
		if *oneSeed < 0 && dropped == 0 {
			t.Error("no store without history is smaller: the test is not significant")
		}
	})
}

// restoreHistory restores a snapshot from the middle of a history. It returns how many
// bytes a store without history drops.
func restoreHistory(t *testing.T, yjs *oracle, seed int, profile string) (dropped int) {
	var history struct {
		Updates [][]byte `json:"updates"`
	}
	yjs.ask(t, map[string]any{"op": "history", "seed": seed, "profile": profile, "gc": 0}, &history)
	half := len(history.Updates) / 2
	apply := func(o blocks.Options, updates [][]byte) *blocks.Store {
		s := blocks.NewWith(o)
		for _, update := range updates {
			if _, err := s.Apply(update, blocks.V1); err != nil {
				t.Fatalf("seed %d, %x: %v", seed, update, err)
			}
		}
		return s
	}
	arrived := slices.Clone(history.Updates)
	if seed%2 == 1 { // deletions arrive before the elements that they delete
		slices.Reverse(arrived)
	}
	s := apply(blocks.Options{History: true}, arrived)
	s.Compact()
	diff, err := s.Diff(apply(blocks.Options{}, history.Updates[:half]).StateVector(), blocks.V1)
	if err != nil {
		t.Fatal(err)
	}
	v1 := s.Encode(blocks.V1)
	var verdict struct {
		Failures []string `json:"failures"`
	}
	yjs.ask(t, map[string]any{
		"op": "restore", "profile": profile, "updates": history.Updates, "first": half, "v1": v1, "v2": s.Encode(blocks.V2), "diff": diff,
	}, &verdict)
	for _, failure := range verdict.Failures {
		t.Errorf("%s\n  replay: go test ./test/differential -run TestHistory -seed %d -profile %s -v", failure, seed, profile)
	}
	return len(v1) - len(apply(blocks.Options{}, arrived).Encode(blocks.V1))
}
