package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Missingf skips a test that needs something which the machine lacks, and says
// what. With YROOM_TEST_REQUIRED in the environment, as continuous integration
// sets it, the test fails instead.
func Missingf(t testing.TB, format string, args ...any) {
	t.Helper()
	what := fmt.Sprintf(format, args...)
	if os.Getenv("YROOM_TEST_REQUIRED") != "" {
		t.Fatal(what)
	}
	if _, ok := t.(*testing.B); ok {
		fmt.Println(what) // go test does not print why a benchmark was skipped
	}
	t.Skip(what)
}

// Program returns the path of a program that the test needs. The hint says how
// to install it.
func Program(t testing.TB, name, hint string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missingf(t, "%s is not installed: %s", name, hint)
	}
	return path
}

// Chromium returns the path of the browser that tests of pages use: Chromium without a window.
func Chromium(t testing.TB) (path string) {
	t.Helper()
	return Program(t, "chromium-headless-shell", "apt-get install chromium-headless-shell")
}

// File checks for a file or a folder that the test needs. The hint says how to
// make it.
func File(t testing.TB, path, hint string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		Missingf(t, "%s is not there: %s", path, hint)
	}
}
