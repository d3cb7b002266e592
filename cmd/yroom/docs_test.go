package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

var code = regexp.MustCompile("`([^`]*)`")

// table returns the rows of the table in docs/operations.md whose first column has this
// heading. Of each cell, it returns the text in `code` or, if there is none, the whole
// text.
func table(t *testing.T, head string) (rows [][]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n| "+head+" |")
	if !found {
		t.Fatalf("docs/operations.md has no table of %ss", head)
	}
	return rowsOf(rest)
}

// rowsOf returns the rows of a table. text begins in its heading.
func rowsOf(text string) (rows [][]string) {
	for _, line := range strings.Split(text, "\n")[2:] { // after the heading and the line below it
		if !strings.HasPrefix(line, "|") {
			break
		}
		var row []string
		cells := strings.Split(line, "|")
		for _, cell := range cells[1 : len(cells)-1] {
			if word := code.FindStringSubmatch(cell); word != nil {
				cell = word[1]
			}
			row = append(row, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	return rows
}

// The table of keys says which rooms a row is for.
func TestTableOfRows(t *testing.T) {
	var keys []string
	rows := table(t, "the key")
	for _, row := range rows {
		keys = append(keys, strings.Trim(row[0], `"`))
	}
	rowOf := yroom.RowOf(keys)
	for i, row := range rows {
		if got := rowOf(row[1]); got != keys[i] {
			t.Errorf("the room %s has the row %s, in the table %s", row[1], got, keys[i])
		}
		if got := rowOf(row[2]); row[2] != "" && got == keys[i] {
			t.Errorf("the room %s has the row %s, in the table another", row[2], got)
		}
	}
}

// help returns the text of --help of a command for each flag.
func help(t *testing.T, command string) map[string]string {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "yroom", command, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]string{}
	name := ""
	flag := regexp.MustCompile(`^ +(?:-\w, )?--(\[no-\])?([\w-]+)(.*)`)
	for line := range strings.Lines(string(text)) {
		if m := flag.FindStringSubmatch(line); m != nil {
			name = "--" + m[2]
			line = m[3]
		}
		if name != "" {
			flags[name] += " " + strings.TrimSpace(line)
		}
	}
	delete(flags, "--help")
	delete(flags, "--version")
	return flags
}

// The table of flags has every flag and every key of the file, with its default.
func TestTableOfFlags(t *testing.T) {
	flags := help(t, "serve")
	var rows, keys []string
	for _, row := range table(t, "flag") {
		flag, key, byDefault := row[0], row[1], row[2]
		if key != "" {
			keys = append(keys, key)
		}
		if flag == "" {
			continue
		}
		rows = append(rows, flag)
		text, ok := flags[flag]
		if !ok {
			t.Errorf("there is no flag %s", flag)
		}
		m := regexp.MustCompile(`default: ([\w:./-]*[\w:])`).FindStringSubmatch(text)
		if len(m) > 0 && m[1] != byDefault && byDefault != "see below" {
			t.Errorf("the default of %s is %q, in the table it is %q", flag, m[1], byDefault)
		}
	}
	for flag := range flags {
		if !slices.Contains(rows, flag) {
			t.Errorf("the table lacks %s:%s", flag, flags[flag])
		}
	}
	want := keysOf(reflect.TypeFor[settings]())
	slices.Sort(want)
	slices.Sort(keys)
	if diff := gocmp.Diff(want, keys); diff != "" {
		t.Errorf("keys in yroom.yaml (-there are, +in the table):\n%s", diff)
	}
	shown := shownDefaults(reflect.ValueOf(&defaults).Elem())
	for _, row := range table(t, "flag") {
		if want, ok := shown[row[1]]; ok && row[2] != want && row[2] != "see below" {
			t.Errorf("the default of %s is %q, in the table it is %q", row[1], want, row[2])
		}
	}
}

// shownDefaults returns the defaults of settings by key, as the table shows them.
func shownDefaults(of reflect.Value) map[string]string {
	shown := map[string]string{}
	for field, value := range of.Fields() {
		if field.Anonymous {
			maps.Copy(shown, shownDefaults(value))
			continue
		}
		key := field.Tag.Get("yaml")
		switch v := value.Addr().Interface().(type) {
		case *string:
			shown[key] = cmp.Or(*v, "none")
		case *time.Duration:
			shown[key] = v.String()
		case **bool:
			shown[key] = map[bool]string{false: "no", true: "yes"}[**v]
		case *int:
			shown[key] = strconv.Itoa(*v)
		case *float64:
			shown[key] = fmt.Sprint(*v)
		case *[]string:
			shown[key] = cmp.Or(strings.Join(*v, ","), "none")
		}
	}
	return shown
}

// keysOf returns the keys of a struct in yroom.yaml. Nested keys have the form
// "outer.inner".
func keysOf(of reflect.Type) (keys []string) {
	for field := range of.Fields() {
		name, option, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case name == "-":
		case option == "inline":
			keys = append(keys, keysOf(field.Type)...)
		case field.Type.Kind() == reflect.Struct:
			for _, inner := range keysOf(field.Type) {
				keys = append(keys, name+"."+inner)
			}
		default:
			keys = append(keys, name)
		}
	}
	return keys
}

// The table of keys has every key of a row, with the default in the comment of its
// field.
func TestTableOfKeys(t *testing.T) {
	var keys []string
	told := documentedDefaults(t)
	for _, row := range table(t, "key") {
		key, byDefault := row[0], row[1]
		keys = append(keys, key)
		name := key[strings.LastIndex(key, ".")+1:]
		if want, ok := told[name]; ok && byDefault != want {
			t.Errorf("the default of %s is %q, in the table it is %q", key, want, byDefault)
		} else if !ok && name != "store" && name != "durability" && !strings.HasPrefix(key, "editor.") {
			t.Errorf("the comment of %s states no default", key)
		}
	}
	want := keysOf(reflect.TypeFor[roomSettings]())
	slices.Sort(want)
	slices.Sort(keys)
	if diff := gocmp.Diff(want, keys); diff != "" {
		t.Errorf("keys of a row (-there are, +in the table):\n%s", diff)
	}
}

// documentedDefaults returns the defaults in the comments of yroom.Settings and
// yroom.Limits by key, in the syntax of yroom.yaml.
func documentedDefaults(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../settings.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	one := regexp.MustCompile(`Defaults?:\s+([\w,]+(?: (?:m?s|minutes?|[KM]iB))?)(?:\s+and\s+(\d+ [KM]iB))?`)
	var second string // of two fields that share a comment
	ast.Inspect(file, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok || field.Tag == nil {
			return true
		}
		key := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("yaml")
		if m := one.FindStringSubmatch(field.Doc.Text()); m != nil {
			told[key], second = inFile(m[1]), m[2]
		} else if second != "" {
			told[key], second = inFile(second), ""
		}
		return true
	})
	return told
}

