package engines_test

import (
	"encoding/json"
	"fmt"
	"unicode/utf16"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/yjs"
)

// readB4 reads the text of B4.
func readB4(folder string) (figures, error) {
	in, err := read(folder, "b4")
	if err != nil {
		return nil, err
	}
	f, err := readText(in[0], blocks.V1)
	if err != nil {
		return nil, err
	}
	f["warm floor"] = repeated(func() { sum += scanV1(in[0]) })
	return f, nil
}

// readText loads an update and reads the text of the document.
func readText(update []byte, enc blocks.Encoding) (f figures, err error) {
	var whole string
	work := func() {
		doc := yjs.New()
		if err = doc.Apply(update, enc); err != nil {
			return
		}
		var text *yjs.Text
		if text, err = doc.Text("text"); err == nil {
			whole = text.String()
		}
	}
	f = figures{"first": timed(work)}
	if err != nil {
		return nil, err
	}
	f["warm"] = repeated(work)
	f["length"] = lengthOf(whole)
	return f, err
}

// randomEdits edits the text of B4 at random positions. Each edit is a transaction that
// returns its update.
func randomEdits(folder string) (figures, error) {
	in, err := read(folder, "edits")
	if err != nil {
		return nil, err
	}
	var edits [][3]any // position, number of units to delete, text to insert
	if err := json.Unmarshal(in[1], &edits); err != nil {
		return nil, err
	}
	doc := yjs.NewWith(yjs.Options{ClientID: 2})
	if err := doc.Apply(in[0], blocks.V1); err != nil {
		return nil, err
	}
	text, err := doc.Text("text")
	if err != nil {
		return nil, err
	}
	bytes := 0
	time := timed(func() {
		for _, e := range edits {
			at, deleted, inserted := int(e[0].(float64)), int(e[1].(float64)), e[2].(string)
			var update []byte
			update, err = doc.Transact(func() error {
				if deleted > 0 {
					return text.Delete(at, deleted)
				}
				return text.Insert(at, inserted, nil)
			})
			if err != nil {
				return
			}
			bytes += len(update)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("edit: %w", err)
	}
	return figures{"time": time, "bytes": float64(bytes), "length": lengthOf(text.String())}, nil
}

// lengthOf returns the length of a text in UTF-16 units.
func lengthOf(text string) float64 { return float64(len(utf16.Encode([]rune(text)))) }
