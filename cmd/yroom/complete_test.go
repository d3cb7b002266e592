package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	gocmp "github.com/google/go-cmp/cmp"
)

// program returns the program as kong describes it.
func program(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := kong.New(new(commands), kong.Name("yroom"), kong.Description("A server."))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestComplete(t *testing.T) {
	for line, want := range map[string][]string{
		"ser":                          {"serve"},
		"comp":                         {"completion"}, // the other one is hidden
		"room ex":                      {"export", "expel"},
		"room --st":                    {"--store"},
		"serve --log":                  {"--log-format", "--log-level"},
		"serve --log-level ":           {"debug", "info", "warn", "error"},
		"serve --log-level w":          {"warn"},
		"serve --log-level=w":          {"--log-level=warn"},
		"serve --no":                   {"--no-open"},
		"serve --open --log-f":         {"--log-format"},
		"serve --store room --log-f":   {"--log-format"},
		"serve --store=room --log-f":   {"--log-format"},
		"serve --store ":               nil,
		"serve --store=":               nil,
		"serve --nothing=":             nil,
		"room export notes -o ":        nil,
		"room export notes -o a --fo":  {"--format"},
		"room --store x export --enco": nil,
		"room --store x import --enco": {"--encoding"},
		"room import --encoding ":      {"v1", "v2"},
		"room export -- --fo":          nil,
		"room access hid":              {"hidden", "hidden-write"},
		"room access hidden ":          nil,
		"doctor a b ":                  nil,
		"nothing s":                    {"serve"}, // kong refuses the line, and names the word
	} {
		var got []string
		for _, s := range complete(program(t).Node, strings.Split(line, " ")) {
			got = append(got, s.text)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("yroom %s (-want, +got):\n%s", line, diff)
		}
	}
}

// Each command and each flag is suggested.
func TestCompleteEverything(t *testing.T) {
	suggests := func(node *kong.Node, text string) bool {
		words := strings.Fields(node.FullPath() + " " + text)[1:]
		return slices.ContainsFunc(complete(program(t).Node, words), func(s suggestion) bool { return s.text == text && s.help != "" })
	}
	seen := 0
	var visit func(node *kong.Node)
	visit = func(node *kong.Node) {
		for _, flag := range node.Flags {
			seen++
			if !suggests(node, "--"+flag.Name) {
				t.Errorf("%s: --%s is not suggested", node.FullPath(), flag.Name)
			}
		}
		for _, child := range node.Children {
			seen++
			if suggests(node, child.Name) == child.Hidden {
				t.Errorf("%s: %s is suggested, or hidden: %v", node.FullPath(), child.Name, child.Hidden)
			}
			visit(child)
		}
	}
	visit(program(t).Node)
	if seen < 100 {
		t.Errorf("there are only %d commands and flags", seen)
	}
}

// The help of a flag or an argument names the values that are suggested for it.
func TestSuggestedValues(t *testing.T) {
	seen := 0
	for _, command := range program(t).Leaves(true) {
		for _, value := range append(command.Values(), command.Parent.Values()...) {
			for _, s := range valuesOf(value, "") {
				seen++
				if words := strings.FieldsFunc(value.Help, func(r rune) bool { return strings.ContainsRune(" ,:.()", r) }); !slices.Contains(words, s.text) {
					t.Errorf("%s: the help of %s doesn't name %s: %s", command.FullPath(), value.Name, s.text, value.Help)
				}
			}
		}
	}
	if seen < 40 {
		t.Errorf("there are only %d values", seen)
	}
}
