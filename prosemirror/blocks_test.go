package prosemirror

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/yjs"
)

// edited is a document with its blocks.
type edited struct {
	*Blocks

	t      *testing.T
	schema *Schema
	doc    *yjs.Doc
}

// direct is the prefix of the names of schemas whose documents have text directly in the
// elements.
const direct = "direct "

func edit(t *testing.T, schema, markdown string) *edited {
	t.Helper()
	name, isDirect := strings.CutPrefix(schema, direct)
	s := schemaNamed(t, name)
	n, err := s.Parse([]byte(markdown))
	if err != nil {
		t.Fatal(err)
	}
	doc := yjs.New()
	f, err := doc.XMLFragment(s.Root)
	if err != nil {
		t.Fatal(err)
	}
	if err := (writer{direct: isDirect}).insert(f, 0, n.Content); err != nil {
		t.Fatal(err)
	}
	b, err := s.Blocks(doc, s.Root)
	if err != nil {
		t.Fatal(err)
	}
	return &edited{b, t, s, doc}
}

func (e *edited) list() []Block {
	e.t.Helper()
	all, err := e.List()
	if err != nil {
		e.t.Fatal(err)
	}
	return all
}

func (e *edited) markdown() string {
	e.t.Helper()
	n, err := Read(e.fragment)
	if err != nil {
		e.t.Fatal(err)
	}
	out, err := e.schema.Markdown(n)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(out)
}

func (e *edited) want(markdown string) {
	e.t.Helper()
	if diff := cmp.Diff(markdown, e.markdown()); diff != "" {
		e.t.Errorf("the document (-want +got):\n%s", diff)
	}
}

