package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// damagedRoom adds a room to a store that can't be read.
func damagedRoom(t *testing.T, path, name string) {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), name, store.Entry{Encoding: store.V1, Data: []byte("damaged")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A copy of all rooms has those that can be read, and its import says what it lacks.
func TestRoomExportAllOfADamagedStore(t *testing.T) {
	dir := t.TempDir()
	storeRooms(t, filepath.Join(dir, "yroom.db"), "a", "c")
	damagedRoom(t, filepath.Join(dir, "yroom.db"), "b")
	emptyStore(t, filepath.Join(dir, "new.db"), 0)
	run := func(want int, args string, words ...string) (stdout string) {
		t.Helper()
		var stderr bytes.Buffer
		command := exec.CommandContext(t.Context(), "yroom", append([]string{"room"}, strings.Fields(args)...)...)
		command.Dir, command.Stderr = dir, &stderr
		out, err := command.Output()
		if status := command.ProcessState.ExitCode(); status != want {
			t.Fatalf("%s: exit status %d (%v), want %d\n%s", args, status, err, want, &stderr)
		}
		for _, word := range words {
			if !strings.Contains(stderr.String(), word) {
				t.Errorf("%s prints\n%s\nwithout %s", args, &stderr, word)
			}
		}
		return string(out)
	}
	out := run(1, "export --all copy --store sqlite:yroom.db", `"b" was not exported: `, "yroom: 1 of 3 rooms were not exported: the copy lacks them\n")
	if out != "" {
		t.Errorf("the export prints %q", out)
	}
	run(1, "export --all copy --store sqlite:yroom.db", "copy has a copy already")
	run(1, "import --updates copy --store sqlite:new.db", "copy was written by yroom room export --all: use --all in place of --updates\n")
	if out := run(0, "import --all copy --store sqlite:new.db", `"b" has no document in the copy`); out != "a\nc\n" {
		t.Errorf("imported %q, want a and c", out)
	}
	if out := run(0, "list --store sqlite:new.db"); out != "a\nc\n" {
		t.Errorf("there are the rooms %q, want a and c", out)
	}
}

// An updates folder may have a file with the name of one of a copy.
func TestRoomImportUpdatesBesideRooms(t *testing.T) {
	dir := inDir(t, "rooms", "my list of rooms\n", "notes.update", typedHello)
	emptyStore(t, filepath.Join(dir, "yroom.db"), 0)
	if out, status := room(t, dir, "import", "--updates", ".", "--store", "sqlite:yroom.db"); out != "notes\n" || status != 0 {
		t.Errorf("imported %q (exit status %d), want notes", out, status)
	}
}

// exporter exports from a server, and keeps what is reported.
type exporter struct {
	client *apiClient
	stderr bytes.Buffer // and stdout
	report *roomReport
}

// newExporter returns an exporter from a server with this handler.
func newExporter(t *testing.T, handler http.HandlerFunc) *exporter {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := newAPIClient(server.URL, "token")
	if err != nil {
		t.Fatal(err)
	}
	x := &exporter{client: client}
	x.report = &roomReport{stdout: &x.stderr, stderr: &x.stderr, done: "exported"}
	return x
}

// rooms is the list for exportAll of these rooms, which ends with an error.
func rooms(err error, names ...string) func(each func(room string) error) error {
	return func(each func(room string) error) error {
		for _, name := range names {
			if err := each(name); err != nil {
				return err
			}
		}
		return err
	}
}

// A copy whose rooms were not all listed can't be imported.
func TestExportAllUnfinished(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "copy")
	x := newExporter(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("document")) })
	lost := errors.New("lost")
	if err := exportAll(t.Context(), x.client, folder, x.report, rooms(lost, "a", "b")); !errors.Is(err, lost) {
		t.Errorf("exported: %v, want %v", err, lost)
	}
	if _, err := os.Stat(updateFile(folder, 2)); err != nil {
		t.Error(err)
	}
	err := importAll(folder, x.report, func(room string, _ *os.File, _ int64) error {
		t.Errorf("%s is imported", room)
		return nil
	})
	if want := folder + " has an unfinished copy: export it again into another folder"; err == nil || err.Error() != want {
		t.Errorf("imported: %v, want %s", err, want)
	}
	err = exportAll(t.Context(), x.client, folder, x.report, rooms(nil, "a"))
	if err == nil || !strings.Contains(err.Error(), "has a copy already") {
		t.Errorf("exported once more: %v", err)
	}
}

// A document that ends too early is no part of a copy.
func TestExportAllOfACutDocument(t *testing.T) {
	folder := t.TempDir()
	x := newExporter(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/b") {
			w.Header().Set("Content-Length", "100")
		}
		_, _ = w.Write([]byte("document"))
	})
	err := exportAll(t.Context(), x.client, folder, x.report, rooms(nil, "a", "b", "c"))
	if err == nil || err.Error() != "1 of 3 rooms were not exported: the copy lacks them" {
		t.Errorf("exported: %v", err)
	}
	if got := x.stderr.String(); !strings.Contains(got, `"b" was not exported: unexpected EOF`) {
		t.Errorf("reported: %s", got)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		files[i] = filepath.Base(file)
	}
	if got := strings.Join(files, " "); got != "1.update 3.update rooms" {
		t.Errorf("the copy has %s", got)
	}
}

// An export that is interrupted ends, and reports no room because of that.
func TestExportAllInterrupted(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	x := newExporter(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/b") {
			cancel()
			<-r.Context().Done()
		}
		_, _ = w.Write([]byte("document"))
	})
	err := exportAll(ctx, x.client, folder, x.report, rooms(nil, "a", "b", "c"))
	if got := x.stderr.String(); !errors.Is(err, context.Canceled) || got != "a\n" {
		t.Errorf("exported: %v, and reported %q", err, got)
	}
	if isFile(folder, namesFile) {
		t.Error("the copy is complete")
	}
}

// An export ends if it can't write to the folder.
func TestExportAllCannotWrite(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(updateFile(folder, 2), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	x := newExporter(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("document")) })
	err := exportAll(t.Context(), x.client, folder, x.report, rooms(nil, "a", "b", "c"))
	if got := x.stderr.String(); err == nil || !strings.Contains(err.Error(), "2.update") || got != "a\n" {
		t.Errorf("exported: %v, and reported %q", err, got)
	}
	if isFile(folder, namesFile) {
		t.Error("the copy is complete")
	}
}
