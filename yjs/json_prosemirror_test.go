package yjs

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
)

func TestProseMirror(t *testing.T) {
	d := New()
	f, err := d.XMLFragment("prosemirror")
	must(t, err)
	h, err := f.InsertElement(0, "heading")
	must(t, err)
	must(t, h.SetAttribute("level", NumberValue(1)))
	text, err := h.InsertText(0)
	must(t, err)
	must(t, text.Insert(0, "plain", Object{}))
	must(t, text.Insert(5, "marked", Object{{"strong", ObjectValue()}, {"comment--AbCd0+/=", ObjectValue(Member{"id", NumberValue(7)})}, {"no--mark", BoolValue(true)}}))
	_, err = h.InsertElement(1, "br")
	must(t, err)
	_, err = f.InsertText(1)
	must(t, err)
	got, err := f.ProseMirror()
	must(t, err)
	want := `{"type":"doc","content":[{"type":"heading","attrs":{"level":1},"content":[{"type":"text","text":"plain"},` +
		`{"type":"text","text":"marked","marks":[{"type":"strong","attrs":{}},{"type":"comment","attrs":{"id":7}},{"type":"no--mark","attrs":true}]},{"type":"br"}]},[]]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	must(t, f.Insert(0, TypeValue(KindXMLHook, "h")))
	if _, err := f.ProseMirror(); !errors.Is(err, ErrType) {
		t.Errorf("with a hook: %v", err)
	}
}

// TestProseMirrorTextInElements reads text and formats that are directly in lists, as
// @y/prosemirror 2 writes them.
func TestProseMirrorTextInElements(t *testing.T) {
	mark, end := formatBlock("b", "{}"), formatBlock("b", "null")
	p, xmlText := block(blocks.KindType, "\x03\x01p"), block(blocks.KindType, "\x06")
	for _, test := range []struct {
		what, want string
		all        []blocks.Block
	}{
		// The formats of nodes are ignored where y-prosemirror has written the text.
		{"a marked node without text", `[{"type":"p"}]`, []blocks.Block{mark, p, end}},
		{"a marked node with an XML text", `[{"type":"p"},[]]`, []blocks.Block{mark, p, end, xmlText}},
		{"a marked node and text", `[{"type":"p","marks":[{"type":"b","attrs":{}}]},{"type":"text","text":"x"}]`, []blocks.Block{mark, p, end, stringBlock("x")}},
		{
			"text in runs", `[{"type":"text","text":"x"},{"type":"text","text":"yz","marks":[{"type":"b","attrs":{}}]},{"type":"text","text":"x"}]`,
			[]blocks.Block{stringBlock("x"), mark, stringBlock("y"), mark, stringBlock("z"), end, stringBlock("x")},
		},
		{"a number", "", []blocks.Block{p, block(blocks.KindAny, "\x7d\x01")}},
		{"an embed", "", []blocks.Block{stringBlock("x"), block(blocks.KindEmbed, "\x02{}")}},
		{"a text", "", []blocks.Block{block(blocks.KindType, "\x02"), p}},
		{"a fragment", "", []blocks.Block{block(blocks.KindType, "\x04")}},
	} {
		f, err := applied(t, chained(test.all...)).XMLFragment("t")
		must(t, err)
		switch got, err := f.ProseMirror(); {
		case test.want == "" && !errors.Is(err, ErrType):
			t.Errorf("%s: %s, %v, want ErrType", test.what, got, err)
		case test.want != "" && (err != nil || string(got) != `{"type":"doc","content":`+test.want+`}`):
			t.Errorf("%s: %s, %v, want %s", test.what, got, err, test.want)
		}
	}
	d := New()
	f, err := d.XMLFragment("f")
	must(t, err)
	must(t, f.AsMap().Set("page", NumberValue(1)))
	must(t, f.AsText().Insert(0, "x", nil))
	got, err := f.ProseMirror()
	must(t, err)
	if want := `{"type":"doc","attrs":{"page":1},"content":[{"type":"text","text":"x"}]}`; string(got) != want {
		t.Errorf("with attributes: %s, want %s", got, want)
	}
}

// TestEditors exports the documents of real editors, which testdata/prosemirror.mjs has
// driven, as these show them.
func TestEditors(t *testing.T) {
	file, err := os.Open("testdata/prosemirror.jsonl")
	must(t, err)
	defer file.Close()
	n := 0
	for lines := json.NewDecoder(file); ; n++ {
		var made struct {
			Name, Binding, V1, V2 string
			Shown                 any
		}
		err := lines.Decode(&made)
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		t.Run(made.Binding+"/"+made.Name, func(t *testing.T) {
			for enc, text := range map[blocks.Encoding]string{V1: made.V1, V2: made.V2} {
				update, err := hex.DecodeString(text)
				must(t, err)
				d := New()
				must(t, d.Apply(update, enc))
				f, err := d.XMLFragment("prosemirror")
				must(t, err)
				printed, err := f.ProseMirror()
				must(t, err)
				var got any
				must(t, json.Unmarshal(printed, &got))
				if diff := cmp.Diff(simplified(made.Shown), simplified(got)); diff != "" {
					t.Errorf("V%d (-editor +export):\n%s", enc, diff)
				}
			}
		})
	}
	if n == 0 {
		t.Error("there are no documents")
	}
}

// simplified returns a node without what two JSONs of it may differ in: attributes that are
// null, lists and objects that are empty, and the order of marks.
func simplified(node any) any {
	switch node := node.(type) {
	case []any:
		out := []any{}
		for _, x := range node {
			out = append(out, simplified(x))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, x := range node {
			x = simplified(x)
			if marks, ok := x.([]any); ok && key == "marks" {
				slices.SortFunc(marks, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
			if text := fmt.Sprint(x); x != nil && text != "[]" && text != "map[]" {
				out[key] = x
			}
		}
		return out
	}
	return node
}
