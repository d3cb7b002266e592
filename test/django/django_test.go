// Package django tests a worker behind real Django processes: channels-yroom on channels_redis,
// served by daphne and by uvicorn.
package django

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/redis"
)

const python = ".venv/bin/python"

var program string

func TestMain(m *testing.M) {
	flag.Parse()
	testkit.MainWithProgram(m, &program)
}

// blocks returns the blocks in Python of docs/django.md: a module with a consumer, and a method of
// one.
func blocks(t *testing.T) (consumer, method string) {
	t.Helper()
	var texts []string
	all, err := markdown.Blocks(os.DirFS("../.."), "python")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all {
		if b.File == "docs/django.md" {
			texts = append(texts, b.Text)
		}
	}
	if len(texts) != 2 {
		t.Fatalf("docs/django.md has %d blocks in Python, want 2", len(texts))
	}
	return texts[0], texts[1]
}

// documented returns a folder with a module of the consumers in docs/django.md.
func documented(t *testing.T) (folder string) {
	t.Helper()
	consumer, method := blocks(t)
	module := consumer + "\n\nclass Closing(Consumer):\n    " + strings.ReplaceAll(method, "\n", "\n    ") + "\n"
	folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "documented.py"), []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// site is a deployment: Redis, a worker, Django processes and people.
type site struct {
	redis  *redis.Server
	django []*daemon.Daemon
	ports  []int
	worker *daemon.Daemon
	work   func(python bool) // starts a worker, that of channels-yroom or of yroom, after the one before has ended
	people *testkit.Node
	room   string
	trust  []string // the variable that names the authority of Redis to programs
}

type options struct {
	layer  string // core or pubsub
	server string // daphne or uvicorn
	django int    // how many processes; 0 stands for 1
	hosts  int    // how many hosts of Redis; 0 stands for 1
	master bool   // Redis is a master that a Sentinel watches
	tls    bool   // Redis has a certificate that only an authority of its own has signed
	keys   []string
	python bool     // the worker is that of channels-yroom
	room   string   // empty: a new one
	store  string   // of the worker of yroom; empty: a new one
	params string   // further parameters of the worker's layer
	extra  []string // further variables
}

// startRedis starts Redis, and returns the addresses of its hosts.
func (s *site) startRedis(t *testing.T, o options) (hosts []string) {
	t.Helper()
	switch {
	case o.master:
		r := redis.StartReplicated(t)
		s.redis = r.Master
		return []string{r.URL()}
	case o.tls:
		certificate := testkit.NewCertificate(t)
		s.redis, s.trust = redis.Start(t, redis.Options{TLS: certificate}), []string{"SSL_CERT_FILE=" + certificate.CertFile}
	default:
		s.redis = redis.Start(t, redis.Options{})
	}
	hosts = []string{s.redis.URL()}
	for range o.hosts - 1 {
		hosts = append(hosts, redis.Start(t, redis.Options{}).URL())
	}
	return hosts
}

