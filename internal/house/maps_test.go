package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mapped matches a file of the same folder in a package comment, or the pattern of
// several, such as update_*.go.
var mapped = regexp.MustCompile(`(?:^|[^\w/.*])([a-z0-9_]+\*?\.go)\b`)

// A package comment that lists files lists all of them, and no others. Files of tests
// count if the package has no other files.
func TestMaps(t *testing.T) {
	maps := 0
	for folder, files := range goFiles(t) {
		comment := packageComment(t, folder, files)
		if !strings.Contains(comment, "- ") || !mapped.MatchString(comment) {
			continue
		}
		maps++
		tests := func(name string) bool { return strings.HasSuffix(name, "_test.go") }
		wanted := slices.DeleteFunc(slices.Clone(files), tests)
		if len(wanted) == 0 {
			wanted = files
		}
		var patterns []string
		for _, match := range mapped.FindAllStringSubmatch(comment, -1) {
			patterns = append(patterns, match[1])
		}
		for _, pattern := range patterns {
			if !slices.ContainsFunc(files, func(name string) bool { return matches(pattern, name) }) {
				t.Errorf("the comment of %s names %s, which doesn't exist", folder, pattern)
			}
		}
		for _, name := range wanted {
			if name != "doc.go" && !slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, name) }) {
				t.Errorf("the comment of %s doesn't name %s", folder, name)
			}
		}
	}
	if maps < 12 {
		t.Errorf("%d packages list their files: too few", maps)
	}
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// goFiles returns the names of the Go files in each folder of the repository.
func goFiles(t *testing.T) map[string][]string {
	t.Helper()
	skipped := strings.Fields(".git .venv bin dist node_modules testdata")
	all := make(map[string][]string)
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(skipped, path.Base(name)):
			return fs.SkipDir
		case path.Ext(name) == ".go":
			folder, base := path.Split(name)
			all[folder] = append(all[folder], base)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// packageComment returns the comments above the package clauses of files.
func packageComment(t *testing.T, folder string, files []string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), folder+name, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(parsed.Doc.Text())
	}
	return text.String()
}
