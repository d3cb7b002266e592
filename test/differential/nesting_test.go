package differential

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestDeepest nests types as deep as a document lets them be, in one another
// and waiting for one another, and has yjs delete the outermost.
func TestDeepest(t *testing.T) {
	s := blocks.New()
	// The second client's maps wait for the first's.
	for _, client := range []byte{2, 1} {
		most := 0
		for n := 2000; n > 0 && most == 0; n-- {
			_, err := s.Apply(mapsInMaps(client, n), blocks.V1)
			switch {
			case err == nil:
				most = n
			case !errors.Is(err, blocks.ErrLimit):
				t.Fatal(err)
			}
		}
		t.Logf("client %d nests %d maps", client, most)
		if most < 400 {
			t.Errorf("client %d can nest %d maps", client, most)
		}
	}
	base := s.Encode(blocks.V1)
	deletion := []byte{0, 1, 1, 1, 0, 1}
	if _, err := s.Apply(deletion, blocks.V1); err != nil {
		t.Fatal(err)
	}
	m := mutant{Update: deletion, Encoded: s.Encode(blocks.V1)}
	s.Compact()
	m.Compacted = s.Encode(blocks.V1)
	var verdict struct {
		Failures []struct {
			What string `json:"what"`
		} `json:"failures"`
	}
	startOracle(t).ask(t, map[string]any{"op": "accepted", "base": base, "version": 1, "mutants": []mutant{m}}, &verdict)
	for _, failure := range verdict.Failures {
		t.Error(failure.What)
	}
}

// mapsInMaps is an update of n maps, each in the one before. The first client's
// first one is in a root, the second client's in the first client's 400th.
func mapsInMaps(client byte, n int) []byte {
	u := binary.AppendUvarint([]byte{1}, uint64(n))
	u = append(u, client, 0)
	parent := []byte{1, 1, 'm'}
	if client == 2 {
		parent = binary.AppendUvarint([]byte{0, 1}, 399)
	}
	for i := range n {
		u = append(u, 0x20|7)
		u = append(u, parent...)
		u = append(u, 1, 'k', 1)
		parent = binary.AppendUvarint([]byte{0, client}, uint64(i))
	}
	return append(u, 0)
}
