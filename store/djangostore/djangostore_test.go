package djangostore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/djangostore"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// database is a database of Django.
type database struct {
	*sql.DB

	open func(t testing.TB, level store.Durability, webhooks store.Webhooks, config djangostore.Config) *djangostore.Store
	// empty removes everything.
	empty func(t testing.TB)
}

// opened closes the store at the end of the test.
func opened(t testing.TB, s *djangostore.Store, err error) *djangostore.Store {
	t.Helper()
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

func (d database) exec(t testing.TB, query string, args ...any) {
	t.Helper()
	if _, err := d.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// connect connects to a database, which gets the tables of a Django app.
func connect(t *testing.T, driver, address, schema string) database {
	t.Helper()
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	tables, err := os.ReadFile("testdata/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	d := database{DB: db}
	for statement := range strings.SplitSeq(strings.TrimSpace(string(tables)), ";\n") {
		d.exec(t, statement)
	}
	return d
}

func inSQLite(t *testing.T) *database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.sqlite3")
	d := connect(t, "sqlite", path+"?_pragma=busy_timeout(10000)", "sqlite.sql")
	d.open = func(t testing.TB, level store.Durability, webhooks store.Webhooks, config djangostore.Config) *djangostore.Store {
		t.Helper()
		s, err := djangostore.OpenSQLite(t.Context(), path, sqlitestore.Config{
			Durability: func(string) store.Durability { return level }, Webhooks: webhooks, Shared: true,
		}, config)
		return opened(t, s, err)
	}
	d.empty = func(t testing.TB) {
		t.Helper()
		d.exec(t, "DELETE FROM channels_yroom_ydocupdate")
		logs, err := filepath.Glob(path + djangostore.LogSuffix + "*")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range logs {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &d
}

func inPostgres(t *testing.T) *database {
	t.Helper()
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	d := connect(t, "pgx", url, "postgres.sql")
	d.open = func(t testing.TB, level store.Durability, webhooks store.Webhooks, config djangostore.Config) *djangostore.Store {
		t.Helper()
		s, err := djangostore.OpenPostgres(t.Context(), url, pgstore.Config{
			Durability: func(string) store.Durability { return level }, Webhooks: webhooks,
		}, config)
		return opened(t, s, err)
	}
	d.empty = func(t testing.TB) {
		t.Helper()
		d.exec(t, "DELETE FROM channels_yroom_ydocupdate")
		var created bool
		if err := d.QueryRowContext(t.Context(), "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'yroom')").Scan(&created); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"entries", "snapshots", "rooms", "notices"} {
			if created {
				d.exec(t, "DELETE FROM yroom."+name)
			}
		}
	}
	return &d
}

// TestDatabases runs all tests that need a database with both kinds. They share one database of each kind, which takes long to start.
func TestDatabases(t *testing.T) {
	for kind, connect := range map[string]func(*testing.T) *database{"SQLite": inSQLite, "PostgreSQL": inPostgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := connect(t)
			tests := map[string]func(*testing.T, *database){
				"conformance": conformance, "takeover": takeover, "crash": crash, "rows are written": rowsAreWritten, "deleted rooms": deletedRooms,
				"list": list, "foreign rows": foreignRows, "race": race, "faults": faults,
			}
			if kind == "SQLite" {
				tests["conformance of the log"] = logConformance
			}
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					d.empty(t)
					test(t, d)
				})
			}
		})
	}
}

// rarely writes rows only when it has to.
func rarely(t testing.TB) djangostore.Config {
	t.Helper()
	return djangostore.Config{Delay: func(string) time.Duration { return time.Hour }, Logger: testkit.Logger(t)}
}

// quiet doesn't log that the entries of the conformance tests are no updates.
var quiet = djangostore.Config{Delay: func(string) time.Duration { return time.Hour }, Logger: slog.New(slog.DiscardHandler)}

func conformance(t *testing.T, d *database) {
	t.Run("commit", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			d.empty(t)
			return d.open(t, store.DurabilityCommit, nil, quiet)
		})
	})
	t.Run("shared", func(t *testing.T) {
		storetest.RunShared(t, func(t *testing.T) func() store.Store {
			d.empty(t)
			return func() store.Store { return d.open(t, store.DurabilityCommit, nil, quiet) }
		})
	})
}

