package footprint_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/yjs"
)

// paper returns the document B4, as an update: a recording of one author who writes a paper.
func paper(b *testing.B) []byte {
	b.Helper()
	folder := os.Getenv("YROOM_TRACES")
	if folder == "" {
		b.Skip("YROOM_TRACES is not set to the folder with the recorded sessions")
	}
	file, err := os.Open(filepath.Join(folder, "automerge-paper.json.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		b.Fatal(err)
	}
	var trace struct {
		EndContent string
		Txns       []struct{ Patches [][3]any } // the position, how many are deleted, what is inserted
	}
	if err := json.NewDecoder(text).Decode(&trace); err != nil {
		b.Fatal(err)
	}
	doc, all := yjs.NewWith(yjs.Options{ClientID: 1}), blocks.New()
	t, err := doc.Text("text")
	if err != nil {
		b.Fatal(err)
	}
	for _, txn := range trace.Txns {
		for _, patch := range txn.Patches {
			at, _ := patch[0].(float64)
			deleted, _ := patch[1].(float64)
			inserted, _ := patch[2].(string)
			update, err := doc.Transact(func() error { return edit(t, int(at), int(deleted), inserted) })
			if err == nil {
				_, err = all.Apply(update, blocks.V1)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	if t.String() != trace.EndContent {
		b.Fatalf("the recording ends with %d bytes of text, want %d", len(t.String()), len(trace.EndContent))
	}
	return all.Encode(blocks.V1)
}

func edit(t *yjs.Text, at, deleted int, inserted string) error {
	if deleted > 0 {
		if err := t.Delete(at, deleted); err != nil {
			return err
		}
	}
	if inserted == "" {
		return nil
	}
	return t.Insert(at, inserted, nil)
}
