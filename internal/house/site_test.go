package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scripts/site keeps the documentation of earlier versions, and changes nothing else.
func TestSiteKeepsEarlierVersions(t *testing.T) {
	folder := t.TempDir()
	clone, origin := filepath.Join(folder, "clone"), filepath.Join(folder, "origin")
	script, err := os.ReadFile("scripts/site")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(clone, "scripts"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"scripts/site": string(script),
		"Makefile":     "site:\n\tmkdir $(SITE)/$(VERSION) && echo $(VERSION) | tee $(SITE)/$(VERSION)/docs.js >$(SITE)/index.html\n",
	} {
		if err := os.WriteFile(filepath.Join(clone, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Stderr = clone, t.Output()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %q: %v", name, args, err)
		}
		return strings.TrimSpace(string(out))
	}
	run("git", "init", "--quiet", "--bare", origin)
	run("git", "init", "--quiet", "--initial-branch", "main")
	run("git", "remote", "add", "origin", "file://"+origin)
	run("git", "add", "--all")
	run("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message", "Begin")
	for _, version := range []string{"v0.1.0", "v0.2.0"} {
		run("sh", "scripts/site", version)
	}
	run("git", "fetch", "--quiet", "origin")
	if got, want := run("git", "ls-tree", "-r", "--name-only", "origin/gh-pages"), ".nojekyll\nindex.html\nv0.1.0/docs.js\nv0.2.0/docs.js"; got != want {
		t.Errorf("the branch has the files\n%s\nwant\n%s", got, want)
	}
	if got, want := run("git", "log", "--format=%s", "origin/gh-pages"), "Add the documentation of v0.2.0\nAdd the documentation of v0.1.0"; got != want {
		t.Errorf("the branch has the commits\n%s\nwant\n%s", got, want)
	}
	if got := run("git", "show", "origin/gh-pages:index.html"); got != "v0.2.0" {
		t.Errorf("index.html is of %s", got)
	}
	if got := run("git", "status", "--short"); got != "" {
		t.Errorf("the clone has changes:\n%s", got)
	}
}
