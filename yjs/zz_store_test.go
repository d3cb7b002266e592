package yjs

import (
	"os"
	"testing"

	"github.com/yroom/yroom/blocks"
)

func TestStoreForm(t *testing.T) {
	u, _ := os.ReadFile("/tmp/w6/yjs-dev/b4y.bin")
	s := blocks.New()
	s.Apply(u, blocks.V1)
	os.WriteFile("/tmp/w6/yjs-dev/b4s.bin", s.Encode(blocks.V1), 0o644)
}
