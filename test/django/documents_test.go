package django

import (
	"bytes"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
)

// A database holds the documents of a Django app.
type database struct {
	address        string           // for the app
	store          string           // for the worker of yroom
	driver, source string           // for database/sql
	server         *postgres.Server // nil: the database is an SQLite file
}

// databases create a database without tables, by what its engine is called.
var databases = map[string]func(t *testing.T) database{
	"SQLite": func(t *testing.T) database {
		file := filepath.Join(t.TempDir(), "db.sqlite3")
		return database{address: file, store: "sqlite+django:" + file, driver: "sqlite", source: file + "?_pragma=busy_timeout(10000)"}
	},
	"PostgreSQL": func(t *testing.T) database {
		server := postgres.Start(t)
		address := server.URL(server.Create(t))
		return database{
			address: address, store: strings.Replace(address, "postgres:", "postgres+django:", 1), driver: "pgx", source: address, server: server,
		}
	},
}

// The worker of channels-yroom and that of yroom take over from each other, with one table of
// documents. When yroom is killed before it has written the row of a document, nothing is lost.
func TestDocuments(t *testing.T) {
	for name, create := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.File(t, python, "make tools installs Django")
			d := create(t)
			migrate(t, d.address)
			db, err := sql.Open(d.driver, d.source)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			takeover(t, db, options{
				layer: "core", server: "daphne", python: true, room: testkit.Unique("room."), store: d.store, extra: []string{"DATABASE=" + d.address},
			})
		})
	}
}

// migrate lets Django create its tables, and fails the test if that of the documents isn't the
// one that the tests of store/djangostore use.
func migrate(t *testing.T, database string) {
	t.Helper()
	manage := func(args ...string) string {
		return manage(t, []string{"REDIS=redis://unused", "DATABASE=" + database}, "", args...)
	}
	manage("migrate")
	schema := "sqlite.sql"
	if strings.HasPrefix(database, "postgres:") {
		schema = "postgres.sql"
	}
	want, err := os.ReadFile("../../store/djangostore/testdata/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	if got := manage("sqlmigrate", "channels_yroom", "0001"); !strings.Contains(got, string(want)) {
		t.Errorf("Django creates the table with\n%s\nand not with\n%s", got, want)
	}
}

// manage runs a command of Django with variables of the environment, and returns what it prints.
func manage(t *testing.T, variables []string, input string, args ...string) string {
	t.Helper()
	interpreter, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, append([]string{"-m", "django"}, args...)...)
	cmd.Dir, cmd.Stdin = "site", strings.NewReader(input)
	cmd.Env = append(append(os.Environ(), "DJANGO_SETTINGS_MODULE=notes.settings"), variables...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

func takeover(t *testing.T, db *sql.DB, o options) {
	t.Helper()
	s, length := start(t, o), 0
	// write lets a person write behind what was written before.
	write := func(text string) {
		t.Helper()
		s.open(t, 0, "ada")
		s.must(t, "converge", "names", []string{"ada"}, "length", length)
		s.must(t, "insert", "name", "ada", "at", length, "text", text)
		length += len(text)
		s.open(t, 0, "bob")
		s.must(t, "converge", "names", []string{"ada", "bob"}, "length", length)
	}
	row := func() (data []byte) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "SELECT data FROM channels_yroom_ydocupdate WHERE name = $1", s.room).Scan(&data); err != nil {
			t.Fatal(err)
		}
		return data
	}
	write("Python, ")
	s.must(t, "leave")
	s.worker.Stop(t)
	saved := row()

	s.work(false)
	write("yroom, ")
	s.worker.Kill(t)
	if !bytes.Equal(row(), saved) {
		t.Error("the row was written before the worker was killed, so nothing depends on the log")
	}
	s.must(t, "leave") // no client has the document any more
	s.worker.Restart(t)
	write("again, ")
	s.must(t, "leave")
	s.worker.Stop(t)

	s.work(true)
	write("Python, ")
	s.must(t, "leave")
	s.worker.Stop(t)

	s.work(false)
	write("yroom")
}
