package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Build builds the command yroom in a temporary folder of the test, with flags of "go build",
// and returns its path.
func Build(t testing.TB, flags ...string) (program string) {
	t.Helper()
	program, err := build(t.TempDir(), flags...)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// MainWithProgram is TestMain of a package whose tests all run the command yroom. It
// builds the command, sets *program to its path, runs the tests, and ends the process.
func MainWithProgram(m *testing.M, program *string) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "yroom-program")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if *program, err = build(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func build(dir string, flags ...string) (program string, err error) {
	program = filepath.Join(dir, "yroom")
	args := slices.Concat([]string{"build", "-o", program}, flags, []string{"github.com/yroom/yroom/cmd/yroom"})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
}
