package yjs

import (
	"bytes"
	"runtime"
	"strings"
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

// TestDeletedContentsAreFreed deletes most of a text whose positions are indexed. A few items
// of the same arenas stay.
func TestDeletedContentsAreFreed(t *testing.T) {
	const contents = 8 << 20
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	part := strings.Repeat("x", arenaBytes/8)
	for n := 0; n < contents; n += len(part) {
		must(t, text.Insert(text.Len()/2, part, nil))
	}
	if !text.t.indexed {
		t.Fatal("the text has no index")
	}
	before := heap()
	must(t, text.Delete(1, text.Len()-2))
	inspect(t, d)
	if freed := before - heap(); freed < contents*9/10 {
		t.Errorf("%d bytes were freed, of %d", freed, contents)
	}
	runtime.KeepAlive(d)
}

// heap returns the size of what is reachable.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
