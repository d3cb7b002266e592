package yjs

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
)

// written is a document that another program has written, and what yjs 13.6.33 reads of
// it. Updates are in V1 unless Versions says otherwise.
type written struct {
	Name     string
	Updates  []string
	Versions []blocks.Encoding
	Root     string
	Kind     string
	Yjs      map[string]string
}

// TestWrittenByOthers reads documents that other programs write in other ways than yjs
// does. It reads them as yjs, directly and through a store, in both encodings.
func TestWrittenByOthers(t *testing.T) {
	files, err := filepath.Glob("testdata/written/*.jsonl")
	must(t, err)
	if len(files) < 3 {
		t.Fatalf("found only %q", files)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(t, err)
		for line := range bytes.Lines(data) {
			var w written
			must(t, json.Unmarshal(line, &w))
			t.Run(w.Name, w.test)
		}
	}
}

func (w *written) test(t *testing.T) {
	direct, s := New(), blocks.New()
	for i, text := range w.Updates {
		update, err := hex.DecodeString(text)
		must(t, err)
		enc := blocks.V1
		if w.Versions != nil {
			enc = w.Versions[i]
		}
		must(t, direct.Apply(update, enc))
		must(t, second(s.Apply(update, enc)))
		if held, err := s.Contains(update, enc); !held || err != nil {
			t.Errorf("the store contains update %d: %v, %v", i, held, err)
		}
	}
	inspect(t, direct)
	docs := map[string]*Doc{"read directly": direct}
	for _, enc := range []blocks.Encoding{blocks.V1, blocks.V2} {
		d := New()
		must(t, d.Apply(s.Encode(enc), enc))
		docs["stored, in V"+string('0'+rune(enc))] = d
	}
	for how, d := range docs {
		if diff := cmp.Diff(w.Yjs, w.read(t, d)); diff != "" {
			t.Errorf("%s: %s", how, diff)
		}
	}
}

// read returns what d shows in the forms of w.Yjs.
func (w *written) read(t *testing.T, d *Doc) map[string]string {
	got := make(map[string]string)
	switch w.Kind {
	case "text":
		text, err := d.Text(w.Root)
		must(t, err)
		got["json"], got["text"], got["delta"] = marshaled(t, text), text.String(), marshaled(t, text.Delta())
	case "array":
		array, err := d.Array(w.Root)
		must(t, err)
		got["json"] = marshaled(t, array)
	case "xml-fragment":
		fragment, err := d.XMLFragment(w.Root)
		must(t, err)
		prosemirror, err := fragment.ProseMirror()
		must(t, err)
		got["json"], got["xml"], got["prosemirror"] = marshaled(t, fragment), fragment.String(), string(prosemirror)
	default:
		t.Fatalf("a root of the kind %q", w.Kind)
	}
	return got
}
