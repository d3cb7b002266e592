package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, path string, config sqlitestore.Config) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, config)
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

// at returns the configuration of a file that several Stores may have open.
func at(level store.Durability) sqlitestore.Config {
	return sqlitestore.Config{Durability: func(string) store.Durability { return level }, Shared: true}
}

// onceUnderRace skips all levels but one under the race detector, which makes SQLite many times as slow.
func onceUnderRace(t *testing.T, level store.Durability) {
	t.Helper()
	if level != store.DurabilityFsync {
		testkit.SkipUnderRace(t)
	}
}

func TestConformance(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit, store.DurabilityNone} {
		run := storetest.Run
		if level == store.DurabilityNone {
			run = storetest.RunNone
		}
		t.Run(level.String(), func(t *testing.T) {
			onceUnderRace(t, level)
			run(t, func(t *testing.T) store.Store {
				return open(t, filepath.Join(t.TempDir(), "rooms.db"), at(level))
			})
		})
	}
}

func TestSharedConformance(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit} {
		t.Run(level.String(), func(t *testing.T) {
			onceUnderRace(t, level)
			storetest.RunShared(t, func(t *testing.T) func() store.Store {
				path := filepath.Join(t.TempDir(), "rooms.db")
				return func() store.Store { return open(t, path, at(level)) }
			})
		})
	}
}

func TestNoticesConformance(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit} {
		t.Run(level.String(), func(t *testing.T) {
			onceUnderRace(t, level)
			storetest.RunNotices(t, func(t *testing.T, webhooks store.Webhooks) storetest.NoticeStore {
				config := at(level)
				config.Webhooks = webhooks
				return open(t, filepath.Join(t.TempDir(), "rooms.db"), config)
			})
		})
	}
}

func TestManyNotices(t *testing.T) {
	testkit.SkipUnderRace(t)
	storetest.RunManyNotices(t, func(t *testing.T, webhooks store.Webhooks) storetest.NoticeStore {
		config := at(store.DurabilityCommit)
		config.Webhooks = webhooks
		return open(t, filepath.Join(t.TempDir(), "rooms.db"), config)
	}, nil)
}
