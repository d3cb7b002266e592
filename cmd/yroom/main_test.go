package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts the command in PATH: it is the test binary under another name,
// so that the race detector looks on.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"yroom": main})
}

func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true})
}
