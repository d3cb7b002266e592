package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// room runs "yroom room" in dir and returns its output and its exit status.
func room(t *testing.T, dir string, args ...string) (stdout string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "yroom", append([]string{"room"}, args...)...)
	cmd.Dir = dir
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

func TestRoomExitStatus(t *testing.T) {
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large.update"), make([]byte, 17<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startIn(t, dir, "--api-token-file", "yroom.token")
	for _, test := range []struct {
		want int
		args string
	}{
		{0, "import notes notes.update"},
		{0, "import notes-2 notes.update"},
		{2, "import --new notes notes.update"},
		{0, "export notes --format json --name form"},
		{0, "export notes -o copy.update"},
		{2, "export nothing"},
		{1, "export notes --format text --name nothing"},
		{1, "export notes --format nothing"},
		{2, "delete nothing"},
		{0, "delete notes"},
		{2, "import notes notes.update"},
		{1, "import notes nothing.update"},
		{1, "import notes large.update"},
		{1, "export notes-2 -o ."},
	} {
		args := append([]string{"--server", "http://" + s.Host, "--token-file", "yroom.token"}, strings.Fields(test.args)...)
		if _, status := room(t, dir, args...); status != test.want {
			t.Errorf("%s: exit status %d, want %d", test.args, status, test.want)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "copy.update")); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("an exported file is %v (%v), want the mode 0600", info, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "..*")); len(left) > 0 || err != nil {
		t.Errorf("an export that failed leaves %q (%v)", left, err)
	}
}

