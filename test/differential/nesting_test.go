package differential

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestDeepest nests types up to the limit of a document, directly and by an update that
// arrives before its dependencies. yjs must be able to delete the outermost type.
func TestDeepest(t *testing.T) {
	s := blocks.New()
	apply := func(update []byte) {
		t.Helper()
		if added, err := s.Apply(update, blocks.V1); added == nil || err != nil {
			t.Fatalf("added %d bytes, %v", len(added), err)
		}
	}
	const most = 500
	for client, first := range map[byte][]byte{
		1: {0x27, 1, 1, 'm', 1, 'k', 1},
		2: {0xa7, 3, 0, 1}, // after a value that arrives later
	} {
		if _, err := s.Apply(mapsInMaps(client, first, most+2), blocks.V1); !errors.Is(err, blocks.ErrLimit) {
			t.Errorf("client %d can nest %d maps: %v", client, most+2, err)
		}
		apply(mapsInMaps(client, first, most))
	}
	value := binary.AppendUvarint([]byte{1, 1, 3, 0, 0x28, 0, 1}, most-1)
	apply(append(value, 1, 'k', 1, 0x7d, 1, 0))
	if vector, err := blocks.StateVectorOf(blocks.V1, s.Encode(blocks.V1)); err != nil || !bytes.Equal(vector, s.StateVector()) {
		t.Errorf("some blocks are still pending: %v", err)
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

// mapsInMaps returns an update of a client with n nested maps. first is the client's
// first block without the client id and clock.
func mapsInMaps(client byte, first []byte, n int) []byte {
	u := binary.AppendUvarint([]byte{1}, uint64(n))
	u = append(append(u, client, 0), first...)
	for i := range n - 1 {
		u = binary.AppendUvarint(append(u, 0x27, 0, client), uint64(i))
		u = append(u, 1, 'k', 1)
	}
	return append(u, 0)
}
