package main

import (
	"bufio"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts the command in PATH: it is the test binary under another name,
// so the race detector covers it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"yroom": main})
}

// A document that yjs made, and an update to it, in base64. The tests of package
// api say what it holds.
const (
	docV1  = "AQwFAAQBBXRpdGxlBkhlbGxvIIYFBQRib2xkBHRydWWEBQYFd29ybGSGBQsEYm9sZARudWxsCAEEbGlzdAN9AXcDPGE+figBBGZvcm0EbmFtZQF3A0FkYQcBC3Byb3NlbWlycm9yAwlwYXJhZ3JhcGgHAAURBgQABRICSGkHAQRwYWdlBgQABRUCeW8BAQRnb25lAQEFARgB"
	docV2  = "AAMAAwACRQUGCgIKDAIGABUEAIYAhACGAAgAKAAHAQQABwAEAAFRRHRpdGxlSGVsbG8gYm9sZHdvcmxkYm9sZGxpc3Rmb3JtbmFtZXByb3NlbWlycm9ycGFyYWdyYXBoSGlwYWdleW9nb25lBQYEBUQCCwkCBAIECQEDAAEBAAAAAQMDRgADA0EAAQwAeH59AXcDPGE+fncDQWRhAQUBGAA="
	moreV1 = "AQEFGUQFAAEhAQUBGAE="
)

// Scripts find a document of yjs in notes.update and notes.v2, an update to it in
// more.update, and a token in yroom.token. The command serve starts a server of
// the API with these arguments, whose address is then in $URL. Unless a script says
// otherwise, a command would listen on a free port, because a developer's server may have
// the default one.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("YROOM_LISTEN", "127.0.0.1:0")
			return writeNotes(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"serve": scriptedServe},
	})
}

func writeNotes(dir string) error {
	for name, text := range map[string]string{"notes.update": docV1, "notes.v2": docV2, "more.update": moreV1} {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "yroom.token"), []byte(theToken), 0o600)
}

func scriptedServe(ts *testscript.TestScript, _ bool, args []string) {
	server := exec.Command("yroom", append([]string{"serve", "--listen", "127.0.0.1:0", "--api-token-file", "yroom.token"}, args...)...)
	server.Dir = ts.Getenv("WORK")
	stdout, err := server.StdoutPipe()
	ts.Check(err)
	ts.Check(server.Start())
	ts.Defer(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	for word := range strings.FieldsSeq(line) {
		if strings.HasPrefix(word, "http://") {
			ts.Setenv("URL", strings.TrimSuffix(word, "/"))
		}
	}
}

func TestModuleVersion(t *testing.T) {
	for version, want := range map[string]string{
		"":        "devel",
		"(devel)": "devel",
		"v0.1.0":  "v0.1.0", // go install …@v0.1.0
	} {
		if got := moduleVersion(&debug.BuildInfo{Main: debug.Module{Version: version}}); got != want {
			t.Errorf("the version of a module %q is %q, want %q", version, got, want)
		}
	}
	if got := moduleVersion(nil); got != "devel" {
		t.Errorf("the version without build information is %q, want devel", got)
	}
}