// An export contains deleted content only if the settings of the room keep it.
func TestRoomImportKeepsWhatIsDeleted(t *testing.T) {
	dir := t.TempDir()
	deleted := strings.TrimSuffix(typedHello, "\x00") + "\x01\x01\x01\x00\x05"
	for name, text := range map[string]string{
		"deleted.update": deleted,
		"more.update":    string(testkit.Typed(2, 0, "yo")),
		"history.yaml":   "rooms: {default: {gc: false}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	emptyStore(t, filepath.Join(dir, "yroom.db"), 0)
	for _, args := range []string{"import notes deleted.update", "import notes more.update"} {
		if _, status := room(t, dir, append([]string{"--store", "sqlite:yroom.db"}, strings.Fields(args)...)...); status != 0 {
			t.Fatalf("%s: exit status %d", args, status)
		}
	}
	with, _ := room(t, dir, "export", "notes", "--store", "sqlite:yroom.db", "--config", "history.yaml")
	without, _ := room(t, dir, "export", "notes", "--store", "sqlite:yroom.db")
	if !strings.Contains(with, "hello") || strings.Contains(without, "hello") || !strings.Contains(without, "yo") {
		t.Errorf("with history: %q, without: %q", with, without)
	}
}

// A room whose name is refused since an update of yroom can be found, copied under another
// name and deleted, on its store and on a server.
func TestRoomWithARefusedName(t *testing.T) {
	const name = "annual\u202etxt.report"
	for _, on := range []string{"store", "server"} {
		t.Run(on, func(t *testing.T) {
			dir := t.TempDir()
			if err := writeNotes(dir); err != nil {
				t.Fatal(err)
			}
			storeRooms(t, filepath.Join(dir, "yroom.db"), "a", name)
			place := []string{"--store", "sqlite:yroom.db"}
			if on == "server" {
				place = []string{"--server", "http://" + startIn(t, dir, "--api-token-file", "yroom.token").Host, "--token-file", "yroom.token"}
			}
			run := func(args ...string) (string, int) { return room(t, dir, append(args, place...)...) }
			out, status := run("list")
			shown := `"annual\u202etxt.report"`
			if want := "a\n" + shown + "\n"; out != want || status != 0 {
				t.Fatalf("listed %q (exit status %d), want %q", out, status, want)
			}
			for _, called := range []string{shown, name} {
				if out, status := run("export", called, "--format", "text", "--name", "text"); out != "hello" || status != 0 {
					t.Errorf("exported %q (exit status %d)", out, status)
				}
				if out, status := run("log", called); !strings.HasPrefix(out, "1\t") || status != 0 {
					t.Errorf("log: %q (exit status %d)", out, status)
				}
				if _, status := run("import", called, "notes.update"); status != 1 {
					t.Errorf("import: exit status %d, want 1", status)
				}
				if _, status := run("import", "--new", called, "notes.update"); status != 1 {
					t.Errorf("import --new: exit status %d, want 1", status)
				}
			}
			for _, args := range [][]string{{"export", shown, "-o", "copy.update"}, {"import", "--new", "report", "copy.update"}, {"delete", shown}} {
				if _, status := run(args...); status != 0 {
					t.Errorf("%q: exit status %d", args, status)
				}
			}
			if out, _ := run("list"); out != "a\nreport\n" {
				t.Errorf("at last there are %q", out)
			}
			if out, _ := run("export", "report", "--format", "text", "--name", "text"); out != "hello" {
				t.Errorf("the copy has %q", out)
			}
		})
	}
}

// A name with quotes is only unquoted if it would be refused otherwise.
func TestRoomNamesWithQuotes(t *testing.T) {
	for text, want := range map[string]string{
		`"a"`: "%22a%22", `"a\u200b"`: "a%E2%80%8B", `"a\n"`: "a%0A", `"`: "%22", "a\u200b": "a%E2%80%8B", `a\u200b`: "a%5Cu200b",
	} {
		if got := strings.TrimPrefix(roomAddress(text), apiPrefix+"/rooms/"); got != want {
			t.Errorf("%s is at %s, want %s", text, got, want)
		}
	}
}

// emptyStore creates a store with this many small rooms.
func emptyStore(t *testing.T, path string, rooms int) {
	t.Helper()
	names := make([]string, rooms)
	for n := range names {
		names[n] = fmt.Sprintf("room %04d", n)
	}
	storeRooms(t, path, names...)
}

// storeRooms creates a store with small rooms.
func storeRooms(t *testing.T, path string, names ...string) {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Config{Durability: func(string) store.Durability { return store.DurabilityCommit }})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := s.Append(t.Context(), name, store.Entry{Encoding: store.V1, Data: []byte(typedHello)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRoomListOfMany(t *testing.T) {
	dir := t.TempDir()
	emptyStore(t, filepath.Join(dir, "yroom.db"), 2*api.MaxRooms+1)
	out, status := room(t, dir, "list", "--store", "sqlite:yroom.db")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if status != 0 || len(lines) != 2*api.MaxRooms+1 || !slices.IsSorted(lines) || lines[2*api.MaxRooms] != "room 2000" {
		t.Errorf("%d lines (exit status %d), the last is %q", len(lines), status, lines[len(lines)-1])
	}
}

// A command on the file of a running server, for an open room, loses neither what is
// stored, nor the import, nor later edits.
func TestRoomOnAFileInUse(t *testing.T) {
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	s := startIn(t, dir, "--api-token-file", "yroom.token")
	person, err := s.dial(t, "notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	say := func(message string) {
		t.Helper()
		person.MustSend(t, []byte(message))
		person.MustAwait(t, []byte(message))
	}
	say(typing(typedHello))
	store := []string{"--store", "sqlite:" + filepath.Join(dir, "yroom.db")}
	if _, status := room(t, dir, append(store, "import", "notes", "notes.update")...); status != 0 {
		t.Fatalf("import: exit status %d", status)
	}
	if _, status := room(t, dir, append(store, "cut", "notes", "2")...); status != 1 {
		t.Errorf("the server does not notice a cut, but its exit status is %d, want 1", status)
	}
	say(typing(more))
	person.Close()
	s.Signal(t, syscall.SIGTERM)
	if status := s.Ended(t); status != 0 {
		t.Fatalf("exit status %d\n%s", status, &s.Log)
	}
	for root, want := range map[string]string{"text": "hello!", "title": "Hello world"} {
		if got, status := room(t, dir, append(store, "export", "notes", "--format", "text", "--name", root)...); got != want || status != 0 {
			t.Errorf("%s is %q (exit status %d), want %q", root, got, status, want)
		}
	}
}

// A command on a store uses no other store, also for a room whose row names one.
func TestRoomUsesOneStore(t *testing.T) {
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	file := `rooms: {board: {store: "sqlite:boards.db"}, chart: {store: "sqlite:charts.db"}}`
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"boards.db", "copy.db"} {
		emptyStore(t, filepath.Join(dir, name), 0)
	}
	if _, status := room(t, dir, "import", "board.1", "notes.update", "--store", "sqlite:copy.db"); status != 0 {
		t.Fatalf("import: exit status %d", status)
	}
	for name, want := range map[string]string{"boards.db": "", "copy.db": "board.1\n"} {
		if got, status := room(t, dir, "list", "--store", "sqlite:"+name); got != want || status != 0 {
			t.Errorf("%s has the rooms %q (exit status %d), want %q", name, got, status, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "charts.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("charts.db was opened, too: %v", err)
	}
}

// A command doesn't migrate a store that an older version of yroom has written, because its server
// couldn't use it any more.
func TestRoomOnAnOlderStore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "yroom.db")
	emptyStore(t, path, 1)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "PRAGMA user_version = 1")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, status := room(t, dir, "list", "--store", "sqlite:yroom.db"); status != 1 {
		t.Errorf("exit status %d, want 1", status)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the store was changed (%v)", err)
	}
}

// The connections of a room that is deleted in the file of a running server are closed.
func TestRoomDeletedInAFileInUse(t *testing.T) {
	dir := t.TempDir()
	s := startIn(t, dir)
	person, err := s.dial(t, "notes", nil)
	if err != nil {
		t.Fatal(err)
	}
	first := []byte(typing(typedHello))
	person.MustSend(t, first)
	person.MustAwait(t, first)
	store := []string{"--store", "sqlite:" + filepath.Join(dir, "yroom.db")}
	if _, status := room(t, dir, append(store, "delete", "notes")...); status != 0 {
		t.Fatalf("delete: exit status %d", status)
	}
	person.MustSend(t, []byte(typing(more)))
	if code, _, err := person.AwaitClose(); code != 4404 {
		t.Errorf("closed with %d (%v), want 4404", code, err)
	}
	if out, _ := room(t, dir, append(store, "list")...); out != "" {
		t.Errorf("there is %q", out)
	}
}

// A room of the size of a large book can be imported and exported; on a store, it may
// exceed the limit on messages.
func TestRoomLarge(t *testing.T) {
	dir := t.TempDir()
	emptyStore(t, filepath.Join(dir, "yroom.db"), 0)
	const size = 33 << 20 // larger than what may wait for a room, of which a message may be half
	if err := os.WriteFile(filepath.Join(dir, "large.update"), testkit.Typed(1, 0, strings.Repeat("x", size)), 0o600); err != nil {
		t.Fatal(err)
	}
	store := []string{"--store", "sqlite:yroom.db"}
	if _, status := room(t, dir, append(store, "import", "large", "large.update")...); status != 0 {
		t.Fatalf("import: exit status %d", status)
	}
	got, status := room(t, dir, append(store, "export", "large")...)
	if status != 0 || strings.Count(got, "x") < size {
		t.Errorf("exported %d bytes (exit status %d)", len(got), status)
	}
}
