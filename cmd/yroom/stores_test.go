package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

// hello is a message with the update of a client that has typed "hello".
var hello = testkit.Update(testkit.Typed(1, 0, "hello"))

// helloVector is the SyncStep1 of a document with that update.
var helloVector = testkit.SyncStep1([]byte{1, 1, 5})

// write sends hello to a room and returns when it is stored.
func write(t *testing.T, s *server, room string) {
	t.Helper()
	c, err := s.dial(t, room, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.MustSend(t, hello)
	c.MustAwait(t, hello)
}

// holds reports whether the document of a room has the text hello.
func holds(t *testing.T, s *server, room string) bool {
	t.Helper()
	first := s.first(t, room)
	if !bytes.Equal(first, helloVector) && !bytes.Equal(first, emptyStep1) {
		t.Errorf("%s: the first message is %x", room, first)
	}
	return bytes.Equal(first, helloVector)
}

func TestServeKeepsRoomsByPrefix(t *testing.T) {
	dir := t.TempDir()
	file := `
store: sqlite:rest.db
rooms:
  default: {durability: commit}
  scratch: {store: "memory:"}
  board: {store: "sqlite:boards.db", durability: fsync}
  chart: {store: "sqlite:./boards.db"}
`
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{"note": true, "board.1": true, "chart.1": true, "scratch.1": false}
	s := startIn(t, dir)
	for room := range kept {
		write(t, s, room)
	}
	if _, page := s.get(t, "/"); !strings.Contains(page, "in an SQLite file") {
		t.Errorf("the page does not tell where documents are:\n%s", page)
	}
	s.Signal(t, syscall.SIGTERM)
	if code := s.Ended(t); code != 0 {
		t.Fatalf("exit status %d\n%s", code, &s.Log)
	}
	if strings.Contains(s.Log.String(), "in memory only") {
		t.Errorf("the log says that documents are in memory:\n%s", &s.Log)
	}

	s = startIn(t, dir)
	for room, want := range kept {
		if got := holds(t, s, room); got != want {
			t.Errorf("%s: kept is %v, want %v", room, got, want)
		}
	}

	boards := startIn(t, dir, "--store", "sqlite:boards.db")
	for _, room := range []string{"board.1", "chart.1"} {
		if !holds(t, boards, room) {
			t.Errorf("%s is not in boards.db", room)
		}
	}
	if holds(t, boards, "note") {
		t.Error("note is in boards.db")
	}
}

func TestServeInMemory(t *testing.T) {
	s := start(t, "--store", "memory:")
	if _, page := s.get(t, "/"); !strings.Contains(page, "in memory") {
		t.Errorf("the page does not tell where documents are:\n%s", page)
	}
	s.Signal(t, syscall.SIGTERM)
	s.Ended(t)
	if !strings.Contains(s.Log.String(), "in memory only") {
		t.Errorf("no warning in the log:\n%s", &s.Log)
	}
	if files, err := os.ReadDir(s.Dir); err != nil || len(files) > 0 {
		t.Errorf("the directory holds %v (%v), want nothing", files, err)
	}
}

// A flag overrides the row default, which overrides the rest of the file.
func TestServeStoreOfTheDefaultRow(t *testing.T) {
	dir := t.TempDir()
	file := "store: sqlite:a.db\nrooms:\n  default: {store: 'sqlite:b.db'}\n"
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	made := func(want string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*.db"))
		if err != nil || len(files) != 1 || filepath.Base(files[0]) != want {
			t.Errorf("the directory holds %q (%v), want %s", files, err, want)
		}
	}
	s := startIn(t, dir)
	made("b.db")
	s.Signal(t, syscall.SIGTERM)
	s.Ended(t)
	os.Remove(filepath.Join(dir, "b.db"))
	startIn(t, dir, "--store", "sqlite:c.db")
	made("c.db")
}

// Which processes may use the stores of a server depends on its layer.
func TestStoresOfALayer(t *testing.T) {
	for layer, want := range map[string]struct{ shared, alone bool }{
		"memory:":                  {shared: false, alone: false},
		"redis://127.0.0.1":        {shared: true, alone: false},
		"django+redis://127.0.0.1": {shared: true, alone: true},
	} {
		var s settings
		s.Layer = layer
		if got := s.files(nil).Shared; got != want.shared {
			t.Errorf("%s: SQLite files are shared: %t, want %t", layer, got, want.shared)
		}
		if got := s.database().Alone; got != want.alone {
			t.Errorf("%s: the server is alone with a database: %t, want %t", layer, got, want.alone)
		}
	}
}

func TestStoresAreOpenedOnce(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := openStores(t.Context(), "sqlite:a.db", map[string]roomSettings{
		"same":    {StoreURL: "sqlite:./a.db"},
		"memory":  {StoreURL: "memory:"},
		"memory2": {StoreURL: "memory:"},
		"open":    {Settings: yroom.Settings{RemoveDelay: 1}},
	}, sqlitestore.Config{}, pgstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if s.rooms["same"].Store != s.rest || s.rooms["memory"].Store != s.rooms["memory2"].Store {
		t.Error("a store was opened twice")
	}
	if s.rooms["memory"].Store == s.rest {
		t.Error("two stores are the same")
	}
	if row := s.rooms["open"]; row.Store != nil || row.RemoveDelay != 1 {
		t.Errorf("a row without a store has become %+v", row)
	}
}

func TestLevels(t *testing.T) {
	rows := map[string]roomSettings{
		"default": {Durability: new(store.DurabilityCommit)},
		"draft":   {Durability: new(store.DurabilityNone)},
		"deed":    {Durability: new(store.DurabilityFsync)},
		"open":    {},
	}
	level := levels(rows)
	for room, want := range map[string]store.Durability{
		"draft": store.DurabilityNone, "draft.1": store.DurabilityNone, "deed.1": store.DurabilityFsync, "open.1": store.DurabilityCommit, "other": store.DurabilityCommit,
		"other.draft": store.DurabilityCommit,
	} {
		if got := level(room); got != want {
			t.Errorf("%s: %v, want %v", room, got, want)
		}
	}
	if got := levels(nil)("room"); got != store.DurabilityFsync {
		t.Errorf("by default: %v, want fsync", got)
	}
}
