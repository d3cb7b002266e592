package makers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/yjs"
)

// seeded is a document that was made from Markdown, for an editor.
type seeded struct {
	Schema string `json:"schema"`
	Root   string `json:"root"`
	Update []byte `json:"update"`
}

// opened is a document after an editor has opened it.
type opened struct {
	Update []byte `json:"update"`
	Shows  string `json:"shows"`
}

// TestEditorsKeepMarkdown opens documents of Markdown, those of CommonMark's specification
// among them, in the editors of their schemas. An editor deletes a node that its schema
// doesn't allow, so the documents must be the same afterwards.
func TestEditorsKeepMarkdown(t *testing.T) {
	testkit.RequireNode(t, ".", "yjs")
	for _, name := range []string{prosemirror.Basic, prosemirror.TipTap, prosemirror.BlockNote} {
		t.Run(name, func(t *testing.T) {
			schema, err := prosemirror.NewSchema(prosemirror.Config{Schema: name})
			if err != nil {
				t.Fatal(err)
			}
			texts := examples(t)
			if name == prosemirror.BlockNote { // it starts slowly
				texts = few(texts)
			}
			var in bytes.Buffer
			for _, text := range texts {
				update, err := schema.Update(schema.Root, []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if err := json.NewEncoder(&in).Encode(seeded{name, schema.Root, update}); err != nil {
					t.Fatal(err)
				}
			}
			node := exec.CommandContext(t.Context(), "node", "--import", "./no-css.mjs", "seeded.mjs")
			node.Stdin, node.Stderr = bytes.NewReader(in.Bytes()), t.Output()
			out, err := node.Output()
			if err != nil {
				t.Fatal(err)
			}
			answers := bufio.NewScanner(bytes.NewReader(out))
			answers.Buffer(nil, 1<<20)
			shown := 0
			for i, text := range texts {
				if !answers.Scan() {
					t.Fatalf("%d answers for %d documents: %v", i, len(texts), answers.Err())
				}
				var after opened
				if err := json.Unmarshal(answers.Bytes(), &after); err != nil {
					t.Fatal(err)
				}
				want := markdownOf(t, schema, mustUpdate(t, schema, text))
				if diff := cmp.Diff(want, markdownOf(t, schema, after.Update)); diff != "" {
					t.Errorf("%q: the editor has changed the document (-before +after):\n%s", text, diff)
				}
				if strings.TrimSpace(after.Shows) != "" {
					shown++
				}
			}
			if shown < len(texts)*8/10 { // some of them have no text
				t.Errorf("the editor shows a text in only %d of %d documents", shown, len(texts))
			}
		})
	}
}

func few(texts []string) (some []string) {
	for i := 0; i < len(texts); i += 20 {
		some = append(some, texts[i])
	}
	return some
}

func mustUpdate(t *testing.T, schema *prosemirror.Schema, text string) []byte {
	t.Helper()
	update, err := schema.Update(schema.Root, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return update
}

func markdownOf(t *testing.T, schema *prosemirror.Schema, update []byte) string {
	t.Helper()
	doc := yjs.New()
	if err := doc.Apply(update, yjs.V1); err != nil {
		t.Fatal(err)
	}
	f, err := doc.XMLFragment(schema.Root)
	if err != nil {
		t.Fatal(err)
	}
	n, err := prosemirror.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := schema.Markdown(n)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// examples returns Markdown texts.
func examples(t *testing.T) []string {
	t.Helper()
	texts := []string{
		"**`a`** [`b`](c) ~~d~~ <u>e</u> *f **g***\n",
		"- [x] a\n- [ ] b\n  1. c\n\n     > d\n",
		"| a | b |\n| - | - |\n| c | ![d](e) |\n",
		"- > a\n- ```\n  b\n  ```\n- ***\n-\n",
		"> - a\n>\n> # b\n\n>\n",
		"a ![b](c) d\n\n# e ![f](g)\n\na<br>b<br>\n",
		"7. a\n\n   b\n8. c\n",
		"[a]() ![b]()\n\n![c]()\n",
	}
	for _, one := range testkit.CommonMark(t) {
		texts = append(texts, one.Markdown)
	}
	return texts
}
