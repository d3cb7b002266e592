package differential

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestConvert checks that Convert turns each encoding of an update into the other one,
// as yjs wrote them, byte for byte.
func TestConvert(t *testing.T) {
	count := func(float64) int { return *seeds / 10 }
	eachProfile(t, count, func(t *testing.T, yjs *oracle, profile string, first, end int) {
		toV1, toV2 := 0, 0
		for seed := first; seed < end && !t.Failed(); seed++ {
			n, m := convertHistory(t, yjs, seed, profile)
			toV1, toV2 = toV1+n, toV2+m
		}
		t.Logf("%d updates to V1, %d to V2", toV1, toV2)
	})
}

// convertHistory converts the updates of a history to V1, and to V2 if V1 represents
// them without loss. It returns the numbers of conversions.
func convertHistory(t *testing.T, yjs *oracle, seed int, profile string) (toV1, toV2 int) {
	var history struct {
		Updates   [][]byte `json:"updates"`
		UpdatesV2 [][]byte `json:"updatesV2"`
		Lossless  []bool   `json:"lossless"`
	}
	yjs.ask(t, map[string]any{"op": "history", "seed": seed, "profile": profile}, &history)
	convert := func(from, to blocks.Encoding, update, want []byte) {
		if got, err := blocks.Convert(from, to, update); err != nil || !bytes.Equal(got, want) {
			t.Errorf("seed %d: V%d to V%d: %v\n  update   %x\n  got      %x\n  expected %x\n  replay: go test ./test/differential -run TestConvert -seed %d -profile %s -v",
				seed, from, to, err, update, got, want, seed, profile)
		}
	}
	for i, v1 := range history.Updates {
		convert(blocks.V2, blocks.V1, history.UpdatesV2[i], v1)
		toV1++
		if history.Lossless[i] {
			convert(blocks.V1, blocks.V2, v1, history.UpdatesV2[i])
			toV2++
		}
	}
	return toV1, toV2
}

// TestTracesExpandLittle checks that recorded documents in V2 are far below the bound of
// what an update may take in V1. Those in the folder egwalker of the recorded sessions
// are in V2 as yjs wrote them.
func TestTracesExpandLittle(t *testing.T) {
	folder := os.Getenv("YROOM_TRACES")
	if folder == "" {
		t.Skip("YROOM_TRACES is not set to the folder with the recorded sessions")
	}
	files, err := filepath.Glob(filepath.Join(folder, "egwalker", "*.yjs"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		theirs, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := blocks.New()
		if _, err := s.Apply(theirs, blocks.V2); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		ours, v1 := s.Encode(blocks.V2), s.Encode(blocks.V1)
		ratio := float64(len(v1)) / float64(min(len(ours), len(theirs)))
		if t.Logf("%s takes %.1f times as much in V1", file, ratio); ratio > 16.0/4 {
			t.Errorf("%s: that is close to the bound", file)
		}
	}
}
