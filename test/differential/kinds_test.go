package differential

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/yroom/yroom/blocks"
	documents "github.com/yroom/yroom/document"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/yjs"
)

// TestMixedRoots reads roots that hold content of several kinds as each kind, as yjs does.
func TestMixedRoots(t *testing.T) {
	testkit.RequireNode(t, "..", "@y/y")
	oracle := startOracle(t)
	compared, made := 0, 0
	eachOf(t, *seeds, func(seed int) {
		var mixed struct {
			By14      bool     `json:"by14"`
			Updates   [][]byte `json:"updates"`
			UpdatesV2 [][]byte `json:"updatesV2"`
			Readings  map[string]map[string]map[documents.Format]*string
		}
		oracle.ask(t, map[string]any{"op": "mixed", "seed": seed}, &mixed)
		if mixed.By14 {
			made++
		}
		for name, kinds := range mixed.Readings {
			for kindName, formats := range kinds {
				kind, err := yjs.ParseKind(kindName)
				must(err)
				for f, want := range formats {
					// yjs throws, or the kind doesn't have the format.
					if want == nil {
						continue
					}
					if f == documents.FormatText && kind != yjs.KindText {
						f = documents.FormatXML
					}
					for enc, updates := range map[blocks.Encoding][][]byte{blocks.V1: mixed.Updates, blocks.V2: mixed.UpdatesV2} {
						doc, err := applied(enc, updates...)
						must(err)
						got, err := documents.Export(doc, name, kind, f)
						if printed := loneSurrogate.ReplaceAllString(string(got), "\ufffd"); err != nil || printed != *want {
							t.Errorf("seed %d, V%d: %s of the root %q as %s: %v\n  got  %s\n  want %s\n  replay: go test ./test/differential -run %s -seed %d -v",
								seed, enc, f, name, kind, err, printed, *want, t.Name(), seed)
						}
						compared++
					}
				}
			}
		}
	})
	t.Logf("%d comparisons; yjs 14 made %d of the documents", compared, made)
}

// eachOf calls f with each seed: n of them, or the one that -seed names.
func eachOf(t *testing.T, n int, f func(seed int)) {
	t.Helper()
	if *oneSeed >= 0 {
		f(*oneSeed)
		return
	}
	for seed := range n {
		f(seed)
	}
}

// kindEdit is an edit of a text or an array.
type kindEdit struct {
	Path, At, Length int
	Op, Text         string
	Formats          map[string]json.RawMessage
}

// of makes the edit of a text.
func (e *kindEdit) of(text *yjs.Text) error {
	formats := yjs.Object{}
	for _, key := range slices.Sorted(maps.Keys(e.Formats)) {
		value, err := yjs.ParseJSON(e.Formats[key])
		must(err)
		formats = append(formats, yjs.Member{Key: key, Value: value})
	}
	switch e.Op {
	case "insert":
		return text.Insert(e.At, e.Text, formats)
	case "embed":
		return text.InsertEmbed(e.At, yjs.TypeValue(yjs.KindXMLElement, "IMG"), formats)
	case "delete":
		return text.Delete(e.At, e.Length)
	}
	return text.Format(e.At, e.Length, formats)
}

// TestMixedEdits edits roots that hold content of several kinds: the updates are those of
// yjs.
func TestMixedEdits(t *testing.T) {
	testkit.RequireNode(t, "..", "@y/y")
	oracle := startOracle(t)
	eachOf(t, *seeds, func(seed int) {
		var made struct {
			Updates    [][]byte
			Name, Kind string
			Edits      []kindEdit
			Made       []byte
		}
		oracle.ask(t, map[string]any{"op": "mixedEdits", "seed": seed}, &made)
		doc := yjs.NewWith(yjs.Options{ClientID: 1000003})
		var edit func() error
		if made.Kind == "text" {
			text, err := doc.Text(made.Name)
			must(err)
			edit = func() (err error) {
				for i := range made.Edits {
					err = errors.Join(err, made.Edits[i].of(text))
				}
				return err
			}
		} else {
			array, err := doc.Array(made.Name)
			must(err)
			edit = func() (err error) {
				for _, e := range made.Edits {
					err = errors.Join(err, array.Insert(e.At, yjs.StringValue(e.Text)))
				}
				return err
			}
		}
		for _, update := range made.Updates {
			must(doc.Apply(update, blocks.V1))
		}
		before := doc.StateVector()
		_, err := doc.Transact(edit)
		must(err)
		got, err := doc.Diff(before, blocks.V1)
		must(err)
		if !bytes.Equal(got, made.Made) {
			t.Errorf("seed %d: %s as %s\n  got  %x\n  want %x\n  replay: go test ./test/differential -run %s -seed %d -v", seed, made.Name, made.Kind, got, made.Made, t.Name(), seed)
		}
	})
}

// TestTextInElements edits the text in elements of yjs 14.
func TestTextInElements(t *testing.T) {
	testkit.RequireNode(t, "..", "@y/y")
	oracle := startOracle(t)
	eachOf(t, *seeds, func(seed int) {
		var made struct {
			Update []byte     `json:"update"`
			Edits  []kindEdit `json:"edits"`
		}
		oracle.ask(t, map[string]any{"op": "textEdits", "seed": seed}, &made)
		doc, err := applied(blocks.V1, made.Update)
		must(err)
		root, err := doc.XMLFragment("doc")
		must(err)
		for _, e := range made.Edits {
			v, err := root.Get(e.Path)
			must(err)
			element, _ := v.XMLElement()
			must(e.of(element.AsText()))
		}
		var verdict report
		oracle.ask(t, map[string]any{"op": "textEdited", "update": doc.Encode(blocks.V1)}, &verdict)
		for _, failure := range verdict.Failures {
			t.Errorf("seed %d: %s\n  replay: go test ./test/differential -run %s -seed %d -v", seed, failure, t.Name(), seed)
		}
	})
}
