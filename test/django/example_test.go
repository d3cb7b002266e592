package django

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/redis"
)

const exampleFolder = "../../examples/django"

// example is the project in examples/django, while it runs.
type example struct {
	*site

	interpreter string
	database    string
	variables   []string
	port        int               // at which its page is
	cookies     map[string]string // of users
	length      int               // of the text in the room
}

// users are those of the example: Ada may write, and Bob may only read.
const users = `from django.contrib.auth.models import User
User.objects.create_superuser("ada", password="engine")
User.objects.create_user("bob", password="builder")
`

// startExample starts the project without a worker.
func startExample(t *testing.T) *example {
	t.Helper()
	testkit.RequireNode(t, "..", "yjs")
	testkit.File(t, python, "make tools installs Django")
	interpreter, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	e := &example{site: &site{redis: redis.Start(t, redis.Options{}), ports: []int{daemon.FreePort(t)}, room: "note.hello"}, interpreter: interpreter, database: filepath.Join(t.TempDir(), "db.sqlite3"), cookies: make(map[string]string)}
	e.port = e.ports[0]
	e.variables = []string{"DATABASE=" + e.database, "REDIS=" + e.redis.URL()}
	e.manage(t, "", "migrate", "--verbosity", "0")
	e.manage(t, users, "shell", "--verbosity", "0")
	e.start(t, "runserver", "--noreload", "--verbosity", "0", strconv.Itoa(e.port))
	e.await(t, 0)
	e.people = testkit.StartNode(t, "people.mjs")
	return e
}

