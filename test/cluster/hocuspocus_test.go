package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
)

// typists are clients with Hocuspocus providers of all versions. They note which of their
// edits the server has acknowledged.
type typists struct {
	*testing.T

	node      *testkit.Node
	rooms     []string
	documents store.Store // in which the server keeps the rooms
}

// newTypists connects a typist of each version to each of some rooms. The documents of
// a version share a socket.
func newTypists(t *testing.T, documents store.Store, hosts ...string) *typists {
	t.Helper()
	testkit.RequireNode(t, "..", "yjs", "ws", "hocuspocus-provider-2", "hocuspocus-provider-3", "hocuspocus-provider-4")
	p := &typists{T: t, node: testkit.StartNode(t, "../hocuspocus/typing.mjs"), documents: documents}
	for i := range 6 {
		p.rooms = append(p.rooms, fmt.Sprintf("typists-%d", i))
	}
	var urls []string
	for _, host := range hosts {
		urls = append(urls, "ws://"+host+"/hocuspocus")
	}
	p.ask(map[string]any{"do": "join", "rooms": p.rooms, "addresses": urls}, nil)
	p.settle()
	return p
}

// ask sends a command to the typists.
func (p *typists) ask(command map[string]any, answer any) {
	p.Helper()
	var ignored any
	if answer == nil {
		answer = &ignored
	}
	p.node.Ask(p, answering, command, answer)
}

// patience is how long the typists wait until everything is well again. If a document on a
// socket can't be opened, the socket is reset after 30 s.
const patience = time.Minute

// await waits until the answer to a question is "".
func (p *typists) await(question string) {
	p.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		var why string
		p.ask(map[string]any{"do": question}, &why)
		if why == "" {
			return
		}
		if time.Now().After(end) {
			p.Fatalf("not after %v: %s", patience, why)
		}
	}
}

// typeOn lets the typists begin to type.
func (p *typists) typeOn() { p.ask(map[string]any{"do": "type", "on": true}, nil) }

// wantStored fails the test unless each edit that was acknowledged is stored.
func (p *typists) wantStored(when string) {
	p.Helper()
	p.ask(map[string]any{"do": "claim"}, nil)
	for _, room := range p.rooms {
		stored, err := merged(p.Context(), p.documents, room)
		if err != nil {
			p.Fatal(err)
		}
		var faults []string
		p.ask(map[string]any{"do": "unstored", "room": room, "stored": stored}, &faults)
		for _, fault := range faults {
			p.Errorf("%s: %s", when, fault)
		}
	}
}

// merged returns the stored updates of a room as one.
func merged(ctx context.Context, documents store.Store, room string) ([]byte, error) {
	log, err := documents.Load(ctx, room)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	var updates [][]byte
	for _, e := range log.Entries {
		updates = append(updates, e.Data)
	}
	return blocks.Merge(blocks.V1, updates...)
}

// settle ends typing, and waits until all typists know that everything is stored, have
// the same documents, and see each other.
func (p *typists) settle() {
	p.Helper()
	p.ask(map[string]any{"do": "type", "on": false}, nil)
	p.await("pending")
	p.ask(map[string]any{"do": "move"}, nil)
	p.await("absent")
	var faults []string
	p.ask(map[string]any{"do": "faults"}, &faults)
	for _, fault := range faults {
		p.Error(fault)
	}
	p.wantStored("at rest")
}

// report logs what the typists have done.
func (p *typists) report() {
	p.Helper()
	var count struct{ Typists, Typed, Acknowledged int }
	p.ask(map[string]any{"do": "count"}, &count)
	var closed map[string]int
	p.ask(map[string]any{"do": "closed"}, &closed)
	p.Logf("%d typists made %d edits; %d updates were acknowledged; closed: %v", count.Typists, count.Typed, count.Acknowledged, closed)
}

