package differential

import (
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/yjs"
)

// TestHoles applies updates that leave holes, of forks of which a part was accepted, to
// stores and to documents of package yjs, and compares them with yjs 14 and yjs 13.
func TestHoles(t *testing.T) {
	oracle := startOracle(t)
	first, end := 0, max(1, *seeds/4)
	if *oneSeed >= 0 {
		first, end = *oneSeed, *oneSeed+1
	}
	holes, disagrees := 0, 0
	for seed := first; seed < end; seed++ {
		var history struct {
			Updates [][]byte `json:"updates"`
			Rest    [][]byte `json:"rest"`
			Vectors [][]byte `json:"vectors"`
		}
		oracle.ask(t, map[string]any{"op": "holes", "seed": seed}, &history)
		var verdict struct {
			Failures  []string `json:"failures"`
			Holes     bool     `json:"holes"`
			Disagrees int      `json:"disagrees"`
		}
		oracle.ask(t, map[string]any{"op": "holesEnd", "result": integrateHoles(t, history.Updates, history.Rest, history.Vectors)}, &verdict)
		for _, failure := range verdict.Failures {
			t.Errorf("seed %d: %s\n  replay: go test ./test/differential -run TestHoles -seed %d -v", seed, failure, seed)
		}
		if verdict.Holes {
			holes++
		}
		disagrees += verdict.Disagrees
	}
	t.Logf("%d seeds, %d with holes; %d times yjs disagreed with itself", end-first, holes, disagrees)
	if *oneSeed < 0 && (holes < (end-first)/3 || disagrees > end-first) {
		t.Error("too few comparisons are significant")
	}
}

// integrateHoles returns what a store and a document make of updates.
func integrateHoles(t *testing.T, updates, rest, vectors [][]byte) map[string]any {
	t.Helper()
	must := func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s, doc := blocks.New(), yjs.New()
	for _, update := range updates {
		must(s.Apply(update, blocks.V1))
		must(nil, doc.Apply(update, blocks.V1))
	}
	out := map[string]any{"stateVector": s.StateVector(), "docVector": doc.StateVector(), "encoded": s.Encode(blocks.V1)}
	held := blocks.New()
	must(nil, held.Load(s.Encode(blocks.V1), blocks.V1))
	held.HoldPending()
	out["held"] = held.Encode(blocks.V1)
	text, err := doc.Text("t")
	must(nil, err)
	out["text"] = text.String()
	out["merged"] = must(blocks.Merge(blocks.V1, updates...))
	diffs := [][]byte{}
	for _, vector := range vectors {
		diffs = append(diffs, must(s.Diff(vector, blocks.V1)))
	}
	out["diffs"] = diffs
	s.Compact()
	out["compacted"], out["compactedVector"] = s.Encode(blocks.V1), s.StateVector()
	for _, update := range rest {
		must(s.Apply(update, blocks.V1))
	}
	out["filled"] = s.Encode(blocks.V1)
	return out
}
