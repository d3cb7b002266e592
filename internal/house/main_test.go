// Package house tests the repository itself: which package imports which, the
// documentation, the lists of files in package comments, and the words that
// comments, errors and pages are written in.
// Its tests run in the folder of go.mod.
package house

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	if err := toModuleRoot(); err != nil {
		fmt.Fprintln(os.Stderr, "internal/house:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// toModuleRoot makes the closest folder upwards that has a go.mod the current one.
func toModuleRoot() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return os.Chdir(dir)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return errors.New("no go.mod in the current folder or above it")
		}
		dir = parent
	}
}
