package yroom_test

import (
	"os"
	"strings"
	"testing"
)

// The ten lines of the README are examples/hello, which is compiled.
func TestReadmeShowsHello(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	hello, err := os.ReadFile("examples/hello/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, ok := strings.Cut(string(hello), "\npackage main\n")
	if !ok {
		t.Fatal("examples/hello has no package main")
	}
	if want := "```go\npackage main\n" + program + "```\n"; !strings.Contains(string(readme), want) {
		t.Errorf("the README doesn't show this program:\n%s", want)
	}
}
