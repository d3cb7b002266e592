package house

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

// wantImports holds, for each package of the module, exactly what its files
// other than tests import besides the standard library. "." is the root.
// A package imports only packages of the rows below its own.
var wantImports = []struct {
	name    string
	imports []string
}{
	{"cmd/yroom", []string{
		".", "api", "auth", "awareness", "blocks", "consumer", "docs", "document", "event", "internal/docsite", "internal/heap", "internal/ids", "internal/load", "internal/loopback", "internal/memhttp", "internal/webui", "layer", "layer/buslayer", "layer/djangolayer", "layer/link", "layer/memlayer", "layer/natslayer", "layer/redislayer", "prosemirror", "protocol",
		"store", "store/djangostore", "store/memstore", "store/pgstore", "store/sqlitestore", "web", "webhook", "worker", "yjs",
		"github.com/alecthomas/kong", "github.com/goccy/go-yaml", "github.com/goccy/go-yaml/lexer", "github.com/goccy/go-yaml/token",
		"github.com/prometheus/client_golang/prometheus", "github.com/prometheus/client_golang/prometheus/collectors",
		"github.com/prometheus/client_golang/prometheus/promhttp",
		"github.com/syndtr/goleveldb/leveldb", "github.com/syndtr/goleveldb/leveldb/opt", "github.com/syndtr/goleveldb/leveldb/storage", "github.com/syndtr/goleveldb/leveldb/util",
		"go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes", "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
		"go.opentelemetry.io/otel/propagation", "go.opentelemetry.io/otel/sdk/resource", "go.opentelemetry.io/otel/sdk/trace", "go.opentelemetry.io/otel/trace",
		"modernc.org/sqlite",
	}},
	{"examples/hello", []string{"."}},
	{"examples/search", []string{"webhook", "modernc.org/sqlite"}},
	{"examples/login", []string{".", "consumer", "event", "store", "store/sqlitestore"}},
	{"test/browser/robot", []string{".", "consumer", "document", "event", "internal/webui", "protocol", "web", "yjs"}},
	{"internal/testkit/postgres", []string{"internal/testkit", "github.com/jackc/pgx/v5"}},
	{"internal/testkit/nats", []string{"internal/testkit", "internal/testkit/daemon"}},
	{"internal/testkit/redis", []string{"internal/testkit", "internal/testkit/daemon"}},
	{"internal/testkit/daemon", []string{"internal/testkit"}},
	{"internal/testkit/proxy", nil},
	{"internal/testkit/membus", []string{"event", "internal/testkit", "layer", "layer/buslayer", "layer/layertest", "layer/link", "protocol"}},
	{"internal/load", []string{"blocks", "internal/clocks", "internal/lib0", "protocol", "yjs", "github.com/gobwas/ws"}},
	{"internal/testkit", nil},
	{"internal/testkit/faulty", []string{"store"}},
	{"internal/testkit/wsclient", []string{"github.com/gobwas/httphead", "github.com/gobwas/ws"}},
	{"scripts/dist", nil},
	{"scripts/gotest", nil},
	{"internal/markdown", nil},
	{"internal/memhttp", nil},
	{"internal/heap", nil},
	{"internal/docsite", []string{
		"internal/webui", "github.com/yuin/goldmark", "github.com/yuin/goldmark/ast", "github.com/yuin/goldmark/extension", "github.com/yuin/goldmark/extension/ast",
		"github.com/yuin/goldmark/renderer", "github.com/yuin/goldmark/renderer/html", "github.com/yuin/goldmark/text", "github.com/yuin/goldmark/util",
		"golang.org/x/mod/semver",
	}},
	{"docs", nil},
	{"internal/webui", nil},
	{"web", nil},

	// The packages for programs import a layer, but nothing behind it.
	{"api", []string{"blocks", "document", "event", "prosemirror", "protocol", "yjs"}},
	{".", []string{
		"awareness", "blocks", "consumer", "document", "event", "layer", "layer/memlayer", "room", "store", "store/memstore", "worker", "yjs",
	}},
	{"prosemirror", []string{
		"yjs", "github.com/google/uuid", "github.com/yuin/goldmark/ast", "github.com/yuin/goldmark/extension", "github.com/yuin/goldmark/extension/ast",
		"github.com/yuin/goldmark/parser", "github.com/yuin/goldmark/text", "github.com/yuin/goldmark/util",
	}},
	// It imports what programs do with documents, because Django asks its worker for exports.
	{"layer/djangolayer", []string{
		"awareness", "document", "event", "internal/rate", "layer", "layer/internal/busurl", "layer/memlayer", "protocol", "yjs", "github.com/redis/rueidis",
	}},
	{"document", []string{"awareness", "blocks", "event", "layer", "protocol", "yjs"}},

	{"webhook", []string{"blocks", "event", "store", "yjs"}},

	{"auth", []string{"consumer", "event", "github.com/go-jose/go-jose/v4", "github.com/go-jose/go-jose/v4/jwt"}},

	// Consumers and workers never import each other: only the layer connects them.
	{"consumer", []string{"awareness", "event", "internal/loopback", "internal/outbox", "internal/pool", "internal/rate", "internal/weakbytes", "layer", "protocol", "github.com/gobwas/httphead", "github.com/gobwas/ws"}},
	{"internal/loopback", nil},
	{"internal/outbox", []string{"awareness", "event", "protocol"}},
	{"worker", []string{"blocks", "event", "internal/clocks", "internal/ids", "internal/mailbox", "internal/pool", "internal/rate", "layer", "protocol", "room", "store"}},

	// An adapter imports its contract and its client library.
	{"layer/layertest", []string{"awareness", "event", "layer", "protocol"}},
	{"layer/memlayer", []string{"layer", "layer/internal/gate"}},
	{"layer/redislayer", []string{
		"layer/buslayer", "layer/internal/busurl", "layer/internal/gate", "layer/internal/reconnect", "layer/link", "github.com/redis/rueidis",
	}},
	{"layer/natslayer", []string{
		"layer/buslayer", "layer/internal/busurl", "layer/internal/reconnect", "layer/link", "github.com/nats-io/nats.go",
	}},
	{"layer/buslayer", []string{"layer", "layer/internal/gate", "layer/link"}},
	{"layer/internal/gate", nil},
	{"layer/internal/busurl", nil},
	{"layer/internal/reconnect", nil},
	{"layer/link", []string{"awareness", "event", "layer", "protocol"}},
	{"layer", []string{"event"}},
	{"store/memstore", []string{"store"}},
	// It keeps its log in the others, and writes whole documents into the table of Django.
	{"store/djangostore", []string{
		"blocks", "internal/ids", "store", "store/pgstore", "store/sqlitestore", "github.com/jackc/pgx/v5/stdlib", "modernc.org/sqlite",
	}},
	{"store/pgstore", []string{
		"store", "store/internal/group", "github.com/jackc/pgx/v5", "github.com/jackc/pgx/v5/pgconn", "github.com/jackc/pgx/v5/pgxpool",
	}},
	{"store/sqlitestore", []string{"store", "store/internal/group", "modernc.org/sqlite", "modernc.org/sqlite/lib"}},
	{"store/storetest", []string{"store"}},
	{"store/internal/group", []string{"store"}},
	{"store", nil},

	{"room", []string{"awareness", "blocks", "event", "internal/weakbytes", "protocol"}},
	{"event", []string{"awareness", "protocol"}},
	{"protocol", []string{"internal/lib0"}},
	{"awareness", []string{"internal/lib0"}},
	{"yjs", []string{"blocks", "internal/clocks", "internal/lib0"}},
	{"blocks", []string{"internal/clocks", "internal/lib0"}},
	{"internal/ids", []string{"internal/clocks", "internal/lib0"}},
	{"internal/clocks", nil},
	{"internal/lib0", nil},
	{"internal/mailbox", nil},
	{"internal/pool", nil},
	{"internal/rate", nil},
	{"internal/weakbytes", nil},
}