// A server is killed and restarted while clients with Hocuspocus providers type.
func TestHocuspocusRestart(t *testing.T) {
	database := postgres.Start(t)
	url := database.URL(database.Create(t))
	documents, err := pgstore.Open(t.Context(), url, pgstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := documents.Close(); err != nil {
			t.Error(err)
		}
	})
	server := newProcess(t, t.TempDir(), "server", "serve", "--store", url)
	if err := server.start(); err != nil {
		t.Fatal(err)
	}
	p := newTypists(t, documents, server.host)
	for range 3 {
		p.typeOn()
		time.Sleep(500*time.Millisecond + rand.N(500*time.Millisecond))
		server.kill()
		p.wantStored("after kill -9")
		if err := server.restart(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(time.Second)) // some have reconnected
	}
	p.settle()
	p.typeOn()
	time.Sleep(500 * time.Millisecond)
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	p.wantStored("after SIGTERM")
	if err := server.restart(); err != nil {
		t.Fatal(err)
	}
	p.settle()
	p.report()
}

// The processes of a cluster are killed and stopped while clients with Hocuspocus
// providers type.
func TestHocuspocusCluster(t *testing.T) {
	c := newCluster(t, overRedis, 2, 2)
	p := newTypists(t, c.documents, c.consumers[0].host, c.consumers[1].host)
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	for _, step := range []struct {
		name string
		run  func()
	}{
		{"a killed worker", func() {
			w := c.workerOf(p.rooms[0])
			w.kill()
			p.wantStored("after a worker's death")
			time.Sleep(time.Second)
			try(w.restart())
		}},
		{"a stopped worker", func() {
			w := c.workerOf(p.rooms[1])
			try(w.stop())
			p.wantStored("after a worker's end")
			try(w.restart())
		}},
		{"a killed consumer", func() {
			c.consumers[0].kill()
			try(c.consumers[0].restart())
		}},
		{"a stopped consumer", func() {
			try(c.consumers[1].stop())
			try(c.consumers[1].restart())
		}},
		{"a restarted broker", func() {
			c.broker.Kill(t)
			time.Sleep(time.Second)
			c.broker.Restart(t)
		}},
		{"full mailboxes", func() {
			c.database.Pause(t)
			p.ask(map[string]any{"do": "burst", "edits": 1500}, nil)
			time.Sleep(2 * time.Second)
			c.database.Resume(t)
		}},
		{"a crash of the database", func() {
			c.database.Crash(t)
			c.database.Restart(t)
		}},
		{"slow readers", func() {
			p.ask(map[string]any{"do": "read", "on": false}, nil)
			time.Sleep(2 * time.Second)
			p.ask(map[string]any{"do": "read", "on": true}, nil)
		}},
	} {
		p.typeOn()
		time.Sleep(500 * time.Millisecond)
		from := time.Now()
		step.run()
		time.Sleep(500 * time.Millisecond)
		p.wantStored(step.name)
		p.settle()
		t.Logf("%s: healed after %v", step.name, time.Since(from).Round(time.Millisecond))
	}
	p.report()
}

// The scenarios of ../hocuspocus go well in a cluster, too: each client is connected to the
// other consumer than the one before.
func TestHocuspocusScenarios(t *testing.T) {
	testkit.RequireNode(t, "..", "yjs", "ws", "hocuspocus-provider-2", "hocuspocus-provider-3", "hocuspocus-provider-4")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a secret that is long enough to sign tokens with it"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, overNATS, 2, 2, "--jwt-key-file", secret)
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stored, err := merged(r.Context(), c.documents, r.URL.Query().Get("room"))
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(stored) // the client may be gone
	}))
	t.Cleanup(control.Close)
	tokens := map[string]string{}
	for word, access := range map[string]string{"writer": "write", "reader": "read"} {
		out, err := exec.Command(program, "token", "--key-file", secret, "--room", "*", "--access", access).Output()
		if err != nil {
			t.Fatal(err)
		}
		tokens[word] = strings.TrimSpace(string(out))
	}
	var urls []string
	for _, address := range c.addresses() {
		urls = append(urls, address+"/hocuspocus")
	}
	server, err := json.Marshal(map[string]any{
		"url": urls, "control": control.URL, "tokens": tokens, "denial": "This is not a signed token, or its algorithm is not allowed.",
	})
	if err != nil {
		t.Fatal(err)
	}
	plays := map[string]*testkit.Node{}
	for _, kit := range []string{"provider 2", "provider 3", "provider 4"} {
		plays[kit] = testkit.StartNode(t, "../hocuspocus/play.mjs", "serve", kit, string(server))
		plays[kit].KillAfter(2 * time.Minute)
	}
	for kit, play := range plays {
		t.Run(kit, play.Report)
	}
}
