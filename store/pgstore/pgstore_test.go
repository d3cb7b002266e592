package pgstore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, url string, config pgstore.Config) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(t.Context(), url, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func at(level store.Durability) pgstore.Config {
	return pgstore.Config{Durability: func(string) store.Durability { return level }}
}

// way is a way to a database.
type way struct {
	name   string
	url    string
	levels []store.Durability // the levels that are tested with it
}

func ways(t *testing.T) []way {
	t.Helper()
	server := postgres.Start(t)
	direct, pooled := server.Create(t), server.Create(t)
	all := []way{
		{"direct", server.URL(direct), []store.Durability{store.DurabilityFsync, store.DurabilityNone}},
		{"prepared", server.URL(direct) + "&default_query_exec_mode=cache_statement", []store.Durability{store.DurabilityCommit}},
		{"pooled", server.Pool(t, 3).URL(pooled), []store.Durability{store.DurabilityFsync}},
	}
	for _, w := range all {
		open(t, w.url, pgstore.Config{}) // creates the tables
	}
	return all
}

// onceUnderRace skips all ways but one under the race detector.
func (w way) onceUnderRace(t *testing.T) {
	t.Helper()
	if w.name != "pooled" {
		testkit.SkipUnderRace(t)
	}
}

// empty removes what earlier tests have stored.
func (w way) empty(t *testing.T) {
	t.Helper()
	exec(t, w.url, "DELETE FROM yroom.entries; DELETE FROM yroom.snapshots; DELETE FROM yroom.rooms; DELETE FROM yroom.notices")
}

// exec runs SQL in a database.
func exec(t testing.TB, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestConformance(t *testing.T) {
	for _, w := range ways(t) {
		for _, level := range w.levels {
			run, config := storetest.Run, at(level)
			if level == store.DurabilityNone {
				run, config.Alone = storetest.RunNone, true // that without Alone is tested by djangostore
			}
			t.Run(w.name+"/"+level.String(), func(t *testing.T) {
				w.onceUnderRace(t)
				run(t, func(t *testing.T) store.Store {
					w.empty(t)
					return open(t, w.url, config)
				})
			})
		}
	}
}

func TestSharedConformance(t *testing.T) {
	for _, w := range ways(t) {
		for _, level := range w.levels {
			if level == store.DurabilityNone {
				continue
			}
			t.Run(w.name+"/"+level.String(), func(t *testing.T) {
				w.onceUnderRace(t)
				storetest.RunShared(t, func(t *testing.T) func() store.Store {
					w.empty(t)
					return func() store.Store { return open(t, w.url, at(level)) }
				})
			})
		}
	}
}

func TestNoticesConformance(t *testing.T) {
	for _, w := range ways(t) {
		for _, level := range w.levels {
			if level == store.DurabilityNone {
				continue
			}
			t.Run(w.name+"/"+level.String(), func(t *testing.T) {
				w.onceUnderRace(t)
				storetest.RunNotices(t, func(t *testing.T, webhooks store.Webhooks) storetest.NoticeStore {
					w.empty(t)
					config := at(level)
					config.Webhooks = webhooks
					return open(t, w.url, config)
				})
			})
		}
	}
}

func TestManyNotices(t *testing.T) {
	testkit.SkipUnderRace(t)
	w := ways(t)[0]
	storetest.RunManyNotices(t, func(t *testing.T, webhooks store.Webhooks) storetest.NoticeStore {
		w.empty(t)
		config := at(store.DurabilityCommit)
		config.Webhooks = webhooks
		return open(t, w.url, config)
	}, func(n int) {
		exec(t, w.url, fmt.Sprintf("UPDATE yroom.notices SET given_up = true WHERE id IN (SELECT id FROM yroom.notices WHERE webhook = 'hook' AND NOT given_up ORDER BY id LIMIT %d)", n))
	})
}

// An entry that a Delete has not seen, because the room was created at the same moment,
// belongs to the deleted room and not to the one that is created afterwards.
func TestDeleteLeavesEntry(t *testing.T) {
	const columns = "room_id, position, checksum, stored_at, encoding, written_by, data"
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{})
	for range 2 {
		if _, err := s.Append(t.Context(), "room", v1("old")); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, url, "CREATE TABLE seen_late AS SELECT "+columns+" FROM yroom.entries WHERE position = 2")
	if err := s.Delete(t.Context(), "room"); err != nil {
		t.Fatal(err)
	}
	exec(t, url, "INSERT INTO yroom.entries ("+columns+") SELECT "+columns+" FROM seen_late")
	if p, err := s.Create(t.Context(), "room", v1("new")); p != 4 || err != nil {
		t.Fatalf("Create returned position %d and %v, want 4", p, err)
	}
	l, err := s.Load(t.Context(), "room")
	if err != nil || len(l.Entries) != 1 || string(l.Entries[0].Data) != "new" {
		t.Errorf("the room has the entries %v (%v), want only the new one", l.Entries, err)
	}
	listed, err := s.List(t.Context(), "", "", 10)
	if err != nil || len(listed) != 1 || listed[0].Bytes != 3 {
		t.Errorf("List returned %v, %v, want a room of 3 bytes", listed, err)
	}
}
