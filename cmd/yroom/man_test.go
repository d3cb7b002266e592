package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/yroom/yroom/internal/testkit"
)

// man shows the page without a warning, with each command, argument and flag.
func TestManualPage(t *testing.T) {
	man := testkit.Program(t, "man", "on Debian, apt-get install man-db")
	path := filepath.Join(t.TempDir(), "yroom.1")
	if err := os.WriteFile(path, []byte(manual(program(t))), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), man, "--warnings=w", "--encoding=utf8", "--no-hyphenation", "--no-justification", "--local-file", path)
	cmd.Env = append(os.Environ(), "MANWIDTH=1000", "MAN_KEEP_FORMATTING=", "LC_ALL=C.UTF-8", "PAGER=cat", "MANPAGER=cat")
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil || warnings.Len() > 0 {
		t.Errorf("man: %v\n%s", err, &warnings)
	}
	page := strings.Join(strings.Fields(string(out)), " ")
	shows := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if !strings.Contains(page, text) {
				t.Errorf("the page doesn't have %q", text)
			}
		}
	}
	seen := 0
	var visit func(node *kong.Node)
	visit = func(node *kong.Node) {
		for _, flag := range node.Flags {
			seen++
			shows(flag.String(), flag.Help)
		}
		for _, argument := range node.Positional {
			shows(argument.Summary(), argument.Help)
		}
		for _, child := range node.Children {
			if child.Hidden {
				if strings.Contains(page, child.Help) {
					t.Errorf("the page has the hidden command %s", child.Name)
				}
				continue
			}
			seen++
			shows(child.FullPath(), child.Help)
			visit(child)
		}
	}
	visit(program(t).Node)
	if seen < 100 {
		t.Errorf("there are only %d commands and flags", seen)
	}
	shows("--no-open", "NAME yroom - A server")
}

// mandoc finds no fault in the page but that it has no date.
func TestManualPageIsValid(t *testing.T) {
	mandoc := testkit.Program(t, "mandoc", "on Debian, apt-get install mandoc")
	cmd := exec.CommandContext(t.Context(), mandoc, "-T", "lint", "-W", "warning")
	cmd.Stdin = strings.NewReader(manual(program(t)))
	out, _ := cmd.CombinedOutput() // the status says only that something was found
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, "missing date") {
			t.Error(line)
		}
	}
}

func TestEscapeRoff(t *testing.T) {
	for text, want := range map[string]string{
		"a--b":   `a\-\-b`,
		`C:\x`:   `C:\ex`,
		".x. 'y": `\&.x. 'y`,
		"'x":     `\&'x`,
		"redis…": `redis\[u2026]`,
		"":       "",
	} {
		if got := escapeRoff(text); got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	}
}
