package yjs

import (
	"bytes"
	"errors"
	"testing"

	"github.com/yroom/yroom/blocks"
)

func TestTransact(t *testing.T) {
	d := NewWith(Options{ClientID: 7})
	text, _ := d.Text("t")
	update, err := d.Transact(func() error { return nil })
	if update != nil || err != nil {
		t.Errorf("without edits: %x, %v", update, err)
	}
	must(t, text.Insert(0, "a", nil)) // a transaction of its own
	boom := errors.New("boom")
	update, err = d.Transact(func() error {
		must(t, text.Insert(1, "bc", nil))
		must(t, text.Delete(1, 1))
		if inner, err := d.Transact(func() error { return text.Insert(2, "d", nil) }); inner != nil || err != nil {
			t.Errorf("nested transaction: %x, %v", inner, err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
	other := New()
	must(t, other.Apply(update, blocks.V1))
	got, _ := other.Text("t")
	if got.String() != "" {
		t.Errorf("without the first update: %q", got.String())
	}
	must(t, other.Apply(d.Encode(blocks.V2), blocks.V2))
	if got.String() != "acd" || text.String() != "acd" {
		t.Errorf("%q and %q", got.String(), text.String())
	}
	diff, err := d.Diff(d.StateVector(), blocks.V1)
	must(t, err)
	if want := []byte{0, 1, 7, 1, 1, 1}; !bytes.Equal(diff, want) {
		t.Errorf("diff %x, want %x: only the deletion", diff, want)
	}
	update, err = d.Transact(func() error { return d.Apply(other.Encode(blocks.V1), blocks.V1) })
	if update != nil || err != nil {
		t.Errorf("applying a known update: %x, %v", update, err)
	}
}

func TestTransactPanic(t *testing.T) {
	d := New()
	func() {
		defer func() { _ = recover() }()
		_, _ = d.Transact(func() error { panic("fn") })
	}()
	inspect(t, d)
}
