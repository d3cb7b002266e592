package differential

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/yjs"
)

// characters returns all characters that have a category in package unicode. A character of
// a newer version of Unicode has none, and may have a lower case in JavaScript only. U+0295
// and U+1171E are left out, because they have other categories in newer versions.
func characters() (all []rune) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf, unicode.Co) && r != 0x295 && r != 0x1171e {
			all = append(all, r)
		}
	}
	return all
}

// fragment returns a document that has, in the fragment "x", one element with a name, and
// in it an "a" with a mark.
func fragment(t *testing.T, name, mark string) *yjs.XMLFragment {
	t.Helper()
	all := []blocks.Block{
		{Kind: blocks.KindType, Len: 1, Root: []byte("x"), Content: lib0.AppendString([]byte{3}, name)},
		{Kind: blocks.KindType, Len: 1, InType: true, Parent: blocks.ID{Client: 1}, Content: []byte{6}},
		{Kind: blocks.KindFormat, Len: 1, InType: true, Parent: blocks.ID{Client: 1, Clock: 1}, Content: lib0.AppendString(lib0.AppendString(nil, mark), "{}")},
		{Kind: blocks.KindString, Len: 1, HasOrigin: true, Origin: blocks.ID{Client: 1, Clock: 2}, Content: []byte("a")},
	}
	update := []byte{1, byte(len(all)), 1, 0}
	for _, b := range all {
		update = b.AppendTo(update)
	}
	d := yjs.New()
	if err := d.Apply(append(update, 0), blocks.V1); err != nil {
		t.Fatal(err)
	}
	x, err := d.XMLFragment("x")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestNamesInLowerCase compares the lower case of every character in the name of an
// element, and that of a sigma beside it, which depends on where words end.
func TestNamesInLowerCase(t *testing.T) {
	t.Parallel()
	js := startOracle(t)
	for some := range slices.Chunk(characters(), 4096) {
		var name strings.Builder
		for _, r := range some {
			fmt.Fprintf(&name, "%c AΣ%c AΣ%cA A%cΣ %cΣ 1%cΣ Σ%c ", r, r, r, r, r, r, r)
		}
		var want struct{ Printed string }
		js.ask(t, map[string]any{"op": "name", "name": name.String()}, &want)
		got := fragment(t, name.String(), "m").String()
		got = strings.Replace(got, "<m>a</m>", "", 1)
		if got == want.Printed {
			continue
		}
		sent, wants := strings.Split(name.String(), " "), strings.Split(want.Printed, " ")
		for i, g := range strings.Split(got, " ") {
			if i < len(wants) && g != wants[i] {
				t.Errorf("%+q is %+q, yjs prints %+q", sent[i%len(sent)], g, wants[i])
			}
		}
	}
}

// TestMarkNames compares which characters end a line for the regular expression with which
// y-prosemirror finds the name of a mark.
func TestMarkNames(t *testing.T) {
	t.Parallel()
	js := startOracle(t)
	var answer struct{ LineEnds []rune }
	js.ask(t, map[string]any{"op": "lineEnds"}, &answer)
	if len(answer.LineEnds) < 2 {
		t.Fatalf("only %q end lines", answer.LineEnds)
	}
	for _, r := range characters() {
		if r < ' ' || r == '"' || r == '\\' {
			continue // JSON escapes them
		}
		got, err := fragment(t, "p", "x"+string(r)+"b--12345678").ProseMirror()
		want := "x" + string(r) + "b"
		if slices.Contains(answer.LineEnds, r) {
			want = "b"
		}
		if err != nil || !strings.Contains(string(got), `"type":"`+want+`"`) {
			t.Errorf("%U: %s, %v; want the mark %+q", r, got, err, want)
		}
	}
}
