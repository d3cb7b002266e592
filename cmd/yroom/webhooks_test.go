package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/webhook"
)

const hookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// listener is a program that a webhook tells of events.
type listener struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	got    []string // the types, rooms and texts or users of the events, without repetitions
}

func listenForEvents(t *testing.T) *listener {
	t.Helper()
	l := &listener{status: http.StatusOK}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			Type string
			Data struct{ Room, Content, User string }
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		w.WriteHeader(l.status)
		text := fmt.Sprintf("%s %s %s", event.Type, event.Data.Room, event.Data.Content+event.Data.User)
		if l.status == http.StatusOK && (len(l.got) == 0 || l.got[len(l.got)-1] != text) {
			l.got = append(l.got, text)
		}
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) answer(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

// wants waits until these events have arrived since the last call.
func (l *listener) wants(t *testing.T, want ...string) {
	t.Helper()
	testkit.Eventually(t, "the events arrive", func() string {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.got) < len(want) {
			return fmt.Sprintf("there are %q, want %q", l.got, want)
		}
		return ""
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := gocmp.Diff(want, l.got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	l.got = nil
}

// withWebhook returns a new folder with the settings of a webhook, in addition to others.
func withWebhook(t *testing.T, url, others string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"search.secret": hookSecret,
		"yroom.token":   "0123456789abcdef\n",
		"yroom.yaml": others + "\napi_token_file: yroom.token\nwebhooks: {search: {url: " + url +
			", secret_file: search.secret, content: text, delay: 1ms, timeout: 1s, give_up_after: 1ms, allow: 127.0.0.1, rooms: [notes, 'wiki/']}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// hooks runs yroom webhooks, which must succeed.
func hooks(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "yroom", append([]string{"webhooks"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("yroom webhooks %q: %v", args, err)
	}
	return string(out)
}

// wantListed waits until yroom webhooks list prints a line. What was answered is no longer listed
// a moment later.
func wantListed(t *testing.T, dir, want string, args ...string) {
	t.Helper()
	testkit.Eventually(t, "the list is "+want, func() string {
		if list := hooks(t, dir, append([]string{"list"}, args...)...); list != want {
			return list
		}
		return ""
	})
}

// A server sends the events of rooms to a program. Those that were given up are listed, and are
// sent when they are replayed.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { webhooks(t, "store: sqlite:rooms.db") })
	t.Run("postgres", func(t *testing.T) {
		database := postgres.Start(t)
		webhooks(t, "store: "+database.URL(database.Create(t)))
	})
}

func webhooks(t *testing.T, settings string) {
	t.Helper()
	program := listenForEvents(t)
	dir := withWebhook(t, program.URL, settings)
	s := startIn(t, dir)
	addText(t, s, "notes", 0, "one")
	addText(t, s, "other", 0, "one") // which the webhook doesn't want
	program.wants(t, "room.created notes ", "room.changed notes one")
	addText(t, s, "notes", 3, " two")
	program.wants(t, "room.changed notes one two")
	addText(t, s, "wiki/a", 0, "page")
	program.wants(t, "room.created wiki/a ", "room.changed wiki/a page")
	asked(t, s, "delete", "wiki/a")
	program.wants(t, "room.deleted wiki/a ")
	wantListed(t, dir, "search\t0\t0\t-\n")

	program.answer(http.StatusInternalServerError)
	addText(t, s, "notes", 7, " three")
	wantListed(t, dir, "search\t0\t1\t-\n")
	if got := hooks(t, dir, "given-up", "search"); !strings.Contains(got, "\troom.changed\tnotes\t") || !strings.Contains(got, `"it answered with the status 500"`) {
		t.Errorf("yroom webhooks given-up printed %q", got)
	}
	program.answer(http.StatusOK)
	if got := hooks(t, dir, "replay", "search"); got != "1 events are sent again.\n" {
		t.Errorf("yroom webhooks replay printed %q", got)
	}
	program.wants(t, "room.changed notes one two three")
	wantListed(t, dir, "search\t0\t0\t-\n")
	at, _, _ := strings.Cut(lastLine(asked(t, s, "log", "notes")), "\t")
	asked(t, s, "cut", "notes", at)
	program.wants(t, "room.changed notes one two")
	wantListed(t, dir, "search\t0\t0\t-\n")
	figures := figuresAt(t, "http://"+s.Host+"/metrics", nil)
	if got := figures[`yroom_webhook_delivered_total{webhook="search"}`]; got != 8 {
		t.Errorf("%v requests were counted, want 8", got)
	}
	if got := figures[`yroom_webhook_failures_total{webhook="search"}`]; got < 1 {
		t.Errorf("%v failures were counted", got)
	}
	s.Stop(t)
	asked := exec.CommandContext(t.Context(), "yroom", "room", "delete", "notes", "--store", strings.TrimPrefix(settings, "store: "))
	asked.Dir, asked.Stderr = dir, os.Stderr
	if err := asked.Run(); err != nil {
		t.Fatal(err)
	}
	if got := hooks(t, dir, "list"); !strings.HasPrefix(got, "search\t1\t0\t20") {
		t.Errorf("after a deletion in the store, yroom webhooks list printed %q", got)
	}
	startIn(t, dir)
	program.wants(t, "room.deleted notes ")
}

// A worker tells a webhook which connections join and leave a room, also if a consumer or the worker itself is
// killed.
func TestWebhooksOfConnections(t *testing.T) {
	t.Parallel()
	program := listenForEvents(t)
	dir := inDir(t, "secret", tokenSecret, "search.secret", hookSecret,
		"yroom.yaml", "jwt_key_file: secret\n",
		"worker.yaml", "store: sqlite:rooms.db\nwebhooks: {search: {url: "+program.URL+
			", secret_file: search.secret, allow: 127.0.0.1, timeout: 1s, events: [connected, disconnected], rooms: notes}}\n")
	layer := "--layer=" + redis.Start(t, redis.Options{}).URL()
	worker := testkit.Start(t, "yroom", dir, "worker", layer, "--config=worker.yaml", "--name=w1")
	one := testkit.Start(t, "yroom", dir, "consumer", layer, "--name=c1")
	two := testkit.Start(t, "yroom", dir, "consumer", layer, "--name=c2")
	join := func(at *testkit.Server, room, user string) *wsclient.Client {
		c := wsclient.Connect(t, at.URL(room+"?token="+makeToken(t, dir, "--room", "*", "--user", user)), nil)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	join(one, "other", "ada") // which the webhook doesn't want
	join(one, "notes", "ada")
	program.wants(t, "connected notes ada")
	bob := join(two, "notes", "bob")
	program.wants(t, "connected notes bob")
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	program.wants(t, "disconnected notes bob")
	one.Kill()
	program.wants(t, "disconnected notes ada")
	eve := join(two, "notes", "eve")
	program.wants(t, "connected notes eve")
	// A worker that is killed before it has removed the notice leaves it to others once its lease ends.
	wantListed(t, dir, "search\t0\t0\t-\n", "--config=worker.yaml")
	worker.Kill()
	worker = testkit.Start(t, "yroom", dir, "worker", layer, "--config=worker.yaml", "--name=w2")
	program.wants(t, "connected notes eve") // again
	if err := eve.Close(); err != nil {
		t.Fatal(err)
	}
	program.wants(t, "disconnected notes eve")
	wantListed(t, dir, "search\t0\t0\t-\n", "--config=worker.yaml")

	join(two, "notes", "ann")
	program.wants(t, "connected notes ann")
	two.Stop(t)
	program.wants(t, "disconnected notes ann")
	worker.Stop(t)
}

// A server that ends tells of the connections that it closes, at the latest when it starts again.
func TestWebhooksOfServerThatEnds(t *testing.T) {
	t.Parallel()
	program := listenForEvents(t)
	dir := inDir(t, "search.secret", hookSecret, "yroom.yaml", "webhooks: {search: {url: "+program.URL+
		", secret_file: search.secret, allow: 127.0.0.1, events: [connected, disconnected]}}\n")
	s := startIn(t, dir)
	wsclient.Connect(t, s.URL("notes"), nil)
	program.wants(t, "connected notes ")
	s.Stop(t)
	startIn(t, dir)
	program.wants(t, "disconnected notes ")
}

// lastLine returns the last line of a text.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// The table of docs/webhooks.md has every key of a webhook, with its default.
func TestTableOfWebhookKeys(t *testing.T) {
	page, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n| webhook key |")
	shown := map[string]string{}
	for _, row := range rowsOf(rest) {
		shown[row[0]] = row[1]
	}
	var keys []string
	for key := range shown {
		keys = append(keys, key)
	}
	want := keysOf(reflect.TypeFor[webhookSettings]())
	slices.Sort(want)
	slices.Sort(keys)
	if diff := gocmp.Diff(want, keys); diff != "" {
		t.Errorf("keys of a webhook (-there are, +in the table):\n%s", diff)
	}
	for key, value := range map[string]any{
		"delay": webhook.DefaultDelay, "timeout": webhook.DefaultTimeout, "give_up_after": webhook.DefaultGiveUpAfter, "content_limit": webhook.DefaultContentLimit,
	} {
		if key == "content_limit" {
			if n, err := parseSize(shown[key]); err != nil || int(n) != value {
				t.Errorf("the default of %s is %v, in the table it is %q", key, value, shown[key])
			}
		} else if d, err := parseDuration(shown[key]); err != nil || d != value {
			t.Errorf("the default of %s is %v, in the table it is %q", key, value, shown[key])
		}
	}
}
