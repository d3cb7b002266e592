package differential

import (
	"flag"
	"fmt"
	"testing"
)

var (
	forgeries   = flag.Int("forgeries", 1000, "the number of forged histories that TestForgedHistories runs")
	firstForged = flag.Int("firstforged", 0, "the seed of the first of them")
)

// forgedBatch is the number of histories in one request.
const forgedBatch = 50

// TestForgedHistories checks that forged updates harm no client: of the clients that
// were there early, in the middle and at the end of a history, and loaded the document
// before or after a compaction, none throws, none freezes, and none differs from
// another. Then the clients edit the document, and the store must take their edits.
func TestForgedHistories(t *testing.T) {
	first, end := *firstForged, *firstForged+*forgeries
	if *oneSeed >= 0 {
		first, end = *oneSeed, *oneSeed+1
	}
	const parts = 2
	for part := range parts {
		t.Run(fmt.Sprintf("part %d", part+1), func(t *testing.T) {
			t.Parallel()
			yjs := startOracle(t)
			tried, taken := 0, 0
			for from := first + part*forgedBatch; from < end && !t.Failed(); from += parts * forgedBatch {
				var rooms []*forgedRoom
				for seed := from; seed < min(from+forgedBatch, end); seed++ {
					r, err := forgeRoom(seed)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					tried, taken = tried+r.tried, taken+len(r.Updates)
					rooms = append(rooms, r)
				}
				playForged(t, yjs, rooms)
			}
			t.Logf("%d forged updates, %d taken", tried, taken)
			if *oneSeed < 0 && taken < tried/4 {
				t.Errorf("%d taken of %d forged updates are too few to be significant", taken, tried)
			}
		})
	}
}

// playForged lets clients join rooms, edit the documents and delete everything.
func playForged(t *testing.T, yjs *oracle, rooms []*forgedRoom) {
	t.Helper()
	fail := func(i int, what any) {
		t.Errorf("%v\n  updates %x\n  replay: go test ./test/differential -run TestForgedHistories -seed %d -v", what, rooms[i].Updates, rooms[i].Seed)
	}
	var edits struct {
		Edits [][][]byte `json:"edits"`
	}
	yjs.ask(t, map[string]any{"op": "forged", "rooms": rooms}, &edits)
	further := make([][][]byte, len(rooms))
	for i, updates := range edits.Edits {
		known := len(rooms[i].Updates)
		for _, update := range updates {
			if err := rooms[i].apply(update); err != nil {
				fail(i, err)
			}
		}
		further[i] = append([][]byte{}, rooms[i].Updates[known:]...)
	}
	var verdict struct {
		Failures [][]string `json:"failures"`
	}
	yjs.ask(t, map[string]any{"op": "forgedEnd", "further": further}, &verdict)
	for i, failures := range verdict.Failures {
		for _, failure := range failures {
			fail(i, failure)
		}
	}
}