func TestBlocks(t *testing.T) {
	for _, schema := range []string{Basic, TipTap, BlockNote, direct + Basic, direct + BlockNote} {
		t.Run(schema, func(t *testing.T) {
			e := edit(t, schema, "one\n\n# two\n\nthree")
			before := e.list()
			if _, err := e.Before(before[0].ID, []byte("zero")); err != nil {
				t.Fatal(err)
			}
			ids, err := e.Append([]byte("four\n\nfive"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := e.Replace(before[1].ID, before[1].Tag, []byte("## **two**")); err != nil {
				t.Fatal(err)
			}
			if _, err := e.After(before[1].ID, []byte("two and a half")); err != nil {
				t.Fatal(err)
			}
			if err := e.Delete(ids[0], ""); err != nil {
				t.Fatal(err)
			}
			e.want("zero\n\none\n\n## **two**\n\ntwo and a half\n\nthree\n\nfive\n")

			if err := e.Delete(ids[0], ""); !errors.Is(err, ErrNoBlock) {
				t.Errorf("a block that was deleted: %v", err)
			}
			if err := e.Delete("x", ""); !errors.Is(err, ErrNoBlock) {
				t.Errorf("an ID that is none: %v", err)
			}
			if err := e.Delete(before[1].ID, before[1].Tag); !errors.Is(err, ErrChanged) {
				t.Errorf("the tag of an earlier state: %v", err)
			}
			if _, err := e.Replace(before[0].ID, "", []byte("  \n")); !errors.Is(err, ErrMarkdown) {
				t.Errorf("Markdown without a block: %v", err)
			}
			if _, err := e.Append([]byte(strings.Repeat("a", MaxMarkdown+1))); !errors.Is(err, ErrSize) {
				t.Errorf("too much Markdown: %v", err)
			}
		})
	}
}

func TestMark(t *testing.T) {
	for _, schema := range []string{Basic, TipTap, BlockNote, direct + Basic, direct + BlockNote} {
		t.Run(schema, func(t *testing.T) {
			e := edit(t, schema, "one 😀 two *two* `code`\n\n```\ncode\n```")
			block := e.list()
			mark := func(want error, at int, r Range, name string, attrs map[string]any) {
				t.Helper()
				if err := e.Mark(block[at].ID, r, name, attrs); !errors.Is(err, want) {
					t.Errorf("%s on %q: %v, want %v", name, r.Text, err, want)
				}
			}
			mark(nil, 0, Range{Text: "😀"}, "strong", map[string]any{})
			mark(nil, 0, Range{"two", 2}, "em", nil)
			mark(nil, 0, Range{Text: "one"}, "link", map[string]any{"href": "https://a.b"})
			mark(ErrText, 0, Range{Text: "two"}, "strong", map[string]any{})
			mark(ErrText, 0, Range{"two", 3}, "strong", map[string]any{})
			mark(ErrText, 0, Range{Text: "three"}, "strong", map[string]any{})
			mark(ErrMark, 1, Range{Text: "code"}, "strong", map[string]any{})
			if !strings.HasSuffix(schema, Basic) {
				mark(ErrMark, 0, Range{Text: "two code"}, "strong", map[string]any{})
				mark(nil, 0, Range{Text: "one 😀"}, "code", map[string]any{})
				e.want("`one 😀` two two `code`\n\n```\ncode\n```\n")
				return
			}
			e.want("[one](https://a.b) **😀** two two `code`\n\n```\ncode\n```\n")
		})
	}
}

// TestReplaceIsMinimal checks that a replacement deletes and inserts only what differs.
func TestReplaceIsMinimal(t *testing.T) {
	for _, test := range []struct {
		schema, before, after string
		inserted              string // by the update
	}{
		{Basic, "the quick fox", "the slow fox", "slow"},
		{Basic, "the quick fox", "the **quick** fox", ""},
		{Basic, "# title", "## title", ""},
		{Basic, "- a\n- b\n- c", "- a\n- x\n- c", "x"},
		{Basic, "> a\n>\n> b", "> a\n>\n> b c", " c"},
		{TipTap, "- one\n- two", "- one\n- new\n- two", "new"},
		{direct + Basic, "the quick fox", "the slow fox", "slow"},
		{direct + Basic, "the quick ![a](b) fox", "the quick ![a](c) fox", "c"},
		{BlockNote, "- one\n  - two", "- one\n  - twox", "x"},
		{BlockNote, "| a | b |\n| - | - |\n| c | d |", "| a | b |\n| - | - |\n| c | e |", "e"},
	} {
		e := edit(t, test.schema, test.before)
		var err error
		update, _ := e.doc.Transact(func() error {
			_, err = e.Replace(e.list()[0].ID, "", []byte(test.after))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		e.want(edit(t, test.schema, test.after).markdown())
		for word := range strings.FieldsSeq(test.before + " " + test.after) {
			if !strings.ContainsFunc(word, isWord) || test.inserted != "" && strings.Contains(word, strings.TrimSpace(test.inserted)) {
				continue
			}
			if len(word) > 2 && strings.Contains(string(update), strings.Trim(word, "*")) {
				t.Errorf("%q to %q: the update writes %q again", test.before, test.after, word)
			}
		}
		if test.inserted != "" && !strings.Contains(string(update), test.inserted) {
			t.Errorf("%q to %q: the update doesn't write %q", test.before, test.after, test.inserted)
		}
	}
}

// TestReplaceByAny checks that any block can be replaced by any other.
func TestReplaceByAny(t *testing.T) {
	for _, schema := range []string{Basic, TipTap, BlockNote, direct + Basic, direct + BlockNote} {
		s := schemaNamed(t, strings.TrimPrefix(schema, direct))
		for seed := range uint64(100) {
			g := generator{s, rand.New(rand.NewPCG(seed, 1))}
			var texts [2]string
			for i := range texts {
				blocks := g.blocks(2)
				if len(blocks) == 0 {
					blocks = []*Node{{Type: nodeRule}}
				}
				out, err := s.Markdown(s.nativeDoc(blocks[:1]))
				if err != nil {
					t.Fatal(err)
				}
				texts[i] = string(out)
			}
			e := edit(t, schema, texts[0])
			blocks := e.list()
			for _, b := range blocks[1:] {
				if err := e.Delete(b.ID, ""); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := e.Replace(blocks[0].ID, "", []byte(texts[1])); err != nil {
				t.Fatalf("%s, seed %d: %v", schema, seed, err)
			}
			if strings.HasPrefix(schema, direct) && e.writer.direct && hasXMLText(e.fragment.AsText()) {
				t.Fatalf("%s, seed %d: an XML text in a document that has none", schema, seed)
			}
			if diff := cmp.Diff(texts[1], e.markdown()); diff != "" {
				t.Fatalf("%s, seed %d: %q replaced (-want +got):\n%s", schema, seed, texts[0], diff)
			}
		}
	}
}

func hasXMLText(list *yjs.Text) bool {
	for _, op := range list.Delta() {
		if _, ok := op.Insert.XMLText(); ok {
			return true
		}
		if e, ok := op.Insert.XMLElement(); ok && hasXMLText(e.AsText()) {
			return true
		}
	}
	return false
}
