package pgstore_test

import (
	"os"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
)

// A database of an older version is migrated by the first of many processes, and keeps its
// rooms. In version 1, there were no notices. In version 2, they had no data.
func TestMigration(t *testing.T) {
	for _, version := range []string{"version1", "version2"} {
		t.Run(version, func(t *testing.T) { testMigration(t, version) })
	}
}

func testMigration(t *testing.T, version string) {
	t.Helper()
	schema, err := os.ReadFile("testdata/" + version + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	exec(t, url, string(schema))
	config := pgstore.Config{Webhooks: func(string, store.NoticeKind) []string { return []string{"hook"} }}
	var opening sync.WaitGroup
	for range 4 {
		opening.Go(func() {
			s, err := pgstore.Open(t.Context(), url, config)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Append(t.Context(), "first", v1("b")); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
	s := open(t, url, config)
	l, err := s.Load(t.Context(), "first")
	if err != nil || len(l.Entries) != 5 || string(l.Entries[0].Data) != "a" {
		t.Errorf("Load returned %+v and %v, want the entry of before and four others", l, err)
	}
	taken, err := s.TakeNotices(t.Context(), store.Taking{Webhook: "hook", Limit: 9, Lease: time.Hour})
	if err != nil || len(taken) != 1 || taken[0].Kind != store.NoticeChanged || taken[0].Position != 5 {
		t.Errorf("TakeNotices returned %+v and %v, want one of the change", taken, err)
	}
}