// logConformance checks what is mostly passed on to the log, which the tests of its own package check
// with PostgreSQL.
func logConformance(t *testing.T, d *database) {
	t.Run("none", func(t *testing.T) {
		storetest.RunNone(t, func(t *testing.T) store.Store {
			d.empty(t)
			return d.open(t, store.DurabilityNone, nil, quiet)
		})
	})
	t.Run("notices", func(t *testing.T) {
		storetest.RunNotices(t, func(t *testing.T, webhooks store.Webhooks) storetest.NoticeStore {
			d.empty(t)
			return d.open(t, store.DurabilityCommit, webhooks, quiet)
		})
	})
}

// add appends an update.
func add(t testing.TB, s store.Store, room string, update []byte) {
	t.Helper()
	if _, err := s.Append(t.Context(), room, store.Entry{Encoding: store.V1, Data: update}); err != nil {
		t.Fatal(err)
	}
}

// merged returns the document that updates make.
func merged(t testing.TB, updates ...[]byte) []byte {
	t.Helper()
	doc := blocks.New()
	for _, update := range updates {
		if err := doc.Load(update, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	return doc.Encode(blocks.V1)
}

// wantLog fails the test unless the log of a room has the document that updates make.
func wantLog(t testing.TB, s store.Store, room string, updates ...[]byte) {
	t.Helper()
	log, err := s.Load(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	doc := blocks.New()
	for _, e := range log.Entries {
		if err := doc.Load(e.Data, blocks.Encoding(e.Encoding)); err != nil {
			t.Fatal(err)
		}
	}
	if got := doc.Encode(blocks.V1); !bytes.Equal(got, merged(t, updates...)) {
		t.Errorf("the log has %q, want %q", got, merged(t, updates...))
	}
}

// row returns the data of a row, or nil.
func (d database) row(t testing.TB, room string) (data []byte) {
	t.Helper()
	err := d.QueryRowContext(t.Context(), "SELECT data FROM channels_yroom_ydocupdate WHERE name = $1", room).Scan(&data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatal(err)
	}
	return data
}

// wantRow waits until a row has the document that updates make.
func (d database) wantRow(t testing.TB, room string, updates ...[]byte) {
	t.Helper()
	testkit.Eventually(t, "the row is written", func() string {
		if got, want := d.row(t, room), merged(t, updates...); !bytes.Equal(got, want) {
			return cmp.Diff(want, got)
		}
		return ""
	})
}

// theirs writes a row as the worker of channels-yroom does.
func (d database) theirs(t testing.TB, room string, updates ...[]byte) {
	t.Helper()
	d.exec(t, "DELETE FROM channels_yroom_ydocupdate WHERE name = $1", room)
	d.exec(t, "INSERT INTO channels_yroom_ydocupdate (name, timestamp, data) VALUES ($1, '2026-11-30 12:00:00.123456', $2)", room, merged(t, updates...))
}

var (
	ada = testkit.Typed(7, 0, "ada")
	bob = testkit.Typed(8, 0, "bob")
	eve = testkit.Typed(9, 0, "eve")
)

// takeover takes over from the other worker, and back.
func takeover(t *testing.T, d *database) {
	d.theirs(t, "room", ada)
	s := d.open(t, store.DurabilityFsync, nil, rarely(t))
	wantLog(t, s, "room", ada)
	add(t, s, "room", bob)
	if got := d.row(t, "room"); !bytes.Equal(got, ada) {
		t.Errorf("the row is %q before it is due", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d.wantRow(t, "room", ada, bob)

	// Nothing is appended a second time.
	s = d.open(t, store.DurabilityFsync, nil, rarely(t))
	log, err := s.Load(t.Context(), "room")
	if err != nil || len(log.Entries) != 2 {
		t.Errorf("the log has %d entries (%v), want 2", len(log.Entries), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// The other worker lacks what ours has, as after a crash, and ours lacks what that one has.
	d.theirs(t, "room", ada, eve)
	s = d.open(t, store.DurabilityFsync, nil, rarely(t))
	wantLog(t, s, "room", ada, bob, eve)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d.wantRow(t, "room", ada, bob, eve)
}

// crash opens a store whose rows lack what was appended before a crash.
func crash(t *testing.T, d *database) {
	s := d.open(t, store.DurabilityFsync, nil, rarely(t))
	add(t, s, "room", ada)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d.exec(t, "DELETE FROM channels_yroom_ydocupdate")
	if err := d.open(t, store.DurabilityFsync, nil, rarely(t)).Close(); err != nil {
		t.Fatal(err)
	}
	if got := d.row(t, "room"); !bytes.Equal(got, ada) {
		t.Errorf("a store that is closed at once leaves the row %q", got)
	}
	d.exec(t, "DELETE FROM channels_yroom_ydocupdate")
	s = d.open(t, store.DurabilityFsync, nil, djangostore.Config{Delay: func(string) time.Duration { return time.Millisecond }})
	d.wantRow(t, "room", ada)
	wantLog(t, s, "room", ada)
}

// rowsAreWritten checks when they are: after the delay, and when the room leaves memory.
func rowsAreWritten(t *testing.T, d *database) {
	s := d.open(t, store.DurabilityFsync, nil, djangostore.Config{Logger: testkit.Logger(t), Delay: func(room string) time.Duration {
		if room == "soon" {
			return time.Millisecond
		}
		return time.Hour
	}})
	add(t, s, "soon", ada)
	d.wantRow(t, "soon", ada)
	add(t, s, "late", ada)
	add(t, s, "evicted", ada)
	s.Evicted("evicted")
	d.wantRow(t, "evicted", ada)
	if d.row(t, "late") != nil {
		t.Error("the row is written before it is due")
	}
	// What is pending stays in the log.
	waiting := testkit.Typed(8, 5, "x")
	add(t, s, "evicted", waiting)
	add(t, s, "evicted", eve)
	s.Evicted("evicted")
	d.wantRow(t, "evicted", ada, eve)
	wantLog(t, s, "evicted", ada, eve, waiting)
}

// TestSteadyChanges checks that changes that continue don't postpone a row for ever.
func TestSteadyChanges(t *testing.T) {
	d := inSQLite(t)
	synctest.Test(t, func(t *testing.T) {
		s := d.open(t, store.DurabilityCommit, nil, djangostore.Config{Logger: testkit.Logger(t)})
		for second := range uint64(11 * 60) {
			add(t, s, "room", testkit.Typed(7, second, "a"))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := len(d.row(t, "room")); n < 500 {
			t.Errorf("the row has %d bytes", n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func deletedRooms(t *testing.T, d *database) {
	s := d.open(t, store.DurabilityFsync, nil, rarely(t))
	d.theirs(t, "only a row", ada)
	add(t, s, "unsaved", ada)
	for _, room := range []string{"only a row", "unsaved"} {
		if err := s.Delete(t.Context(), room); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(t.Context(), room); !errors.Is(err, store.ErrDeleted) {
			t.Errorf("Load of %q returned %v", room, err)
		}
		s.Evicted(room)
		if d.row(t, room) != nil {
			t.Errorf("%q has a row", room)
		}
	}
	// The other worker creates it again.
	d.theirs(t, "unsaved", bob)
	wantLog(t, s, "unsaved", bob)
	d.theirs(t, "only a row", bob)
	if _, err := s.Create(t.Context(), "only a row", store.Entry{Encoding: store.V1, Data: ada}); !errors.Is(err, store.ErrExists) {
		t.Errorf("Create of a room with a row returned %v", err)
	}
	wantLog(t, s, "only a row", bob)
}

func list(t *testing.T, d *database) {
	s := d.open(t, store.DurabilityFsync, nil, rarely(t))
	for _, room := range []string{"a", "b.1", "b.2", "é"} {
		d.theirs(t, room, ada)
	}
	add(t, s, "b.2", bob)
	add(t, s, "b.3", bob)
	names := func(prefix, after string, limit int) (names []string) {
		listed, err := s.List(t.Context(), prefix, after, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range listed {
			names = append(names, l.Room)
			if l.Bytes == 0 || l.Stored.IsZero() {
				t.Errorf("%+v", l)
			}
		}
		return names
	}
	for _, c := range []struct {
		got  []string
		want []string
	}{
		{names("", "", 10), []string{"a", "b.1", "b.2", "b.3", "é"}},
		{names("", "a", 2), []string{"b.1", "b.2"}},
		{names("b.", "", 10), []string{"b.1", "b.2", "b.3"}},
		{names("é", "b", 1), []string{"é"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("List returned %q, want %q", c.got, c.want)
		}
	}
}

// foreignRows reads rows in V2, rows without data, and rows that are damaged.
func foreignRows(t *testing.T, d *database) {
	insert := func(room string, data []byte) {
		d.exec(t, "INSERT INTO channels_yroom_ydocupdate (name, timestamp, data) VALUES ($1, '2026-11-30 12:00:00', $2)", room, data)
	}
	v2, err := blocks.Convert(blocks.V1, blocks.V2, ada)
	if err != nil {
		t.Fatal(err)
	}
	insert("v2", v2)
	insert("empty", []byte{})
	insert("damaged", ada[:len(ada)-3])
	s := d.open(t, store.DurabilityFsync, nil, rarely(t))
	wantLog(t, s, "v2", ada)
	s.Evicted("v2")
	d.wantRow(t, "v2", ada)
	if _, err := s.Load(t.Context(), "empty"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Load of a row without data returned %v", err)
	}
	if _, err := s.Load(t.Context(), "damaged"); err == nil || !strings.Contains(err.Error(), "restore the row from a backup") {
		t.Errorf("Load of a damaged row returned %v", err)
	}
}

// race changes and deletes a room while its row is written: a deleted room has no row.
func race(t *testing.T, d *database) {
	s := d.open(t, store.DurabilityCommit, nil, djangostore.Config{Logger: testkit.Logger(t), Delay: func(string) time.Duration { return 0 }})
	for range 20 {
		if _, err := s.Create(t.Context(), "room", store.Entry{Encoding: store.V1, Data: ada}); err != nil {
			t.Fatal(err)
		}
		var appending sync.WaitGroup
		appending.Go(func() {
			for range 3 {
				_, _ = s.Append(t.Context(), "room", store.Entry{Encoding: store.V1, Data: bob}) // it may be deleted
				s.Evicted("room")
			}
		})
		if err := s.Delete(t.Context(), "room"); err != nil {
			t.Fatal(err)
		}
		appending.Wait()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if d.row(t, "room") != nil {
		t.Error("a deleted room has a row")
	}
}

// faults reads and writes while the table can't be used: no room is returned without its row, and
// no edit is refused.
func faults(t *testing.T, d *database) {
	d.theirs(t, "room", ada)
	s := d.open(t, store.DurabilityFsync, nil, quiet)
	d.exec(t, "ALTER TABLE channels_yroom_ydocupdate RENAME TO away")
	defer d.ExecContext(context.Background(), "ALTER TABLE away RENAME TO channels_yroom_ydocupdate") // if the test has failed before
	for _, room := range []string{"room", "new"} {
		if _, err := s.Load(t.Context(), room); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("Load of %q returned %v", room, err)
		}
		add(t, s, room, bob)
	}
	if _, err := s.Create(t.Context(), "room", store.Entry{Encoding: store.V1, Data: eve}); err == nil {
		t.Error("a room was created, although it may have a row")
	}
	if err := s.Delete(t.Context(), "room"); err == nil {
		t.Error("a room was deleted, and its row was not")
	}
	if err := s.Close(); err != nil { // its log has everything
		t.Errorf("Close: %v", err)
	}
	d.exec(t, "ALTER TABLE away RENAME TO channels_yroom_ydocupdate")
	s = d.open(t, store.DurabilityFsync, nil, rarely(t))
	wantLog(t, s, "room", ada, bob)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d.wantRow(t, "room", ada, bob)
	d.wantRow(t, "new", bob)
}

func TestNoTable(t *testing.T) {
	d := inSQLite(t)
	d.exec(t, "DROP TABLE channels_yroom_ydocupdate")
	_, err := djangostore.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "missing.db"), sqlitestore.Config{}, djangostore.Config{})
	if err == nil || !strings.Contains(err.Error(), "DATABASES") {
		t.Errorf("without a file: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = djangostore.OpenSQLite(t.Context(), empty, sqlitestore.Config{}, djangostore.Config{})
	if err == nil || !strings.Contains(err.Error(), "python manage.py migrate") {
		t.Errorf("without the table: %v", err)
	}
}
