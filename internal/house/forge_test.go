package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The files that configure the forge are valid YAML, name each action with a
// version, and call targets of the Makefile and scripts that exist.
func TestForge(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{".github/*.yml", ".github/*/*.yml", ".golangci.yml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 8 {
		t.Errorf("found only the files %q", files)
	}
	action := regexp.MustCompile(`uses: (\S+)`)
	target := regexp.MustCompile(`(?m)run: make ([a-z]+)|- target: ([a-z]+)$`)
	script := regexp.MustCompile(`run: (scripts/\S+)`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var content map[string]any
		if err := yaml.Unmarshal(text, &content); err != nil || len(content) == 0 {
			t.Errorf("%s: %v", name, err)
		}
		for _, m := range action.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(m[1], "./") && !regexp.MustCompile(`@v\d+$`).MatchString(m[1]) {
				t.Errorf("%s: the action %s has no version", name, m[1])
			}
		}
		for _, m := range target.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(string(makefile), "\n"+m[1]+m[2]+":") {
				t.Errorf("%s: the Makefile has no target %s", name, m[1]+m[2])
			}
		}
		for _, m := range script.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
