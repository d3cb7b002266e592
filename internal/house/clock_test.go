package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// wallClock holds the files that take the time of day out of a time.Time, each with the
// reason why no duration is measured with it.
var wallClock = map[string]string{
	"api/list.go":                       "times in a list of rooms",
	"cmd/yroom/history.go":              "the moments of samples, which all processes share",
	"cmd/yroom/page_rooms.go":           "times on a page",
	"examples/login/session.go":         "the end of a session, in a cookie",
	"layer/djangolayer/core.go":         "when a message was sent, in Redis",
	"layer/djangolayer/fernet.go":       "when a message was encrypted, in its token",
	"layer/djangolayer/groups.go":       "when a channel was added to a group, in Redis",
	"layer/layertest/deliver.go":        "times in a Response, compared",
	"layer/link/code_output.go":         "times in a Response, on the wire",
	"store/djangostore/sweep.go":        "when an entry and a row were stored",
	"store/djangostore/table.go":        "when a row was stored",
	"store/memstore/memstore.go":        "when an entry was stored",
	"store/pgstore/inspect.go":          "when an entry was stored",
	"store/pgstore/list.go":             "when an entry was stored",
	"store/pgstore/load.go":             "when an entry was stored",
	"store/pgstore/notices.go":          "times of the database",
	"store/sqlitestore/notices.go":      "when a notice is due, in the file",
	"store/sqlitestore/others.go":       "when a process has opened a file, for operators",
	"store/sqlitestore/writer_apply.go": "when an entry was stored",
	"webhook/attempt.go":                "when a request was sent, in its header",
	"webhook/receive.go":                "when a request was sent, from its header",
	"webhook/secret.go":                 "when a request was sent, in its signature",
}

// A time.Time of time.Now has a reading of the monotonic clock, which Sub, Since and
// Before use. These methods drop it, and a duration between two times without it is
// wrong by as much as the system's clock was set meanwhile. So only the files above may
// call them.
func TestMonotonicTime(t *testing.T) {
	drops := []string{"Unix", "UnixMilli", "UnixMicro", "UnixNano", "UTC", "Local", "Truncate", "Round"}
	used := map[string]bool{}
	for folder, files := range goFiles(t) {
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(folder, "internal/testkit/") || strings.HasPrefix(folder, "bench/") {
				continue
			}
			file := path.Join(folder, name)
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				method, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || !slices.Contains(drops, method.Sel.Name) || roundsDuration(method) {
					return true
				}
				used[file] = true
				if wallClock[file] == "" {
					t.Errorf("%s: %s drops the reading of the monotonic clock; if no duration is measured with the result, add the file to wallClock",
						set.Position(n.Pos()), method.Sel.Name)
				}
				return true
			})
		}
	}
	for file := range wallClock {
		if !used[file] {
			t.Errorf("wallClock has %s, which takes the time of day nowhere", file)
		}
	}
}

// roundsDuration reports whether the call is Round or Truncate of the Duration that
// time.Since has returned.
func roundsDuration(method *ast.SelectorExpr) bool {
	inner, ok := method.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	since, ok := inner.Fun.(*ast.SelectorExpr)
	return ok && since.Sel.Name == "Since"
}
