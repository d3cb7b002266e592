package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/nats"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer/memlayer"
)

// cluster runs commands in this process, on one layer in memory, whose URL is test:.
type cluster struct {
	t     *testing.T
	layer *memlayer.Layer
	token string // the file of --api-token-file
	url   string // of the layer; test: is the one in memory

	mu     sync.Mutex
	opened []layerOptions
	deaf   error // the result of Ready
	left   int   // how often Close was called
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, layer: memlayer.New(), token: filepath.Join(t.TempDir(), "yroom.token"), url: "test:"}
	if err := os.WriteFile(c.token, []byte(theToken), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) open(ctx context.Context, url string, o layerOptions) (openedLayer, error) {
	c.mu.Lock()
	c.opened = append(c.opened, o)
	c.mu.Unlock()
	if url == "test:" {
		return member{c.layer, c}, nil
	}
	joined, err := openLayer(ctx, url, o)
	return counted{joined, c}, err
}

// counted is a layer between processes that counts calls of Close.
type counted struct {
	openedLayer

	cluster *cluster
}

func (c counted) Close(ctx context.Context) error {
	c.cluster.mu.Lock()
	c.cluster.left++
	c.cluster.mu.Unlock()
	return c.openedLayer.Close(ctx)
}

// member is the layer as one process of a cluster sees it.
type member struct {
	*memlayer.Layer

	cluster *cluster
}

func (m member) Ready() error {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	return m.cluster.deaf
}

func (m member) Close(ctx context.Context) error {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	m.cluster.left++
	return ctx.Err()
}

// command is a command that runs in this process.
type command struct {
	t      *testing.T
	host   string // the address that it prints
	log    *lines
	cancel context.CancelFunc
	ended  chan error
}

// lines is a buffer for several goroutines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start starts a command. It returns when the command serves.
func (c *cluster) start(args ...string) *command {
	c.t.Helper()
	printed, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := &command{t: c.t, log: &lines{}, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		cmd.ended <- c.run(ctx, stdout, cmd.log, args...)
		close(cmd.ended) // further receives return nil
		stdout.Close()
	}()
	c.t.Cleanup(func() {
		cancel()
		<-cmd.ended
		if c.t.Failed() {
			c.t.Logf("yroom %s:\n%s", strings.Join(args, " "), cmd.log)
		}
	})
	line := make([]byte, 1000)
	n, _ := printed.Read(line)
	go io.Copy(io.Discard, printed)
	address := regexp.MustCompile(`http://([^/]*)/`).FindSubmatch(line[:n])
	if address == nil && !bytes.HasPrefix(line, []byte("Running")) {
		c.t.Fatalf("yroom %s has printed %q and ended with %v\n%s", strings.Join(args, " "), line[:n], <-cmd.ended, cmd.log)
	}
	if address != nil {
		cmd.host = string(address[1])
	}
	return cmd
}

// run runs a command until ctx ends.
func (c *cluster) run(ctx context.Context, stdout, stderr io.Writer, args ...string) error {
	var cli commands
	parser, err := kong.New(&cli, kong.Bind(environment{
		stdout: stdout, stderr: stderr, openLayer: c.open, untilSignal: func(*slog.Logger) context.Context { return ctx },
	}))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}

// stop ends the command as a signal does.
func (cmd *command) stop() {
	cmd.t.Helper()
	cmd.cancel()
	if err := <-cmd.ended; err != nil {
		cmd.t.Errorf("the command ended with %v", err)
	}
}

func (cmd *command) get(path string) (status int, body []byte) {
	cmd.t.Helper()
	return cmd.do(http.MethodGet, path, "")
}

func (cmd *command) do(method, path, content string) (status int, body []byte) {
	cmd.t.Helper()
	r, err := http.NewRequestWithContext(cmd.t.Context(), method, "http://"+cmd.host+path, strings.NewReader(content))
	if err != nil {
		cmd.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+theToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		cmd.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		cmd.t.Fatal(err)
	}
	return resp.StatusCode, body
}

func (cmd *command) post(path, body string) (status int, answer []byte) {
	cmd.t.Helper()
	return cmd.do(http.MethodPost, path, body)
}

