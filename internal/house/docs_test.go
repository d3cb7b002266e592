package house

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/docsite"
	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// The code of the documentation that is also in an example must be equal to the
// example.
func TestDocsShowExamples(t *testing.T) {
	for page, example := range map[string]string{
		"README.md":         "examples/hello/main.go",
		"docs/embedding.md": "examples/login/rooms.go",
	} {
		shown, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		source, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		_, program, ok := strings.Cut("\n"+string(source), "\npackage main\n")
		if !ok {
			t.Fatalf("%s has no package main", example)
		}
		if want := "```go\npackage main\n" + program + "```\n"; !strings.Contains(string(shown), want) {
			t.Errorf("%s doesn't show this program:\n%s", page, want)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("examples/hello/page/page.js")
	if err != nil {
		t.Fatal(err)
	}
	if want := "```js\n" + string(script) + "```\n"; !strings.Contains(string(readme), want) {
		t.Errorf("README.md doesn't show this script:\n%s", want)
	}
}

// The contract of a store has all methods and all errors.
func TestDocsHaveStoreContract(t *testing.T) {
	page, err := os.ReadFile("docs/embedding.md")
	if err != nil {
		t.Fatal(err)
	}
	_, contract, _ := strings.Cut(string(page), "\n### The contract\n")
	for method := range reflect.TypeFor[store.Store]().Methods() {
		if !strings.Contains(contract, "\n| `"+method.Name+"` |") {
			t.Errorf("the contract in docs/embedding.md has no row for %s", method.Name)
		}
	}
	source, err := os.ReadFile("store/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^\t(Err\w+) = `).FindAllSubmatch(source, -1)
	if len(names) < 5 {
		t.Errorf("store/errors.go has only the errors %q", names)
	}
	for _, name := range names {
		if !strings.Contains(contract, "`"+string(name[1])+"`") {
			t.Errorf("the contract in docs/embedding.md lacks %s", name[1])
		}
	}
}

// The functions about ProseMirror documents are those of an example that is run.
func TestDocsShowProseMirrorFunctions(t *testing.T) {
	page, err := os.ReadFile("docs/embedding.md")
	if err != nil {
		t.Fatal(err)
	}
	const example = "document/example_prosemirror_test.go"
	source, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, example, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || strings.HasPrefix(f.Name.Name, "Example") {
			continue
		}
		shown++
		if want := source[fset.Position(f.Doc.Pos()).Offset:fset.Position(f.End()).Offset]; !bytes.Contains(page, want) {
			t.Errorf("docs/embedding.md doesn't show this function of %s:\n%s", example, want)
		}
	}
	if shown < 3 {
		t.Errorf("%s has only %d functions", example, shown)
	}
}

// given declares what the Go blocks of the documentation may use without declaring it:
// imports, and values that the text around the blocks mentions.
const given = `package docs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/store/storetest"
	"github.com/yroom/yroom/webhook"
	"github.com/yroom/yroom/worker"
	"github.com/yroom/yroom/yjs"
)

var (
	ctx       context.Context
	server    *yroom.Server
	mux       *http.ServeMux
	documents *sqlitestore.Store
	userOf    func(*http.Request) (name string, ok bool)
)
`

// Every Go block of the documentation is a program, some declarations, or
// statements in a function that returns an error.
func TestGoBlocksCompile(t *testing.T) {
	blocks, err := markdown.Blocks(os.DirFS("."), "go")
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) < 10 {
		t.Errorf("found only %d blocks", len(blocks))
	}
	imports := exports(t)
	for _, b := range blocks {
		for _, complaint := range compile(imports, b.Text) {
			t.Errorf("%s: %v", b, complaint)
		}
	}
	for _, bad := range []string{
		"yroom.Nothing()\n",
		"server.Shutdown()\n",
		"var s store.Store = 1\n",
		"return 1\n",
		"func f() { undefined() }\n",
		"package main\n\nfunc main() { undefined() }\n",
		"if {\n",
	} {
		if compile(imports, bad) == nil {
			t.Errorf("this compiles, and should not:\n%s", bad)
		}
	}
}

// exports returns an importer for the packages that given imports.
func exports(t *testing.T) types.Importer {
	t.Helper()
	files := map[string]string{}
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "log", module + "/auth"}
	args = append(args, importsOf(t, given)...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			files[path] = file
		}
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("the documentation may not import %s", path)
		}
		return os.Open(files[path])
	})
}

