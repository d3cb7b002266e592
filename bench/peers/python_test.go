package peers_test

import (
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// python is the interpreter of the environment that has the packages of requirements.txt.
const python = ".venv/bin/python"

func missingPython() string { return noFile(python, "run make bench/peers/.venv/installed") }

// interpreter returns the absolute path of python.
func interpreter(t testing.TB) string {
	t.Helper()
	path, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	testkit.File(t, path, "run make bench/peers/.venv/installed")
	return path
}
