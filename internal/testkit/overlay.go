package testkit

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

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
