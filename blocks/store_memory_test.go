package blocks

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// TestMemory checks that Memory is about what a document takes, whatever it consists of.
func TestMemory(t *testing.T) {
	for name, fill := range map[string]func(apply func(update []byte)){
		"a long text": func(apply func([]byte)) { apply(testkit.Typed(1, 0, strings.Repeat("x", 8<<20))) },
		"many clients": func(apply func([]byte)) {
			for client := range uint64(30_000) {
				apply(testkit.Typed(client+1, 0, "x"))
			}
		},
		"many small blocks": func(apply func([]byte)) {
			const n = 400_000
			embeds := bytes.Repeat(unhex(t, "05 01 01 74 01 31"), n)
			apply(append(append(append(lib0.AppendUint([]byte{1}, n), 1, 0), embeds...), 0))
		},
		"pending blocks": func(apply func([]byte)) {
			for client := range uint64(10_000) {
				apply(testkit.Typed(client+1, 1, "x"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := New()
			fill(func(update []byte) {
				if _, err := s.Apply(update, V1); err != nil {
					t.Fatal(err)
				}
			})
			took := int(heap() - before)
			t.Logf("it takes %d bytes, and Memory returns %d", took, s.Memory())
			if got := s.Memory(); took > 1<<20 && (got < took/2 || got > 3*took) {
				t.Errorf("Memory returns %d, but it takes %d", got, took)
			}
			runtime.KeepAlive(s)
		})
	}
}