func importsOf(t *testing.T, source string) (paths []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "given.go", source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// compile returns the errors in a block, except for variables and imports that
// are not used.
func compile(from types.Importer, block string) (wrong []error) {
	preamble, _, _ := strings.Cut(given, "\nvar (")
	sources := []string{block}
	if !strings.HasPrefix(block, "package ") {
		sources = []string{given, preamble + block}
		if _, err := parser.ParseFile(token.NewFileSet(), "", sources[1], parser.SkipObjectResolution); err != nil {
			sources[1] = preamble + "func _() error {\n" + block + "\nreturn nil\n}\n"
		}
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, source := range sources {
		file, err := parser.ParseFile(fset, "", source, parser.SkipObjectResolution)
		if err != nil {
			return []error{err}
		}
		files = append(files, file)
	}
	config := types.Config{Importer: from, Error: func(err error) {
		if e, ok := errors.AsType[types.Error](err); !ok || !e.Soft {
			wrong = append(wrong, err)
		}
	}}
	_, _ = config.Check("docs", fset, files, nil) // config.Error is called with each error
	return wrong
}

// Each block names its language, and each language is tested or known not to be.
func TestBlocksAreOfKnownLanguages(t *testing.T) {
	tested := []string{
		"go", "sh", "", // tested in this file; a block without a language counts as sh
		"yaml", "text", "log", // in cmd/yroom
		"js", "css", // in test/snippets
		"sql",                              // in store/pgstore
		"python",                           // in test/tokens and test/django
		"json",                             // an answer for package auth, tested there
		"nginx", "caddyfile", "ini", "yml", // in test/deploy
	}
	blocks, err := markdown.Blocks(os.DirFS("."), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if !slices.Contains(tested, b.Language) {
			t.Errorf("%s: a block in %q, which nothing tests", b, b.Language)
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.+?\n```$")
)

// The targets of links within the project exist.
func TestLinks(t *testing.T) {
	pages, err := markdown.Documents(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range pages {
		for _, match := range link.FindAllStringSubmatch(prose(t, page), -1) {
			to := match[1]
			if strings.Contains(to, "://") {
				continue
			}
			seen++
			path, anchor, _ := strings.Cut(to, "#")
			target := filepath.Join(filepath.Dir(page), path)
			if path == "" {
				target = page
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link to %s has no target", page, to)
			} else if anchor != "" && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s: %s has no heading #%s", page, target, anchor)
			}
		}
	}
	if seen < 20 {
		t.Errorf("found only %d links", seen)
	}
}

// prose returns the text of a page without its code blocks.
func prose(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return fenced.ReplaceAllString(string(text), "")
}

// anchors returns the fragments by which GitHub links to the headings of a page.
func anchors(t *testing.T, page string) (names []string) {
	t.Helper()
	var ids docsite.IDs
	for _, match := range heading.FindAllStringSubmatch(prose(t, page), -1) {
		names = append(names, ids.Of(match[1]))
	}
	return names
}

var backupFile = regexp.MustCompile(`backup[\w-]*\.db`)

// The sqlite3 commands of the documentation run unchanged, on a file that a server has
// open.
func TestSQLiteCommandsRun(t *testing.T) {
	testkit.Program(t, "sqlite3", "apt-get install sqlite3")
	blocks, err := markdown.Blocks(os.DirFS("."), "sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	documents, err := sqlitestore.Open(filepath.Join(dir, "yroom.db"), sqlitestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer documents.Close()
	if _, err := documents.Append(t.Context(), "my-room", store.Entry{Encoding: store.V1, Data: []byte{0, 0}}); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, b := range blocks {
		for line := range strings.Lines(b.Text) {
			if !strings.HasPrefix(line, "sqlite3 ") {
				continue
			}
			ran++
			cmd := exec.CommandContext(t.Context(), "bash", "-c", line)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %s: %v\n%s", b, line, err, out)
			}
			copied := backupFile.FindString(line)
			if _, err := os.Stat(filepath.Join(dir, copied)); (copied == "" || err != nil) && !strings.Contains(string(out), "my-room") {
				t.Errorf("%s: %s neither prints the room nor copies it:\n%s", b, line, out)
			}
		}
	}
	if ran < 3 {
		t.Errorf("only %d commands ran", ran)
	}
}

// The commands of the documentation exist. The flags of yroom are tested in
// cmd/yroom.
func TestShellBlocks(t *testing.T) {
	blocks, err := markdown.Blocks(os.DirFS("."), "")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, b := range blocks {
		if b.Language != "sh" && b.Language != "" {
			continue
		}
		lines := bufio.NewScanner(strings.NewReader(strings.ReplaceAll(b.Text, "\\\n", " ")))
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			for len(words) > 0 && strings.Contains(words[0], "=") { // environment variables
				words = words[1:]
			}
			if len(words) == 0 {
				continue
			}
			seen[words[0]] = true
			if err := exists(t, words); err != nil {
				t.Errorf("%s: %s: %v", b, lines.Text(), err)
			}
		}
	}
	for _, name := range []string{"make", "go", "docker", "npm", "yroom", "sqlite3"} {
		if !seen[name] {
			t.Errorf("no block has the command %s", name)
		}
	}
}

func exists(t *testing.T, words []string) error {
	t.Helper()
	switch words[0] {
	case "make":
		targets, err := os.ReadFile("Makefile")
		if err != nil {
			return err
		}
		if !bytes.Contains(targets, []byte("\n"+words[1]+":")) {
			return errors.New("no such target")
		}
	case "go":
		for _, word := range words[1:] {
			if strings.HasPrefix(word, "./") {
				if _, err := os.Stat(word); err != nil {
					return err
				}
			}
		}
	case "npm":
		return ofSnippets(words[2:])
	case "docker":
		_, err := os.Stat("Dockerfile")
		return err
	case "yroom", "helm", "kubectl", "aws", "sqlite3", "curl", "echo", "sha256sum", "openssl", "chmod", "mkdir", "tar", "sudo", "mv", "psql", "pg_dump", "pg_restore", "python", "while", "[", "done": // tested elsewhere, or not part of this project
	default:
		return errors.New("an unknown command")
	}
	return nil
}

// ofSnippets returns an error if one of the npm packages, NAME@VERSION, is not of the
// version with which the JavaScript of the documentation is tested.
func ofSnippets(packages []string) error {
	file, err := os.ReadFile("test/snippets/package.json")
	if err != nil {
		return err
	}
	var tested struct{ Dependencies map[string]string }
	if err := json.Unmarshal(file, &tested); err != nil {
		return err
	}
	for _, p := range packages {
		at := strings.LastIndex(p, "@")
		if at < 1 || tested.Dependencies[p[:at]] != p[at+1:] {
			return fmt.Errorf("%s is not in test/snippets/package.json", p)
		}
	}
	return nil
}
