package yjs

import (
	"testing"
)

// TestMergeTyping types a text character by character.
func TestMergeTyping(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	for i := range 1000 {
		must(t, text.Insert(i, "x", nil))
	}
	must(t, text.Delete(100, 50))
	items := 0
	for _, chunk := range d.clients[0].items.chunks {
		items += chunk.len()
	}
	if items != 3 {
		t.Errorf("%d items, want 3", items)
	}
}
