package django

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/redis"
)

// examples/django goes from the worker of channels-yroom to that of yroom, and back, as its
// README says.
func TestExample(t *testing.T) {
	t.Parallel()
	testkit.RequireNode(t, "..", "yjs")
	testkit.File(t, python, "make tools installs Django")
	interpreter, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../../examples/django/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(theirs)) {
		if !strings.Contains(string(mine), line) {
			t.Errorf("the example needs %s, with which it is not tested", line)
		}
	}
	const folder = "../../examples/django"
	server := redis.Start(t, redis.Options{})
	variables := []string{"DATABASE=" + filepath.Join(t.TempDir(), "db.sqlite3"), "REDIS=" + server.URL()}
	run := func(input string, args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), interpreter, append([]string{"manage.py"}, args...)...)
		cmd.Dir, cmd.Env, cmd.Stdin = folder, append(os.Environ(), variables...), strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return out
	}
	start := func(args ...string) *daemon.Daemon {
		return daemon.Start(t, "/usr/bin/env", append(append([]string{"-C", folder}, variables...), append([]string{interpreter, "manage.py"}, args...)...)...)
	}
	run("", "migrate", "--verbosity", "0")
	s := &site{ports: []int{daemon.FreePort(t)}, room: "hello"}
	start("runserver", "--noreload", "--verbosity", "0", strconv.Itoa(s.ports[0]))
	s.await(t, 0)
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/hello/", s.ports[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if page, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(page), `data-note="hello"`) {
		t.Errorf("the page is %s (%v)", page, err)
	}
	s.people = testkit.StartNode(t, "people.mjs")
	length, origin := 0, fmt.Sprintf("http://127.0.0.1:%d", s.ports[0]) // as a page of the project has it
	write := func(text string) {
		t.Helper()
		s.open(t, 0, "ada", "origin", origin)
		s.must(t, "converge", "names", []string{"ada"}, "length", length)
		s.must(t, "insert", "name", "ada", "at", length, "text", text)
		length += len(text)
		s.open(t, 0, "bob", "origin", origin)
		s.must(t, "converge", "names", []string{"ada", "bob"}, "length", length)
		s.must(t, "leave")
	}
	worker := start("yroom")
	write("Python, ")
	worker.Stop(t)

	script, err := os.ReadFile(folder + "/yroom_settings.py")
	if err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(t.TempDir(), "yroom.yaml")
	if err := os.WriteFile(settings, run(string(script), "shell", "--verbosity", "0"), 0o600); err != nil {
		t.Fatal(err)
	}
	worker = daemon.Start(t, program, "worker", "--config", settings)
	write("yroom, ")
	worker.Stop(t)

	start("yroom")
	write("Python")
}
