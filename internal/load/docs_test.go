package load_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/load"
)

// The documentation has each figure of a report.
func TestDocsHaveFigures(t *testing.T) {
	page, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	documented, known := map[string]bool{}, map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`\\w+`(?:, `\\w+`)*) \\|").FindAllSubmatch(page, -1) {
		for _, name := range regexp.MustCompile(`\w+`).FindAll(row[1], -1) {
			documented[string(name)] = true
		}
	}
	for _, scenario := range []string{"agent", "slow", "awareness", "join", "idle", "reconnect", "replay"} {
		delete(documented, scenario)
	}
	for _, figure := range load.Names {
		known[figure.Name] = true
	}
	if diff := cmp.Diff(known, documented); diff != "" {
		t.Errorf("figures (-that there are, +in docs/performance.md):\n%s", diff)
	}
}
