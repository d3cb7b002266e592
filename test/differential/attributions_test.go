package differential

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
)

// TestAttributions compares what updates insert and delete with yjs 14, to the byte.
func TestAttributions(t *testing.T) {
	testkit.RequireNode(t, "..", "@y/y")
	eachSeed(t, 0.3, func(t *testing.T, yjs *oracle, seed int, profile string) report {
		var made struct {
			Updates, UpdatesV2, IDs, IDsV2, Map [][]byte
			Whole                               []byte
		}
		yjs.ask(t, map[string]any{"op": "attributions", "seed": seed, "profile": profile}, &made)
		var r report
		equal := func(what string, got, want []byte) {
			if !bytes.Equal(got, want) {
				r.Failures = append(r.Failures, fmt.Sprintf("%s\n  got  %x\n  want %x", what, got, want))
			}
		}
		for i := range made.Updates {
			ids, err := blocks.ContentIDsOf(blocks.V1, made.Updates[i])
			must(err)
			equal("the ids", ids.Encode(), made.IDs[i])
			v2, err := blocks.ContentIDsOf(blocks.V2, made.UpdatesV2[i])
			must(err)
			equal("the ids in V2", v2.Encode(), made.IDsV2[i])
			decoded, err := blocks.DecodeContentIDs(made.IDs[i])
			must(err)
			equal("decoded ids", decoded.Encode(), made.IDs[i])
			m := ids.Map([]blocks.Attribute{blocks.StringAttribute("insert", "ada")}, []blocks.Attribute{blocks.StringAttribute("delete", "bob")})
			equal("the map", m.Encode(), made.Map[i])
		}
		whole, err := blocks.DecodeContentMap(made.Whole)
		must(err)
		equal("the decoded map of all updates", whole.Encode(), made.Whole)
		return r
	})
}