// inFile returns a value in the syntax of yroom.yaml: "16MiB" for "16 MiB", "1m" for "1
// minute" and "4096" for "4,096".
func inFile(words string) string {
	return strings.NewReplacer(" minutes", "m", " minute", "m", ",", "", " ", "").Replace(words)
}

// Each default in the table can be written in the file, where it has the meaning that
// the comment of the field states.
func TestDefaultsCanBeWritten(t *testing.T) {
	for _, row := range table(t, "key") {
		key, byDefault := row[0], row[1]
		quota := strings.HasPrefix(key, "limits.user.") || strings.HasPrefix(key, "limits.address.")
		if key == "store" || quota && byDefault == "none" { // it is left out
			continue
		}
		levels := strings.Split(key, ".")
		line := strings.Join(levels, ": {") + ": " + byDefault + strings.Repeat("}", len(levels)-1)
		if _, err := parseSettings([]byte("rooms:\n  default: {" + line + "}\n")); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for words, want := range map[string]any{"1 minute": time.Minute, "16 MiB": yroom.Bytes(16 << 20), "4,096": 4096} {
		var got any
		var err error
		switch want.(type) {
		case time.Duration:
			got, err = parseDuration(inFile(words))
		case yroom.Bytes:
			got, err = parseSize(inFile(words))
		default:
			got, err = parseCount(inFile(words))
		}
		if err != nil || got != want {
			t.Errorf("%q is read as %v (%v), want %v", words, got, err, want)
		}
	}
}

// Settings files and command lines in the documentation are accepted.
func TestDocumentedSettings(t *testing.T) {
	files, err := markdown.Blocks(os.DirFS("../.."), "yaml")
	if err != nil || len(files) < 2 {
		t.Errorf("%d settings files in the documentation (%v), want more", len(files), err)
	}
	for _, b := range files {
		set, err := parseSettings([]byte(b.Text))
		if err != nil {
			t.Errorf("%s: %v", b, err)
		}
		if isPostgres(set.Store) { // the database of an example doesn't exist
			continue
		}
		t.Chdir(t.TempDir())
		opened, err := openStores(t.Context(), set.or(defaults).Store, set.Rooms, sqlitestore.Config{}, pgstore.Config{})
		if err != nil {
			t.Errorf("%s: %v", b, err)
			continue
		}
		if err := opened.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDocumentedCommands(t *testing.T) {
	blocks, err := markdown.Blocks(os.DirFS("../.."), "sh")
	if err != nil {
		t.Fatal(err)
	}
	flags, seen := map[string]map[string]string{}, 0
	for _, command := range []string{"serve", "consumer", "worker", "version"} {
		flags[command] = help(t, command)
	}
	for _, b := range blocks {
		for line := range strings.Lines(b.Text) {
			command := regexp.MustCompile(`\byroom (serve|consumer|worker|version)\b(.*)`).FindStringSubmatch(line)
			if command == nil {
				continue
			}
			seen++
			for word := range strings.FieldsSeq(command[2]) {
				name, _, _ := strings.Cut(word, "=")
				if _, ok := flags[command[1]][name]; strings.HasPrefix(word, "--") && !ok {
					t.Errorf("%s: there is no flag %s", b, name)
				}
			}
		}
	}
	if seen < 8 {
		t.Errorf("%d command lines in the documentation, want more", seen)
	}
}

// The table of findings has each kind once, in the order in which the code has them.
func TestTableOfFindings(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n| kind of finding |")
	var documented []string
	for _, line := range strings.Split(rest, "\n")[2:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cell, _, _ := strings.Cut(line[1:], "|")
		for _, word := range code.FindAllStringSubmatch(cell, -1) {
			documented = append(documented, word[1])
		}
	}
	slices.Sort(documented)
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(kinds)), documented); diff != "" {
		t.Errorf("documented kinds (-want +got):\n%s", diff)
	}
}
