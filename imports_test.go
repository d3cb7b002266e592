package yroom_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/yroom/yroom"

// allowedImports holds, for each package of the module, what it may import
// besides the standard library. Imports go one way: down this table.
var allowedImports = map[string][]string{
	"cmd/yroom":       {".", "internal/webui", "web", "github.com/alecthomas/kong", "github.com/goccy/go-yaml", "github.com/goccy/go-yaml/lexer", "github.com/goccy/go-yaml/token", "store", "store/memstore", "store/sqlitestore", "yjs"},
	"examples/hello":  {"."},
	"examples/login":  {".", "store", "store/sqlitestore"},
	"internal/webui":  {},
	"internal/wstest": {"github.com/gobwas/ws"},
	"web":             {},

	// For tests of the documentation, and with browsers.
	"internal/markdown":  {},
	"test/browser/robot": {".", "internal/webui", "web", "yjs"},

	".": {"consumer", "worker", "layer", "layer/memlayer", "store", "store/memstore", "room", "protocol", "awareness", "blocks", "yjs"},

	// Only what carries messages between them knows both ends: these two never import each other.
	"consumer": {"layer", "room", "protocol", "awareness", "internal/turn", "github.com/gobwas/ws"},
	"worker":   {"layer", "store", "room", "protocol", "awareness", "blocks", "internal/turn"},

	// An adapter imports its contract and its client library.
	"layer/memlayer":    {"layer", "room"},
	"layer/layertest":   {"layer", "room", "protocol", "awareness"},
	"layer":             {"room"},
	"store/memstore":    {"store"},
	"store/sqlitestore": {"store", "modernc.org/sqlite", "modernc.org/sqlite/lib"},
	"store/storetest":   {"store"},
	"store":             {},
	"internal/turn":     {},

	"room":               {"awareness", "protocol", "blocks", "internal/lib0", "internal/weakbytes"},
	"protocol":           {"internal/lib0"},
	"awareness":          {"internal/lib0"},
	"yjs":                {"blocks", "internal/lib0"},
	"blocks":             {"internal/lib0"},
	"internal/lib0":      {},
	"internal/weakbytes": {},
}

// core packages do no I/O, start no goroutine, log nothing and ask for no time.
var core = []string{"room", "yjs", "protocol", "awareness", "blocks", "internal/lib0"}

type goPackage struct {
	Dir        string
	ImportPath string
	GoFiles    []string
	Imports    []string
}

// name is the package's path in the module, "." for the root.
func (p goPackage) name() string { return nameOf(p.ImportPath) }

func nameOf(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=Dir,ImportPath,GoFiles,Imports", "./...")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &complaint)
	}
	var all []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImportsGoOneWay(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue // tests only
		}
		allowed, ok := allowedImports[p.name()]
		if !ok {
			t.Errorf("package %s has no row in allowedImports", p.name())
			continue
		}
		seen++
		for _, path := range p.Imports {
			first, _, _ := strings.Cut(path, "/")
			if !strings.Contains(first, ".") {
				continue // the standard library
			}
			if name := nameOf(path); !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s, which allowedImports does not allow", p.name(), name)
			}
		}
	}
	if seen != len(allowedImports) {
		t.Errorf("allowedImports has %d rows for %d packages: take out those that are gone", len(allowedImports), seen)
	}
}

func TestCoreIsPure(t *testing.T) {
	io := []string{"log", "net", "os", "syscall", "unsafe"}
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
	for _, p := range packages(t) {
		if !slices.Contains(core, p.name()) {
			continue
		}
		for _, path := range p.Imports {
			if first, _, _ := strings.Cut(path, "/"); slices.Contains(io, first) {
				t.Errorf("%s imports %s", p.name(), path)
			}
		}
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			parsed, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s starts a goroutine", fset.Position(n.Pos()))
				case *ast.SelectorExpr:
					if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clock, n.Sel.Name) {
						t.Errorf("%s asks for the time: time.%s", fset.Position(n.Pos()), n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}
