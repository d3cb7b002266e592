package yjs

import (
	"bytes"
	"testing"

	"github.com/yroom/yroom/blocks"
)

func TestHistory(t *testing.T) {
	for _, history := range []bool{false, true} {
		d := NewWith(Options{ClientID: 1, History: history})
		text, _ := d.Text("t")
		must(t, text.Insert(0, "secret", nil))
		must(t, text.Delete(0, 6))
		if got := bytes.Contains(d.Encode(blocks.V1), []byte("secret")); got != history {
			t.Errorf("History %v: content kept: %v", history, got)
		}
		inspect(t, d)
	}
}

// TestCollectType deletes a type with types nested in it.
func TestCollectType(t *testing.T) {
	d := NewWith(Options{ClientID: 1})
	m, _ := d.Map("m")
	a, err := m.SetArray("a")
	must(t, err)
	for range 10 {
		inner, err := a.InsertMap(0)
		must(t, err)
		text, err := inner.SetText("t")
		must(t, err)
		must(t, text.Insert(0, "some text", nil))
	}
	full := len(d.Encode(blocks.V1))
	must(t, m.Delete("a"))
	inspect(t, d)
	if got := len(d.Encode(blocks.V1)); got > 30 || got >= full {
		t.Errorf("%d bytes, before %d", got, full)
	}
	if a.Len() != 0 {
		t.Errorf("%d elements are left", a.Len())
	}
	// Another replica loads the GC blocks.
	other := NewWith(Options{ClientID: 2})
	must(t, other.Apply(d.Encode(blocks.V1), blocks.V1))
	inspect(t, other)
}
