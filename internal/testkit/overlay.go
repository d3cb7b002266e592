package testkit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Changed returns the text of a file with changes, each of which replaces a text by
// another. The test fails if the file doesn't have one of them exactly once.
func Changed(t testing.TB, file string, changes ...[2]string) (text string) {
	t.Helper()
	original, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = string(original)
	for _, change := range changes {
		if strings.Count(text, change[0]) != 1 {
			t.Fatalf("%s doesn't have this once, or not any more:\n%s", file, change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	return text
}

// Overlay returns the flag that makes the go command read texts in place of files. The
// keys are the paths of the files.
func Overlay(t testing.TB, texts map[string]string) (flag string) {
	t.Helper()
	dir, replace := t.TempDir(), make(map[string]string)
	write := func(name string, text []byte) (path string) {
		path = filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for file, text := range texts {
		whole, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		replace[whole] = write(fmt.Sprintf("%d.go", len(replace)), []byte(text))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	return "-overlay=" + write("overlay.json", overlay)
}
