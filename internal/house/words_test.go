package house

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rule is a word or a phrase that the project's texts don't use. Each pattern
// ignores case, and a space in it stands for any white space.
type rule struct {
	pattern string
	why     string
	except  func(before string) bool // before is the text before the match; nil: no exception
}

var rules = compileRules([]rule{
	{pattern: `shelf|wear|trouble|glance|bury`, why: "say what happens"},
	{pattern: `somebody|nobody`, why: "name the user, the client, the connection or the caller; or say no one"},
	{pattern: `anew`, why: "say again"},
	{pattern: `tells whether`, why: "say reports whether"},
	{pattern: `such is|what comes of it|knows of`, why: "say what the thing is"},
	{pattern: `who`, why: "needs a noun directly before it", except: followsPerson},
	{pattern: `house`, why: "name the project, the module or the repository", except: isPackageHouse},
	{pattern: `dead lines?|(?:the|their|her|his|its|whose|a|one) line (?:broke|breaks|was (?:cut|lost|closed|silent)|is (?:alive|back|closed|cut|down|gone|lost|open|still)|that (?:broke|hangs|was))`, why: "say connection"},
	{pattern: `(?:breaks?|broke|cut|cuts|lose|loses|lost|gives? up|end of|keeps?|opens?) (?:the|a|her|his|their) line(?: open)?|silent line`, why: "say connection"},
})

// persons are the words that a relative "who" may follow.
var persons = strings.Fields(`anybody anyone author authors caller callers client clients contributor contributors
	developer developers editor editors everybody everyone maintainer maintainers operator operators people person
	programmer programmers reader readers receiver reporter sender someone those user users visitor visitors writer writers`)

var (
	lastWord = regexp.MustCompile(`\w+,?\s+$`)
	noOne    = regexp.MustCompile(`(?i)\bno one\s+$`)
)

func followsPerson(before string) bool {
	word := strings.TrimRight(lastWord.FindString(before), ", \t\n")
	return slices.Contains(persons, strings.ToLower(word)) || noOne.MatchString(before)
}

func isPackageHouse(before string) bool {
	return strings.HasSuffix(before, "internal/") || strings.HasSuffix(strings.ToLower(before), "package ")
}

type compiledRule struct {
	rule
	expression *regexp.Regexp
}

func compileRules(rules []rule) (compiled []compiledRule) {
	for _, r := range rules {
		pattern := strings.ReplaceAll(r.pattern, " ", `\s+`)
		compiled = append(compiled, compiledRule{r, regexp.MustCompile(`(?i)\b(?:` + pattern + `)\b`)})
	}
	return compiled
}

// finding is a place where a rule matches.
type finding struct {
	line int
	text string
	why  string
}

// findWords applies the rules to a text in which everything except prose is masked.
func findWords(prose string) (found []finding) {
	for _, r := range rules {
		for _, match := range r.expression.FindAllStringIndex(prose, -1) {
			before, text := prose[:match[0]], prose[match[0]:match[1]]
			if r.except != nil && r.except(before) {
				continue
			}
			found = append(found, finding{1 + strings.Count(before, "\n"), strings.Join(strings.Fields(text), " "), r.why})
		}
	}
	slices.SortStableFunc(found, func(a, b finding) int { return a.line - b.line })
	return found
}

func TestWords(t *testing.T) {
	for _, name := range texts(t) {
		findings, err := read(name)
		if err != nil {
			t.Error(err)
		}
		for _, f := range findings {
			t.Errorf("%s:%d: %q: %s", name, f.line, f.text, f.why)
		}
	}
}

