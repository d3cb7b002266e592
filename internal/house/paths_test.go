package house

import (
	"os"
	"regexp"
	"testing"
)

// named matches the path of a file or a package in backticks.
var named = regexp.MustCompile("`((?:api|awareness|blocks|cmd|consumer|document|event|internal|layer|protocol|room|store|test|worker|yjs)/[a-z0-9_/]+(?:\\.[a-z]+)?)`")

// TestPaths checks that the files and packages which the documentation names exist.
func TestPaths(t *testing.T) {
	for _, page := range []string{"docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := named.FindAllSubmatch(text, -1)
		if len(found) == 0 && page != "SECURITY.md" {
			t.Errorf("%s names no files", page)
		}
		for _, match := range found {
			if _, err := os.Stat(string(match[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