func start(t *testing.T, o options) *site {
	t.Helper()
	testkit.RequireNode(t, "..", "yjs")
	testkit.File(t, python, "make tools installs Django")
	interpreter, err := filepath.Abs(python)
	if err != nil {
		t.Fatal(err)
	}
	project, err := filepath.Abs("site")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{room: cmp.Or(o.room, testkit.Unique("room"))}
	hosts, parameters := s.startRedis(t, o), "?type="+o.layer+o.params
	address := "django+" + hosts[0]
	for _, host := range hosts[1:] {
		address += "," + strings.TrimPrefix(host, "redis://")
	}
	variables := append([]string{
		"PYTHONPATH=" + documented(t) + ":" + project, "DJANGO_SETTINGS_MODULE=notes.settings", "LAYER=" + o.layer, "REDIS=" + strings.Join(hosts, " "), "KEYS=" + strings.Join(o.keys, ","),
	}, o.extra...)
	variables = append(append(variables, s.trust...), interpreter)
	run := func(args ...string) *daemon.Daemon {
		return daemon.Start(t, "/usr/bin/env", append(slices.Clip(variables), args...)...)
	}
	for range max(o.django, 1) {
		port := daemon.FreePort(t)
		s.ports = append(s.ports, port)
		if o.server == "uvicorn" {
			s.django = append(s.django, run("-m", "uvicorn", "--log-level", "warning", "--ws", "websockets", "--port", strconv.Itoa(port), "notes.asgi:application"))
		} else {
			s.django = append(s.django, run("-m", "daphne", "--verbosity", "0", "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "notes.asgi:application"))
		}
	}
	s.work = func(python bool) {
		t.Helper()
		if python {
			s.worker = run("-m", "django", "yroom")
			return
		}
		if len(o.keys) > 0 {
			file := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(file, []byte(strings.Join(o.keys, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			parameters += "&keys=" + url.QueryEscape(file)
		}
		args := append(slices.Clone(s.trust),
			program, "worker", "--layer", address+parameters, "--store", cmp.Or(o.store, "sqlite:"+filepath.Join(t.TempDir(), "documents.db")))
		if *level != "" {
			settings := filepath.Join(t.TempDir(), "yroom.yaml")
			if err := os.WriteFile(settings, []byte("rooms: {default: {durability: "+*level+"}}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, "--config", settings)
		}
		s.worker = daemon.Start(t, "/usr/bin/env", args...)
	}
	s.work(o.python)
	for i := range s.ports {
		s.await(t, i)
	}
	s.people = testkit.StartNode(t, "people.mjs")
	return s
}

// await waits until a Django process answers.
func (s *site) await(t *testing.T, process int) {
	t.Helper()
	testkit.Eventually(t, "Django answers", func() string {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", s.ports[process]))
		if err != nil {
			return err.Error()
		}
		response.Body.Close()
		return ""
	})
}

// ask asks the people to do something, and returns the answer.
func (s *site) ask(t *testing.T, what string, args ...any) (answer any) {
	t.Helper()
	command := map[string]any{"do": what}
	for i := 0; i < len(args); i += 2 {
		command[args[i].(string)] = args[i+1]
	}
	s.people.Ask(t, 2*time.Minute, command, &answer)
	return answer
}

// must asks the people to do something, and fails the test unless it is done.
func (s *site) must(t *testing.T, what string, args ...any) {
	t.Helper()
	if answer := s.ask(t, what, args...); answer != true {
		t.Fatalf("%s %v: %v", what, args, answer)
	}
}

// open lets a person open the room at a Django process.
func (s *site) open(t *testing.T, process int, name string, args ...any) {
	t.Helper()
	s.must(t, "open", append([]any{"name", name, "url", fmt.Sprintf("ws://127.0.0.1:%d/ws", s.ports[process]), "room", s.room}, args...)...)
}

// view returns what a view of Django answers.
func (s *site) view(t *testing.T, method, room, root string) (answer map[string]any) {
	t.Helper()
	client := http.Client{Timeout: testkit.Patience}
	response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/%s/%s/%s", s.ports[0], method, room, root))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// deployments are those in which most tests run.
var deployments = map[string]options{
	"core, daphne":                 {layer: "core", server: "daphne"},
	"core, uvicorn, encrypted":     {layer: "core", server: "uvicorn", keys: []string{"new key", "old key"}},
	"pubsub, daphne, uvicorn":      {layer: "pubsub", server: "uvicorn"},
	"core, hosts, processes":       {layer: "core", server: "uvicorn", django: 2, hosts: 3},
	"pubsub, hosts":                {layer: "pubsub", server: "daphne", hosts: 3},
	"pubsub, encrypted, processes": {layer: "pubsub", server: "daphne", django: 2, keys: []string{"key"}},
}

func TestPeople(t *testing.T) {
	t.Parallel()
	for name, o := range deployments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, o)
			last := len(s.ports) - 1
			s.open(t, 0, "ada", "version", 1)
			s.open(t, last, "bob", "version", 3)
			s.open(t, 0, "eve", "version", 2, "params", map[string]string{"readonly": "1"})
			s.must(t, "sees", "name", "ada", "count", 3)
			s.must(t, "type", "names", []string{"ada", "bob"}, "words", []string{"hello", "world"})
			s.must(t, "converge", "names", []string{"ada", "bob", "eve"}, "length", 10)

			s.must(t, "insert", "name", "eve", "text", "forbidden")
			s.must(t, "insert", "name", "bob", "text", "!")
			s.must(t, "converge", "names", []string{"ada", "bob"}, "length", 11)

			// What a client wrote while it was not connected reaches the others.
			s.must(t, "disconnect", "name", "ada")
			s.must(t, "sees", "name", "bob", "count", 2)
			s.must(t, "insert", "name", "ada", "text", "??")
			s.must(t, "connect", "name", "ada")
			s.must(t, "converge", "names", []string{"ada", "bob"}, "length", 13)
			s.must(t, "fill", "name", "bob")
			s.exports(t)

			// A client that sends a malformed update is closed. Consumers without a handler for
			// that end with an error.
			for path, want := range map[string][]any{"ws": {1011.0, 1006.0}, "closing": {4007.0}} {
				s.must(t, "open", "name", path, "url", fmt.Sprintf("ws://127.0.0.1:%d/%s", s.ports[0], path), "room", s.room)
				if code := s.ask(t, "malform", "name", path); !slices.Contains(want, code) {
					t.Errorf("at /%s, the client is closed with %v, want %v", path, code, want)
				}
				s.must(t, "close", "name", path)
			}
			s.must(t, "insert", "name", "ada", "text", "!")
			s.must(t, "converge", "names", []string{"ada", "bob"}, "length", 14)
		})
	}
}

// exports calls the methods of YroomDocument in a view.
func (s *site) exports(t *testing.T) {
	t.Helper()
	text := s.ask(t, "text", "name", "ada")
	testkit.Eventually(t, "the last edit is exported", func() string {
		if got := s.view(t, "export_xml_text", s.room, "xml_text"); got["value"] != "words" {
			return fmt.Sprint(got)
		}
		return ""
	})
	value := func(v any) map[string]any { return map[string]any{"value": v} }
	for _, c := range []struct {
		method, root string
		want         map[string]any
	}{
		{"export_text", "text", value(text)},
		{"export_array", "array", value([]any{1.0, "two", map[string]any{"three": 3.0}})},
		{"export_map", "map", value(map[string]any{"key": "value 🙂"})},
		{"export_xml_fragment", "fragment", value("<p>hello</p>world")},
		{"export_xml_element", "xml_element", value("<xml_element><p>hello</p>world</xml_element>")},
		{"export_xml_text", "xml_text", value("words")},
		{"export_text", "none", value("")},
		{"export_array", "none", value([]any{})},
		{"export_map", "none", value(map[string]any{})},
		{"export_xml_fragment", "none", value("")},
		{"export_xml_element", "NAME", value("<NAME></NAME>")},
		{"export_xml_text", "none", value("")},
		{"export_map", "text", value(map[string]any{})}, // of another kind
	} {
		if diff := gocmp.Diff(c.want, s.view(t, c.method, s.room, c.root)); diff != "" {
			t.Errorf("%s(%q) (-want +got)\n%s", c.method, c.root, diff)
		}
	}
	if diff := gocmp.Diff(map[string]any{"error": "DataUnavailable"}, s.view(t, "export_text", "never-opened", "t")); diff != "" {
		t.Errorf("a room that was never opened (-want +got)\n%s", diff)
	}
}
