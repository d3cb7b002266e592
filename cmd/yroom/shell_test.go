package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
)

// The shell blocks with curl, yroom room and yroom doctor in docs/api.md and docs/operations.md are
// run, in this order, on one server. Their output must be the one that the pages show,
// in which "…" stands for any text.
func TestDocumentedRequests(t *testing.T) {
	testkit.Program(t, "curl", "apt-get install curl")
	blocks, err := markdown.Blocks(os.DirFS("../.."), "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	s := startIn(t, dir, "--api-token-file", "yroom.token")
	if _, status := room(t, dir, "import", "drafts/old", "notes.update", "--server", "http://"+s.Host, "--token-file", "yroom.token"); status != 0 {
		t.Fatalf("import: exit status %d", status)
	}
	ran, compared := 0, 0
	for i, b := range blocks {
		if b.Language != "sh" || (b.File != "docs/api.md" && b.File != "docs/operations.md") || !regexp.MustCompile(`(?m)^(curl|yroom room|yroom doctor) `).MatchString(b.Text) {
			continue
		}
		var want *regexp.Regexp
		after := b.Line + strings.Count(b.Text, "\n") + 2 // the line after the block
		if next := blocks[i+1]; next.Language == "text" && next.Line == after {
			compared++
			want = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(next.Text), "…", "(?s:.*)"))
		}
		ran++
		runShell(t, b, dir, strings.ReplaceAll(b.Text, "127.0.0.1:8000", s.Host), want)
	}
	if ran < 12 || compared < 9 {
		t.Errorf("only %d blocks ran, and the output of only %d was compared", ran, compared)
	}
}

// runShell runs a block until it ends, or until it has printed the expected output.
func runShell(t *testing.T, b markdown.Block, dir, text string, want *regexp.Regexp) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-eu", "-c", strings.ReplaceAll("\n"+text, "\ncurl ", "\ncurl -sS "))
	cmd.Dir, cmd.Stderr = dir, &complaint
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got []byte
	part := make([]byte, 4<<10)
	for matched := false; !matched; {
		n, err := stdout.Read(part)
		got = append(got, part[:n]...)
		if err != nil {
			break
		}
		matched = want != nil && strings.Contains(b.Text, "/events") && want.Match(shown(got))
		if matched {
			cancel()
		}
	}
	if err := cmd.Wait(); err != nil && ctx.Err() == nil {
		t.Errorf("%s: %v\n%s%s", b, err, got, &complaint)
	}
	if want != nil && !want.Match(shown(got)) {
		t.Errorf("%s prints:\n%s%s", b, got, &complaint)
	}
}

// shown returns output as a page shows it, with a line feed at the end.
func shown(output []byte) []byte {
	return append(bytes.TrimRight(bytes.ReplaceAll(output, []byte("\r\n"), []byte("\n")), "\n"), '\n')
}

// The blocks of docs/operations.md that copy all rooms into a folder and restore them
// work with any names of rooms, and if a listed room doesn't exist.
func TestDocumentedBackup(t *testing.T) {
	all, err := markdown.Blocks(os.DirFS("../.."), "sh")
	if err != nil {
		t.Fatal(err)
	}
	blocks := slices.DeleteFunc(all, func(b markdown.Block) bool { return !strings.Contains(b.Text, "--all backup") })
	if len(blocks) != 2 {
		t.Fatalf("found %d blocks, want one that copies and one that restores", len(blocks))
	}
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	old := startIn(t, dir, "--api-token-file", "yroom.token", "--store", "memory:")
	asked := func(s *server, args ...string) (stdout string, status int) {
		return room(t, dir, append([]string{"--server", "http://" + s.Host, "--token-file", "yroom.token"}, args...)...)
	}
	names := []string{`"\`, "-o", ".", "a/b", "notes", "with space "}
	for _, name := range names {
		if _, status := asked(old, "import", "--", name, "notes.update"); status != 0 {
			t.Fatalf("import %s: exit status %d", name, status)
		}
	}
	visitor, err := old.dial(t, "looked-at", nil) // so that it is in memory, and in the list
	if err != nil {
		t.Fatal(err)
	}
	visitor.Close()
	if listed, _ := asked(old, "list"); !strings.Contains(listed, "looked-at\n") {
		t.Errorf("the list lacks the room that isn't there:\n%s", listed)
	}
	runShell(t, blocks[0], dir, strings.ReplaceAll(blocks[0].Text, "127.0.0.1:8000", old.Host), nil)

	restored := startIn(t, dir, "--api-token-file", "yroom.token", "--store", "memory:")
	if _, status := asked(restored, "import", "--incomplete", "notes", "more.update"); status != 0 {
		t.Fatalf("import: exit status %d", status)
	}
	kept, _ := asked(restored, "export", "notes")
	runShell(t, blocks[1], dir, strings.ReplaceAll(blocks[1].Text, "127.0.0.1:8000", restored.Host), nil)
	if listed, _ := asked(restored, "list"); listed != strings.Join(names, "\n")+"\n" {
		t.Errorf("what came back:\n%swant:\n%s", listed, strings.Join(names, "\n"))
	}
	for _, name := range names {
		want, _ := asked(old, "export", "--", name)
		if name == "notes" {
			want = kept
		}
		if got, _ := asked(restored, "export", "--", name); got != want {
			t.Errorf("%s was restored as %q, want %q", name, got, want)
		}
	}
}
