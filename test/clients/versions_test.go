package clients

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// TestUpdateVersions connects clients to a V1 room and to a V2 room of one server. The
// server is restarted twice on the same file, the second time with the versions of the
// rooms exchanged.
func TestUpdateVersions(t *testing.T) {
	testkit.RequireNode(t, "..", "yjs")
	file := filepath.Join(t.TempDir(), "yroom.db")
	shown := []byte("[]")
	for _, versions := range [][2]int{{1, 2}, {1, 2}, {2, 1}} {
		ok := t.Run(fmt.Sprint(versions), func(t *testing.T) {
			documents, err := sqlitestore.Open(file, sqlitestore.Config{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { // the server has ended and has compacted the logs
				wantSnapshot(t, documents, "first.room", versions[0])
				wantSnapshot(t, documents, "second.room", versions[1])
				if err := documents.Close(); err != nil {
					t.Error(err)
				}
			})
			url := serve(t, yroom.Config{Store: documents, Rooms: map[string]yroom.Settings{
				"first":  {UpdateVersion: versions[0]},
				"second": {UpdateVersion: versions[1]},
			}})
			shown = testkit.RunNode(t, time.Minute, nil, "versions.mjs", url, fmt.Sprint(versions[0]), fmt.Sprint(versions[1]), string(shown))
		})
		if !ok {
			return
		}
	}
}

// wantSnapshot fails the test unless the room's log is one entry in V1 or V2.
func wantSnapshot(t *testing.T, s store.Store, room string, version int) {
	t.Helper()
	log, err := s.Load(context.Background(), room)
	if err != nil || len(log.Entries) != 1 || log.Entries[0].Encoding != store.Encoding(version) {
		t.Errorf("the log of %s has %d entries (%v), want one snapshot in V%d", room, len(log.Entries), err, version)
	}
}