func (cmd *command) connect(room string) *wsclient.Client {
	cmd.t.Helper()
	return wsclient.Connect(cmd.t, "ws://"+cmd.host+"/ws/"+room, nil)
}

// consumer starts a consumer that is called name.
func (c *cluster) consumer(name string, args ...string) *command {
	c.t.Helper()
	return c.start(append([]string{"consumer", "--layer", c.url, "--listen", "127.0.0.1:0", "--name", name, "--api-token-file", c.token}, args...)...)
}

// worker starts a worker that is called name.
func (c *cluster) worker(name, store string, args ...string) *command {
	c.t.Helper()
	return c.start(append([]string{"worker", "--layer", c.url, "--store", store, "--name", name}, args...)...)
}

// A client of one consumer sees the edits of a client of another consumer. The document
// API, the room pages and the names of the processes are available at each consumer,
// although the rooms and the store are in another process.
func TestConsumersAndWorkerApart(t *testing.T) {
	t.Run("memory", func(t *testing.T) { consumersAndWorkerApart(t, newCluster(t)) })
	t.Run("Redis", func(t *testing.T) {
		c := newCluster(t)
		c.url = redis.Start(t, redis.Options{}).URL()
		consumersAndWorkerApart(t, c)
	})
	t.Run("NATS", func(t *testing.T) {
		c := newCluster(t)
		c.url = nats.Start(t, nats.Options{}).URL()
		consumersAndWorkerApart(t, c)
	})
}