// texts returns the names of the repository's files that hold prose.
func texts(t *testing.T) (names []string) {
	t.Helper()
	skipped := strings.Fields(".git .venv bin dist node_modules rapid fuzz screenshots site")
	kinds := strings.Fields(".go .md .html .js .mjs .css .yml .yaml .txtar .txt")
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder, base := path.Split(name)
		switch {
		case entry.IsDir():
			if slices.Contains(skipped, base) {
				return fs.SkipDir
			}
		case name == "internal/house/words_test.go": // holds the words
		case slices.Contains(kinds, path.Ext(base)), slices.Contains([]string{"Makefile", "Dockerfile"}, base),
			folder == "scripts/", folder == ".ci/":
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 300 {
		t.Errorf("found only %d files", len(names))
	}
	return names
}

// read returns what breaks a rule in a file and in its name.
func read(name string) ([]finding, error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	found := findWords(words(path.Base(name)))
	if path.Ext(name) != ".go" {
		prose := lineMark.ReplaceAllStringFunc(string(source), blank)
		return append(found, findWords(escape.ReplaceAllString(prose, "  "))...), nil
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, id := range declared(parsed) {
		for _, f := range findWords(words(id.Name)) {
			f.line = fset.Position(id.Pos()).Line
			found = append(found, f)
		}
	}
	return append(found, findWords(goProse(source))...), nil
}

// lineMark matches what begins a line of a comment or of a quotation.
var lineMark = regexp.MustCompile(`(?m)^[ \t]*(?://+|#+|/\*|\*|>)`)

// blank returns as many spaces as text has bytes.
func blank(text string) string { return strings.Repeat(" ", len(text)) }

// goProse returns Go source with each byte in its place, but everything that is
// neither a comment nor a string masked.
func goProse(source []byte) string {
	prose := []byte(nil)
	for _, b := range source {
		if b > ' ' {
			b = ';'
		}
		prose = append(prose, b)
	}
	file := token.NewFileSet().AddFile("", -1, len(source))
	var scan scanner.Scanner
	scan.Init(file, source, nil, scanner.ScanComments)
	for {
		switch pos, kind, text := scan.Scan(); kind {
		case token.EOF:
			return string(prose)
		case token.COMMENT:
			copy(prose[file.Offset(pos):], lineMark.ReplaceAllStringFunc(text, blank))
		case token.STRING:
			copy(prose[file.Offset(pos):], escape.ReplaceAllString(text, "  "))
		default:
		}
	}
}

var escape = regexp.MustCompile(`\\[nrt]`)

// declared returns the names that a file declares.
func declared(file *ast.File) (names []*ast.Ident) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = append(names, n.Name)
		case *ast.TypeSpec:
			names = append(names, n.Name)
		case *ast.ValueSpec:
			names = append(names, n.Names...)
		case *ast.Field:
			names = append(names, n.Names...)
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok && n.Tok == token.DEFINE {
					names = append(names, id)
				}
			}
		}
		return true
	})
	return names
}

var (
	capital   = regexp.MustCompile(`[A-Z]`)
	separator = regexp.MustCompile(`[^A-Za-z]+`)
)

// words returns the words of a name such as newHandler or new_handler.go.
func words(name string) string {
	return capital.ReplaceAllString(separator.ReplaceAllString(name, " "), " $0")
}

func TestWordsAreFound(t *testing.T) {
	for text, want := range map[string][]string{
		"A client\nwho leaves. People, who stay, and those who\tcome.": nil,
		"No one who reads":                    nil,
		"Who":                                 {"Who"},
		"ask\nwho is here":                    {"who"},
		"Nobody is anew":                      {"Nobody", "anew"},
		"swear by it":                         nil,
		"internal/house, not a house":         {"house"},
		"The\nline broke, on a line of text.": {"The line broke"},
		"it gives up the line":                {"gives up the line"},
	} {
		var got []string
		for _, f := range findWords(text) {
			got = append(got, f.text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: found %q, want %q", text, got, want)
		}
	}
	source := "package a\n\n// A reader\n// who\nvar who = \"é who\" // is who\n"
	if got, want := goProse([]byte(source)), ";;;;;;; ;\n\n   A reader\n   who\n;;; ;;; ; \"é who\"    is who\n"; got != want {
		t.Errorf("the prose of %q is %q, want %q", source, got, want)
	}
	for _, name := range []string{"who", "askWho", "ask_who.go", "WhoAsks"} {
		if found := findWords(words(name)); len(found) != 1 {
			t.Errorf("found %v in the name %s, want one finding", found, name)
		}
	}
}
