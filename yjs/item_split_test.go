package yjs

import (
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestSplitLargeItems splits items with large contents in many places, from the end on.
func TestSplitLargeItems(t *testing.T) {
	const n = 50_000
	big := strings.Repeat("é", n)
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	must(t, text.Insert(0, big, nil))
	array, _ := d.Array("a")
	var values []Value
	for range n {
		values = append(values, NumberValue(1))
	}
	must(t, array.Push(values...))
	inspect(t, d)
	if got := len(d.Encode(blocks.V1)); got > 4*n+40 {
		t.Errorf("%d bytes: the pieces of divided items are encoded as separate blocks", got)
	}
	for i := n - 1; i > 0; i -= 5 {
		must(t, text.Insert(i, "x", nil))
		must(t, array.Insert(i, NullValue()))
	}
	if text.Len() != n+(n-1)/5+1 || array.Len() != text.Len() {
		t.Errorf("lengths %d and %d", text.Len(), array.Len())
	}
	inspect(t, d)
}
