package yjs

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

func TestClientIDContinues(t *testing.T) {
	a := NewWith(Options{ClientID: 5})
	text, _ := a.Text("t")
	first, err := a.Transact(func() error { return text.Insert(0, "one", nil) })
	must(t, err)
	second, err := a.Transact(func() error { return text.Insert(3, " two", nil) })
	must(t, err)

	b := NewWith(Options{ClientID: 5})
	must(t, b.Apply(first, blocks.V1))
	textB, _ := b.Text("t")
	update, err := b.Transact(func() error { return textB.Insert(3, "!", nil) })
	must(t, err)
	if !bytes.Contains(update, []byte{1, 5, 3}) || b.ClientID() != 5 {
		t.Errorf("client %d, update %s", b.ClientID(), show(update))
	}

	// Blocks of the Doc's own id are pending, so that it can't know which clocks are free.
	c := NewWith(Options{ClientID: 5})
	must(t, c.Apply(second, blocks.V1))
	textC, _ := c.Text("t")
	must(t, textC.Insert(0, "x", nil))
	if c.ClientID() == 5 {
		t.Error("an id with pending blocks is used")
	}
	must(t, c.Apply(first, blocks.V1))
	if got := textC.String(); !strings.Contains(got, "one two") || !strings.Contains(got, "x") {
		t.Errorf("text %q", got)
	}
	if id := NewWith(Options{ClientID: math.MaxUint64}).ClientID(); id == 0 || id > lib0.MaxInt {
		t.Errorf("id %d", id)
	}
}
