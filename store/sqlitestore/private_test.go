package sqlitestore_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/yroom/yroom/store/sqlitestore"
)

// wantMode checks the permissions of the files of the store at path, which is open.
func wantMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != mode {
			t.Errorf("%s has the mode %#o, want %#o", filepath.Base(path+suffix), got, mode)
		}
	}
}

func TestOthersCanNotReadTheFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	path := filepath.Join(t.TempDir(), "yroom.db")
	s := open(t, path, sqlitestore.Config{})
	add(t, s, room, "secret")
	wantMode(t, path, 0o600)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if err := os.Chmod(path, 0o640); err != nil { // an operator lets a group read it
		t.Fatal(err)
	}
	s = open(t, path, sqlitestore.Config{})
	defer s.Close()
	add(t, s, room, "more")
	wantMode(t, path, 0o640)
	wantHeld(t, s, room, "secret", "more")
}