// unreachable holds packages that must not be imported, directly or through
// other packages.
var unreachable = map[string][]string{
	"api":            {".", "consumer", "room", "store", "worker"},
	"document":       {"consumer", "room", "store", "worker"},
	"consumer":       {"blocks", "room", "store", "worker", "yjs"},
	"worker":         {"consumer", "yjs"},
	"layer":          {"blocks", "consumer", "room", "store", "worker", "yjs"},
	"layer/memlayer": {"blocks", "consumer", "room", "store", "worker", "yjs"},
	"layer/buslayer": {"blocks", "consumer", "room", "store", "worker", "yjs"},
	"layer/link":     {"blocks", "consumer", "room", "store", "worker", "yjs"},
	"store":          {"blocks"},
	"room":           {"layer", "store", "yjs"},
}

// core packages do no I/O, start no goroutine, log nothing and never read the clock.
var core = []string{"event", "room", "yjs", "protocol", "awareness", "blocks", "internal/clocks", "internal/ids", "internal/lib0", "internal/outbox", "layer/link"}

type goPackage struct {
	Dir        string
	ImportPath string
	GoFiles    []string // without tests
	Imports    []string // of GoFiles
}

// name is the package's path in the module, "." for the root.
func (p goPackage) name() string { return nameOf(p.ImportPath) }