func consumersAndWorkerApart(t *testing.T, c *cluster) {
	t.Helper()
	t.Chdir(t.TempDir())
	store := "sqlite:" + filepath.Join(t.TempDir(), "yroom.db")
	w := c.worker("w1", store, "--channel", "yroom,slow", "--channel", "more")
	one, two := c.consumer("c1"), c.consumer("c2")

	ada, bob := one.connect("notes"), two.connect("notes")
	bob.MustAwait(t, emptyStep1)
	ada.MustSend(t, []byte(typing(typedHello)))
	bob.MustAwait(t, []byte(typing(typedHello)))

	for _, at := range []*command{one, two} {
		if status, body := at.get("/api/rooms/notes?format=text&name=text"); status != http.StatusOK || string(body) != "hello" {
			t.Errorf("the document API: %d %s", status, body)
		}
		status, body := at.get("/rooms.json")
		var rooms listed
		if err := json.Unmarshal(body, &rooms); err != nil || status != http.StatusOK || len(rooms.Rooms) != 1 {
			t.Fatalf("/rooms.json: %d %s", status, body)
		}
		if r := rooms.Rooms[0]; r.Name != "notes" || r.Connections != 2 || r.Worker != "w1" || rooms.Consumer != map[*command]string{one: "c1", two: "c2"}[at] {
			t.Errorf("/rooms.json: %s", body)
		}
		var list api.List
		if _, body = at.get("/api/rooms"); json.Unmarshal(body, &list) != nil || len(list.Rooms) != 1 || list.Rooms[0].Worker != "w1" {
			t.Errorf("/api/rooms: %s", body)
		}
		var room view
		if _, body = at.get("/room.json?room=notes"); json.Unmarshal(body, &room) != nil || len(room.Members) != 2 || room.Worker != "w1" {
			t.Errorf("/room.json: %s", body)
		}
		if status, body := at.get("/readyz"); status != http.StatusOK {
			t.Errorf("/readyz: %d %s", status, body)
		}
	}
	if _, body := two.get("/served.json?room=notes"); string(body) != `{"consumer":"c2","worker":"w1"}` {
		t.Errorf("the room is served by %s", body)
	}
	if _, body := two.get("/"); !strings.Contains(string(body), "c2\n") || !strings.Contains(string(body), "in the store of the workers") {
		t.Errorf("the page doesn't describe the process:\n%s", body)
	}

	changeConnections(t, one, two, ada)

	// A consumer that ends closes its connections, and the room goes on.
	one.cancel()
	if code, _, err := ada.AwaitClose(); code != 1012 {
		t.Errorf("closed with %d (%v), want 1012", code, err)
	}
	one.stop()
	testkit.Eventually(t, "the connection has left", func() string {
		if _, body := two.get("/room.json?room=notes"); !strings.Contains(string(body), `"connections":1`) {
			return string(body)
		}
		return ""
	})

	// Another worker takes over: the client stays connected, and edits on.
	w.stop()
	if _, body := two.get("/healthz"); string(body) != "ok\n" {
		t.Errorf("without a worker, /healthz: %s", body)
	}
	c.worker("w2", store)
	bob.MustSend(t, []byte(typing(more)))
	bob.MustAwait(t, []byte(typing(more)))
	testkit.Eventually(t, "the other worker runs the room", func() string {
		if _, body := two.get("/served.json?room=notes"); string(body) != `{"consumer":"c2","worker":"w2"}` {
			return string(body)
		}
		return ""
	})
	if status, body := two.get("/api/rooms/notes?format=text&name=text"); status != http.StatusOK || string(body) != "hello!" {
		t.Errorf("after the worker was replaced: %d %s", status, body)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if got := strings.Join(c.opened[0].Channels, " "); got != "yroom slow more" {
		t.Errorf("the worker serves the channels %s", got)
	}
	if got := c.opened[1].Channels; got != nil {
		t.Errorf("the consumer serves the channels %q", got)
	}
	if c.left != 2 {
		t.Errorf("%d processes have closed the layer, want 2", c.left)
	}
}

// changeConnections changes through each consumer what connections may do, of which ada is
// one at the first consumer.
func changeConnections(t *testing.T, one, two *command, ada *wsclient.Client) {
	t.Helper()
	list := func() (ids []string, body []byte) {
		t.Helper()
		_, body = two.get("/api/rooms/notes/connections")
		var all api.Connections
		if err := json.Unmarshal(body, &all); err != nil {
			t.Fatalf("the connections are %s (%v)", body, err)
		}
		for _, conn := range all.Connections {
			ids = append(ids, conn.ID)
		}
		return ids, body
	}
	change := func(at *command, address, body string) {
		t.Helper()
		if status, answer := at.post(address, body); status != http.StatusOK || string(answer) != `{"connections":1}` {
			t.Errorf("%s %s: %d %s", address, body, status, answer)
		}
	}
	before, _ := list()
	change(two, "/api/rooms/notes/access", `{"connection": "`+before[0]+`", "access": "read"}`)
	change(two, "/api/access", `{"connection": "`+before[1]+`", "access": "read"}`)
	ada.MustSend(t, []byte(typing(more)), testkit.SyncStep1([]byte{0}))
	ada.MustAwait(t, testkit.SyncStep2([]byte(typedHello))) // without what it may not write
	if _, body := list(); strings.Contains(string(body), "write") {
		t.Errorf("after the change, the connections are %s", body)
	}
	for _, id := range before {
		change(one, "/api/access", `{"connection": "`+id+`", "access": "write"}`)
	}

	late := one.connect("notes")
	late.MustAwait(t, testkit.SyncStep1([]byte{1, 1, 5})) // it is in the room
	all, _ := list()
	for _, id := range all {
		if !slices.Contains(before, id) {
			change(two, "/api/expel", `{"connection": "`+id+`"}`)
		}
	}
	if code, _, err := late.AwaitClose(); code != 4403 {
		t.Errorf("closed with %d (%v), want 4403", code, err)
	}
}

// serve joins a cluster as consumer and worker, with the channels of the file.
func TestServeInACluster(t *testing.T) {
	t.Chdir(t.TempDir())
	c := newCluster(t)
	file := "rooms:\n  report: {channel: slow}\n"
	if err := os.WriteFile("yroom.yaml", []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	both := c.start("serve", "--layer", "test:", "--store", "memory:", "--listen", "127.0.0.1:0", "--name", "both-1")
	consumer := c.consumer("c1")
	ada, bob := both.connect("notes"), consumer.connect("notes")
	bob.MustAwait(t, emptyStep1)
	ada.MustSend(t, []byte(typing(typedHello)))
	bob.MustAwait(t, []byte(typing(typedHello)))
	if _, body := consumer.get("/served.json?room=notes"); string(body) != `{"consumer":"c1","worker":"both-1"}` {
		t.Errorf("the room is served by %s", body)
	}
	for _, o := range c.opened {
		if o.Channel("report.1") != "slow" || o.Channel("notes") != "yroom" {
			t.Errorf("the channels are %s and %s", o.Channel("report.1"), o.Channel("notes"))
		}
	}
	if got := c.opened[0].Channels; len(got) != 1 || got[0] != "yroom" {
		t.Errorf("serve runs the channels %q", got)
	}
}

// Liveness depends only on the process. Readiness depends on the layer too.
func TestHealth(t *testing.T) {
	t.Chdir(t.TempDir())
	c := newCluster(t)
	w := c.worker("w1", "memory:", "--listen", "127.0.0.1:0")
	clients := c.consumer("c1", "--health", "127.0.0.1:0")
	address := regexp.MustCompile(`health=(\S+)`).FindStringSubmatch(clients.log.String())
	if address == nil {
		t.Fatalf("no address for health in the log:\n%s", clients.log)
	}
	apart := &command{t: t, host: address[1]}
	for _, deaf := range []error{nil, errors.New("the layer is deaf")} {
		c.mu.Lock()
		c.deaf = deaf
		c.mu.Unlock()
		want, text := http.StatusOK, "ready\n"
		if deaf != nil {
			want, text = http.StatusServiceUnavailable, "the layer is deaf\n"
		}
		for _, at := range []*command{w, apart, clients} {
			if deaf != nil && at == clients {
				text = "not ready\n" // the reason is for operators
			}
			if status, body := at.get("/readyz"); status != want || string(body) != text {
				t.Errorf("/readyz: %d %s, want %d %s", status, body, want, text)
			}
			if status, body := at.get("/healthz"); status != http.StatusOK || string(body) != "ok\n" {
				t.Errorf("/healthz: %d %s", status, body)
			}
		}
		for _, at := range []*command{w, apart} {
			if status, _ := at.get("/rooms.json"); status != http.StatusNotFound {
				t.Errorf("/rooms.json at an address for health: %d", status)
			}
		}
	}
}

// A worker that drains isn't ready, but alive.
func TestWorkerDrains(t *testing.T) {
	t.Chdir(t.TempDir())
	h := &health{layer: memoryLayer{}}
	h.draining.Store(true)
	own, err := serveOwn(t.Context(), "--health", "127.0.0.1:0", h, testkit.Logger(t))
	if err != nil {
		t.Fatal(err)
	}
	at := &command{t: t, host: own.address}
	if status, body := at.get("/readyz"); status != http.StatusServiceUnavailable || string(body) != "draining\n" {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if status, _ := at.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	if err := own.end(); err != nil {
		t.Error(err)
	}
}

func TestWorkerRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	c := newCluster(t)
	c.worker("w1", "memory:")
	for _, test := range []struct {
		want string
		args []string
	}{
		{"layer: the layer has a worker already", []string{"worker", "--layer", c.url, "--store", "memory:"}},
		{`the key "a.b"`, []string{"worker", "--layer", c.url, "--store", "memory:", "--config", "prefix.yaml"}},
		{`the key "a.b"`, []string{"consumer", "--layer", c.url, "--listen", "127.0.0.1:0", "--config", "prefix.yaml"}},
		{"can't listen", []string{"worker", "--layer", c.url, "--store", "memory:", "--listen", "x"}},
		{"can't listen", []string{"consumer", "--layer", c.url, "--listen", "127.0.0.1:0", "--health", "x"}},
		{"the directory nowhere is missing", []string{"worker", "--layer", c.url, "--store", "sqlite:nowhere/a.db"}},
	} {
		if err := os.WriteFile("prefix.yaml", []byte("rooms:\n  a.b: {gc: false}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := c.run(ctx, io.Discard, io.Discard, test.args...)
		cancel()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", strings.Join(test.args, " "), err, test.want)
		}
	}
}
