package differential

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/yjs"
)

// TestRecordedHistoriesAreTaken applies the histories of many authors, with long branches,
// as a client that has all of them would send them; and sessions update by update. They are
// taken into a document that is too large for a trial, too.
func TestRecordedHistoriesAreTaken(t *testing.T) {
	folder := os.Getenv("YROOM_TRACES")
	if folder == "" {
		t.Skip("YROOM_TRACES is not set to the folder with the recorded sessions")
	}
	take := func(t *testing.T, updates ...[]byte) {
		for _, size := range []int{0, untried} {
			s, tries := tried(t, size)
			for i, update := range updates {
				if _, err := s.Apply(update, blocks.V1); err != nil {
					t.Fatalf("in a document of %d bytes, update %d: %v", size, i, err)
				}
			}
			t.Logf("%d updates and %d tries", len(updates), *tries)
		}
	}
	files, err := filepath.Glob(filepath.Join(folder, "egwalker", "*.yjs"))
	if err != nil || len(files) < 7 {
		testkit.Missingf(t, "the histories of egwalker are not in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			history, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// An export of another server may be larger in V1 than an update in V2 may expand to.
			v1, err := blocks.Convert(blocks.V2, blocks.V1, history)
			if err != nil {
				t.Fatal(err)
			}
			if err := yjs.Try(v1); err != nil {
				t.Error(err)
			}
			take(t, v1)
		})
	}
	sessions, err := filepath.Glob(filepath.Join(folder, "*.json.gz"))
	if err != nil || len(sessions) < 4 {
		testkit.Missingf(t, "the recorded sessions are not in %s: %v", folder, err)
	}
	for _, session := range sessions {
		t.Run(filepath.Base(session), func(t *testing.T) {
			path, err := filepath.Abs(session)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Updates [][]byte `json:"updates"`
			}
			startOracle(t).ask(t, map[string]any{"op": "updates", "path": path}, &got)
			take(t, got.Updates...)
		})
	}
}

// concurrent holds edits of users who work at the same places.
var concurrent = map[string]func(d *yjs.Doc, random *rand.Rand) error{
	"at the start of an array": func(d *yjs.Doc, _ *rand.Rand) error {
		a, err := d.Array("a")
		if err != nil {
			return err
		}
		return a.Insert(0, yjs.StringValue("value"))
	},
	"at its end": func(d *yjs.Doc, _ *rand.Rand) error {
		a, err := d.Array("a")
		if err != nil {
			return err
		}
		return a.Push(yjs.StringValue("value"))
	},
	"at one place of a text": func(d *yjs.Doc, _ *rand.Rand) error {
		text, err := d.Text("t")
		if err != nil {
			return err
		}
		return text.Insert(min(text.Len(), 5), "x", nil)
	},
	"everywhere in a text": func(d *yjs.Doc, random *rand.Rand) error {
		text, err := d.Text("t")
		if err != nil {
			return err
		}
		return text.Insert(random.IntN(text.Len()+1), "x", nil)
	},
	"keys of a map": func(d *yjs.Doc, random *rand.Rand) error {
		m, err := d.Map("m")
		if err != nil {
			return err
		}
		return m.Set(strconv.Itoa(random.IntN(3)), yjs.StringValue("value"))
	},
}

// TestConcurrentEditsAreTaken lets users edit the same places, each of whom has the edits of
// the others a bit later. Trials are impossible, so a false alarm would refuse an edit.
func TestConcurrentEditsAreTaken(t *testing.T) {
	for name, edit := range concurrent {
		for _, users := range []int{2, 5, 20} {
			random := rand.New(rand.NewPCG(1, uint64(users)))
			s, _ := tried(t, untried)
			docs, waiting := make([]*yjs.Doc, users), make([][][]byte, users)
			for i := range docs {
				docs[i] = yjs.New()
				docs[i].SetClientID(uint64(random.Uint32()))
			}
			for range 10_000 {
				i := random.IntN(users)
				for lag := random.IntN(8); len(waiting[i]) > lag; waiting[i] = waiting[i][1:] {
					if err := docs[i].Apply(waiting[i][0], blocks.V1); err != nil {
						t.Fatal(err)
					}
				}
				update, err := docs[i].Transact(func() error { return edit(docs[i], random) })
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Apply(update, blocks.V1); err != nil {
					t.Fatalf("%s, %d users: %v", name, users, err)
				}
				for other := range waiting {
					if other != i {
						waiting[other] = append(waiting[other], update)
					}
				}
			}
		}
	}
}