func nameOf(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// imports returns the names of the packages that p imports outside the standard library.
func (p goPackage) imports() (names []string) {
	for _, path := range p.Imports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
			names = append(names, nameOf(path))
		}
	}
	return names
}

// packages returns the packages of the module, except for those that are tests only.
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
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

func TestImports(t *testing.T) {
	rank := map[string]int{}
	for i, row := range wantImports {
		rank[row.name] = i
	}
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := p.name()
		seen[name] = true
		i, ok := rank[name]
		if !ok {
			t.Errorf("package %s has no row in wantImports; it imports %q", name, p.imports())
			continue
		}
		want, got := wantImports[i].imports, p.imports()
		for _, path := range got {
			if !slices.Contains(want, path) {
				t.Errorf("%s imports %s, which is not in its row of wantImports", name, path)
			}
			if j, ok := rank[path]; ok && j <= i {
				t.Errorf("%s imports %s, whose row of wantImports must be further down", name, path)
			}
		}
		for _, path := range want {
			if !slices.Contains(got, path) {
				t.Errorf("%s doesn't import %s: remove it from its row of wantImports", name, path)
			}
		}
	}
	for _, row := range wantImports {
		if !seen[row.name] {
			t.Errorf("there is no package %s: remove its row of wantImports", row.name)
		}
	}
}

func TestUnreachable(t *testing.T) {
	imports := map[string][]string{}
	for _, p := range packages(t) {
		imports[p.name()] = p.imports()
	}
	var follow func(from string, path []string)
	for from, forbidden := range unreachable {
		if _, ok := imports[from]; !ok {
			t.Errorf("there is no package %s: remove its row of unreachable", from)
		}
		seen := map[string]bool{}
		follow = func(name string, path []string) {
			if seen[name] {
				return
			}
			seen[name] = true
			path = append(path, name)
			if slices.Contains(forbidden, name) {
				t.Errorf("%s must not reach %s: %s", from, name, strings.Join(path, " imports "))
			}
			for _, next := range imports[name] {
				follow(next, slices.Clip(path))
			}
		}
		follow(from, nil)
	}
}

func TestCoreIsPure(t *testing.T) {
	io := []string{"log", "net", "os", "syscall", "unsafe"}
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
	checked := 0
	for _, p := range packages(t) {
		if !slices.Contains(core, p.name()) {
			continue
		}
		checked++
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
						t.Errorf("%s reads the clock: time.%s", fset.Position(n.Pos()), n.Sel.Name)
					}
				}
				return true
			})
		}
	}
	if checked != len(core) {
		t.Errorf("%d of the %d packages of core exist", checked, len(core))
	}
}
