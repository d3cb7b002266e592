package yjs

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func marshaled(t *testing.T, v interface{ MarshalJSON() ([]byte, error) }) string {
	t.Helper()
	text, err := v.MarshalJSON()
	must(t, err)
	return string(text)
}

// chained returns an update of one client. The first block is in the root "t", and each
// of the others, unless it has a root, follows the block before it.
func chained(all ...blocks.Block) []byte {
	out := append(lib0.AppendUint([]byte{1}, uint64(len(all))), 1, 0)
	clock := uint64(0)
	for i, b := range all {
		b.ID = blocks.ID{Client: 1, Clock: clock}
		if b.Root == nil && i == 0 {
			b.Root = []byte("t")
		} else if b.Root == nil {
			b.HasOrigin, b.Origin = true, blocks.ID{Client: 1, Clock: clock - 1}
		}
		out = b.AppendTo(out)
		clock += b.Len
	}
	return append(out, 0)
}

func stringBlock(s string) blocks.Block {
	return blocks.Block{Kind: blocks.KindString, Len: uint64(len(s)), Content: []byte(s)}
}

// block returns a block of one element.
func block(k blocks.Kind, content string) blocks.Block {
	return blocks.Block{Kind: k, Len: 1, Content: []byte(content)}
}

func formatBlock(key, value string) blocks.Block {
	return blocks.Block{Kind: blocks.KindFormat, Len: 1, Content: formatContent(key, []byte(value))}
}

// applied returns a new Doc with an update.
func applied(t *testing.T, update []byte) *Doc {
	t.Helper()
	d := New()
	must(t, d.Apply(update, blocks.V1))
	return d
}

// second returns the error of a call with two results.
func second[T any](_ T, err error) error { return err }

// reread encodes d and returns a new Doc with the result. It inspects both.
func reread(t *testing.T, d *Doc) *Doc {
	t.Helper()
	inspect(t, d)
	again := New()
	must(t, again.Apply(d.Encode(blocks.V1), blocks.V1))
	inspect(t, again)
	return again
}

// textOf returns the content of the text "t".
func textOf(t *testing.T, d *Doc) string {
	t.Helper()
	text, err := d.Text("t")
	must(t, err)
	return text.String()
}

// show describes an update.
func show(update []byte) string {
	var out bytes.Buffer
	deleted, err := blocks.Parse(update, blocks.V1, func(b *blocks.Block) { fmt.Fprintf(&out, "%+v\n", *b) })
	if err != nil {
		return err.Error()
	}
	for first, n := range deleted {
		fmt.Fprintf(&out, "deletes %v and %d more\n", first, n-1)
	}
	return out.String()
}
