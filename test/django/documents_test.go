package django

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// A document of the Python worker is taken along to yroom, and back, as docs/django.md says.
func TestDocuments(t *testing.T) {
	t.Parallel()
	testkit.File(t, python, "make tools installs Django")
	interpreter, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	site, err := filepath.Abs("site")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	store, database := "sqlite:"+filepath.Join(folder, "documents.db"), "DATABASE="+filepath.Join(folder, "django.db")
	run := func(input, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Stdin = folder, strings.NewReader(input)
		cmd.Env = append(cmd.Environ(), "DJANGO_SETTINGS_MODULE=notes.settings", "PYTHONPATH="+site, "REDIS=redis://unused", database)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	run("", interpreter, "-m", "django", "migrate", "--run-syncdb")
	_, _, exports, imports := blocks(t)
	room, length := testkit.Unique("room."), 0
	// write lets a person write in the room, and ends the deployment.
	write := func(o options, text string) {
		t.Helper()
		o.layer, o.server, o.room, o.extra, o.store = "core", "daphne", room, []string{database}, store
		s := start(t, o)
		s.open(t, 0, "ada")
		s.must(t, "converge", "names", []string{"ada"}, "length", length)
		s.must(t, "insert", "name", "ada", "at", length, "text", text)
		length += len(text)
		s.open(t, 0, "bob")
		s.must(t, "converge", "names", []string{"ada", "bob"}, "length", length)
		s.must(t, "leave")
		s.django[0].Stop(t)
		s.worker.Stop(t)
	}
	write(options{python: true}, "Python, ")
	run(exports, interpreter, "-m", "django", "shell")
	first := start(t, options{layer: "core", server: "daphne", store: store}) // it creates the file
	testkit.Eventually(t, "the store is there", func() string {
		out, err := exec.CommandContext(t.Context(), program, "room", "list", "--store", store).CombinedOutput()
		if err != nil {
			return string(out)
		}
		return ""
	})
	run("", program, "room", "import", "--updates", "documents", "--store", store)
	first.worker.Stop(t)
	write(options{}, "yroom, ")
	run("", program, "room", "export", "--all", "exported", "--store", store)
	run(imports, interpreter, "-m", "django", "shell")
	write(options{python: true}, "Python")
}
