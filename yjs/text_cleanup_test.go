package yjs

import (
	"encoding/hex"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// TestCleanFormats formats a letter that another client formats or deletes
// concurrently. The expected updates were printed by yjs 13.6.33.
func TestCleanFormats(t *testing.T) {
	bold := Object{{"bold", BoolValue(true)}}
	for _, test := range []struct {
		name         string
		edit         func(*Text) error
		update, want string
	}{
		{
			"both make it bold", func(text *Text) error { return text.Format(0, 3, bold) },
			"0102020046010004626f6c64047472756586010204626f6c64046e756c6c00",
			"0202020046010004626f6c64047472756586010204626f6c64046e756c6c03010004010174036162634101000186010204626f6c64046e756c6c0101010301",
		},
		{
			"one makes it bold, one deletes it", func(text *Text) error { return text.Format(1, 1, bold) },
			"000101010101",
			"01050100040101740161810100018401010163c10100010101c60101010204626f6c64046e756c6c01010201010301",
		},
	} {
		d := NewWith(Options{ClientID: 1})
		text, _ := d.Text("t")
		must(t, text.Insert(0, "abc", nil))
		must(t, test.edit(text))
		update, err := hex.DecodeString(test.update)
		must(t, err)
		must(t, d.Apply(update, blocks.V1))
		if got := hex.EncodeToString(d.Encode(blocks.V1)); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
		inspect(t, d)
	}
}

// TestCleanFormatsUnknownRoot applies the same update to a root that was not requested:
// yjs cleans up only types that it knows to be texts.
func TestCleanFormatsUnknownRoot(t *testing.T) {
	a := NewWith(Options{ClientID: 1})
	text, _ := a.Text("t")
	must(t, text.Insert(0, "abc", nil))
	d := New()
	must(t, d.Apply(a.Encode(blocks.V1), blocks.V1))
	must(t, text.Format(0, 3, Object{{"bold", BoolValue(true)}}))
	must(t, d.Apply(a.Encode(blocks.V1), blocks.V1))
	update, err := hex.DecodeString("0102020046010004626f6c64047472756586010204626f6c64046e756c6c00")
	must(t, err)
	must(t, d.Apply(update, blocks.V1))
	for it := d.roots["t"].first; it != nil; it = it.right {
		if it.deleted() {
			t.Error("a format was deleted")
		}
	}
}

// TestCleanFormatsLateRequest requests a text after its formats were integrated: as in
// yjs, these are not cleaned up.
func TestCleanFormatsLateRequest(t *testing.T) {
	a := NewWith(Options{ClientID: 1})
	text, _ := a.Text("t")
	must(t, text.Insert(0, "abc", nil))
	must(t, text.Format(1, 1, Object{{"bold", BoolValue(true)}}))
	d := New()
	must(t, d.Apply(a.Encode(blocks.V1), blocks.V1))
	late, err := d.Text("t")
	must(t, err)
	must(t, d.Apply([]byte{0, 1, 1, 1, 1, 1}, blocks.V1))
	if late.String() != "ac" {
		t.Errorf("text %q", late)
	}
	for it := late.t.first; it != nil; it = it.right {
		if it.kind == blocks.KindFormat && it.deleted() {
			t.Error("a format was deleted")
		}
	}
}
