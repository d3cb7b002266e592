package yjs

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestPositionIndex compares edits at positions in an indexed text with the same edits
// of a string.
func TestPositionIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	d := NewWith(Options{ClientID: 1})
	text, _ := d.Text("t")
	want := ""
	for i := range 3000 {
		at := random.IntN(len(want) + 1)
		switch n := min(random.IntN(4), len(want)-at); {
		case random.IntN(5) < 3:
			s := fmt.Sprint(i)
			must(t, text.Insert(at, s, nil))
			want = want[:at] + s + want[at:]
		case n > 0 && random.IntN(2) == 0:
			must(t, text.Format(at, n, Object{{"k", NumberValue(float64(i % 3))}}))
		default:
			must(t, text.Delete(at, n))
			want = want[:at] + want[at+n:]
		}
	}
	if got := text.String(); got != want {
		t.Error("the text differs from the string")
	}
	inspect(t, d)
}