// manage runs a command of the project, and returns what it prints.
func (e *example) manage(t *testing.T, input string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), e.interpreter, append([]string{"manage.py"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = exampleFolder, append(os.Environ(), e.variables...), strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return out
}

// start starts a command of the project.
func (e *example) start(t *testing.T, args ...string) *daemon.Daemon {
	t.Helper()
	return daemon.Start(t, "/usr/bin/env", append(append([]string{"-C", exampleFolder}, e.variables...), append([]string{e.interpreter, "manage.py"}, args...)...)...)
}

// file returns a file of the project.
func (e *example) file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(exampleFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (e *example) origin() string { return fmt.Sprintf("http://127.0.0.1:%d", e.port) }

// logIn logs a user in, and returns the page that the user sees then.
func (e *example) logIn(t *testing.T, user, password string) (page string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	origin, err := url.Parse(e.origin())
	if err != nil {
		t.Fatal(err)
	}
	cookie := func(name string) string {
		for _, c := range jar.Cookies(origin) {
			if c.Name == name {
				return c.Value
			}
		}
		t.Fatalf("%s has no cookie %s", user, name)
		return ""
	}
	client := &http.Client{Jar: jar, Timeout: testkit.Patience}
	read := func(response *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", response.Status, err)
		}
		return string(body)
	}
	read(client.Get(e.origin() + "/hello/"))
	page = read(client.PostForm(e.origin()+"/login/", url.Values{"username": {user}, "password": {password}, "csrfmiddlewaretoken": {cookie("csrftoken")}}))
	e.cookies[user] = "sessionid=" + cookie("sessionid")
	return page
}

// where returns the options of a person who opens the room with the cookies of a user.
func (e *example) where(name, user string) []any {
	return []any{"name", name, "url", fmt.Sprintf("ws://127.0.0.1:%d/ws", e.port), "room", e.room, "origin", e.origin(), "headers", map[string]string{"Cookie": e.cookies[user]}}
}

// write lets Ada write behind what was written before, and Bob read it. If the rights of users
// are enforced, no user sees what Bob writes then.
func (e *example) write(t *testing.T, text string, enforced bool) {
	t.Helper()
	e.must(t, "open", e.where("ada", "ada")...)
	e.must(t, "converge", "names", []string{"ada"}, "length", e.length)
	e.must(t, "insert", "name", "ada", "at", e.length, "text", text)
	e.length += len(text)
	e.must(t, "open", e.where("bob", "bob")...)
	e.must(t, "converge", "names", []string{"ada", "bob"}, "length", e.length)
	if enforced {
		e.must(t, "insert", "name", "bob", "text", "forbidden")
		e.must(t, "close", "name", "bob")
		e.must(t, "sees", "name", "ada", "count", 1) // so what Bob has sent was handled
		e.must(t, "open", e.where("eve", "ada")...)
		e.must(t, "converge", "names", []string{"ada", "eve"}, "length", e.length)
	}
	e.must(t, "leave")
}

// refuses fails the test unless a person who has not logged in is refused with a status.
func (e *example) refuses(t *testing.T, status int) {
	t.Helper()
	if got, want := e.ask(t, "refused", e.where("anonymous", "")...), fmt.Sprint("Unexpected server response: ", status); got != want {
		t.Errorf("a person who has not logged in: %v, want %q", got, want)
	}
}

// examples/django goes from the worker of channels-yroom to that of yroom, and back, and to yroom
// serve, as its README says.
func TestExample(t *testing.T) {
	t.Parallel()
	mine, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	e := startExample(t)
	for line := range strings.Lines(e.file(t, "requirements.txt")) {
		if !strings.Contains(string(mine), line) {
			t.Errorf("the example needs %s, with which it is not tested", line)
		}
	}
	if page := e.logIn(t, "ada", "engine"); !strings.Contains(page, `data-note="hello"`) {
		t.Errorf("the page is %s", page)
	}
	e.logIn(t, "bob", "builder")

	worker := e.start(t, "yroom")
	e.write(t, "Python, ", false)
	e.refuses(t, http.StatusForbidden)
	worker.Stop(t)

	settings := filepath.Join(t.TempDir(), "yroom.yaml")
	if err := os.WriteFile(settings, e.manage(t, e.file(t, "yroom_settings.py"), "shell", "--verbosity", "0"), 0o600); err != nil {
		t.Fatal(err)
	}
	worker = daemon.Start(t, program, "worker", "--config", settings)
	e.write(t, "yroom, ", true)
	t.Run("page", e.page)
	worker.Stop(t)

	worker = e.start(t, "yroom")
	e.write(t, "Python, ", false)
	worker.Stop(t)

	t.Run("without the channel layer", e.serve)
}

// page lets two people write in the page in Chromium.
func (e *example) page(t *testing.T) {
	testkit.RequireNode(t, "..", "playwright-core")
	testkit.File(t, exampleFolder+"/page/dist/editor.js", "run make demos")
	chromium := testkit.Chromium(t)
	if said := testkit.RunNode(t, 2*time.Minute, nil, "page.mjs", e.origin(), chromium); len(said) > 0 {
		t.Errorf("page.mjs has printed %s", said)
	}
}

// serve lets yroom serve take the connections, with the documents of the workers.
func (e *example) serve(t *testing.T) {
	caddy := testkit.Program(t, "caddy", "apt-get install caddy")
	e.port = daemon.FreePort(t)
	moved := func(text string, oldNew ...string) string {
		for i := 0; i < len(oldNew); i += 2 {
			if !strings.Contains(text, oldNew[i]) {
				t.Fatalf("there is no %q in\n%s", oldNew[i], text)
			}
		}
		return strings.NewReplacer(oldNew...).Replace(text)
	}
	address, django := fmt.Sprint("127.0.0.1:", e.port), fmt.Sprint("127.0.0.1:", e.ports[0])
	_, command, _ := strings.Cut(e.file(t, "README.md"), "\nyroom serve ")
	command, _, _ = strings.Cut(command, "\n")
	dir := t.TempDir()
	args := strings.Fields(moved(command, "127.0.0.1:8080", address, "127.0.0.1:8081", django, "db.sqlite3", e.database))
	server := testkit.Serve(t, program, dir, args...)
	config := filepath.Join(dir, "Caddyfile")
	text := "{\n\tadmin off\n}\n" + moved(e.file(t, "Caddyfile"), "127.0.0.1:8080", address, "127.0.0.1:8081", django, "127.0.0.1:8000", server.Host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon.Start(t, "/usr/bin/env", "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir, caddy, "run", "--config", config, "--adapter", "caddyfile")
	var response *http.Response
	testkit.Eventually(t, "Caddy serves", func() (missing string) {
		var err error
		if response, err = http.Get(e.origin() + "/room-access"); err != nil {
			return err.Error()
		}
		response.Body.Close()
		return ""
	})
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("the view that yroom asks is open to everyone: %s", response.Status)
	}
	e.logIn(t, "ada", "engine")
	e.write(t, "served", true)
	e.refuses(t, http.StatusUnauthorized)
	server.Stop(t)

	// With the channel layer, it is the worker of Django, too.
	server = testkit.Serve(t, program, dir, append(args, "--layer", "django+"+e.redis.URL())...)
	e.must(t, "open", append(e.where("ada", "ada"), "url", "ws://"+django+"/ws")...)
	e.must(t, "open", append(e.where("bob", "bob"), "url", "ws://"+server.Host+"/ws")...)
	e.must(t, "insert", "name", "ada", "text", "!")
	e.must(t, "converge", "names", []string{"ada", "bob"}, "length", e.length+1)
	e.must(t, "leave")
	server.Stop(t)
}
