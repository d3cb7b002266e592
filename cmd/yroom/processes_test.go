package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// ready waits until a process is ready or, if want is another status, isn't.
func (s *server) ready(t *testing.T, want int) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprint("the status of /readyz is ", want), func() string {
		if status, body := s.get(t, "/readyz"); status != want {
			return body
		}
		return ""
	})
	if status, _ := s.get(t, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
}

// served waits until a worker runs a room, as a consumer tells its page.
func (s *server) served(t *testing.T, room, want string) {
	t.Helper()
	testkit.Eventually(t, want+" runs "+room, func() string {
		var got processes
		if _, body := s.get(t, "/served.json?room="+room); json.Unmarshal([]byte(body), &got) != nil || got.Worker != want {
			return body
		}
		return ""
	})
}

// knows waits until a consumer describes the processes of the cluster so: the name, the
// state, the connections, the rooms, and whether it has samples.
func (s *server) knows(t *testing.T, want ...string) {
	t.Helper()
	testkit.Eventually(t, strings.Join(want, ", "), func() string {
		var answer clusterAnswer
		_, body := s.get(t, "/cluster.json")
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return body
		}
		var got []string
		for _, p := range answer.Processes {
			got = append(got, fmt.Sprint(p.Name, " ", p.State, " ", p.Connections, " ", p.Rooms, " ", len(p.Samples) > 0))
		}
		return cmp.Diff(want, got)
	})
}

// insist sends an update until it comes back. A process may be ready and still lose what
// it sends, before it knows that the session with another process has ended. Then the room
// asks the client, and a Yjs client answers with what was lost. This one sends it again.
func insist(t *testing.T, c *wsclient.Client, update []byte) {
	t.Helper()
	c.MustSend(t, update)
	arrived := make(chan struct{})
	var again sync.WaitGroup
	again.Go(func() {
		for {
			select {
			case <-arrived:
				return
			case <-time.After(time.Second):
				_ = c.Send(update) // if it fails, nothing arrives
			}
		}
	})
	defer again.Wait()
	defer close(arrived)
	c.MustAwait(t, update)
}

// Workers and consumers of one settings file are processes that Redis and PostgreSQL
// connect. Workers run the rooms of their channels, and a worker that ends hands its
// rooms over while their connections stay.
func TestProcesses(t *testing.T) {
	t.Parallel()
	broker, database := redis.Start(t, redis.Options{Access: []string{"+@all", "&*"}}), postgres.Start(t)
	dir := t.TempDir()
	file := "layer: '" + broker.URL() + "'\nstore: " + database.URL(database.Create(t)) + "\nlisten: 127.0.0.1:1\nrooms:\n  report: {channel: slow}\n"
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name, command string, args ...string) *server {
		return &server{testkit.Start(t, "yroom", dir, command, append(args, "--name", name)...)}
	}
	first, slow := run("first", "worker"), run("slow", "worker", "--channel", "slow")
	one, two := run("one", "consumer"), run("two", "consumer")
	all := []*server{first, slow, one, two}
	for _, s := range all {
		s.ready(t, http.StatusOK)
	}

	for room, worker := range map[string]string{"notes": "first", "report.1": "slow"} {
		ada, err := one.dial(t, room, nil)
		if err != nil {
			t.Fatal(err)
		}
		bob, err := two.dial(t, room, nil)
		if err != nil {
			t.Fatal(err)
		}
		ada.MustSend(t, []byte(typing(typedHello)))
		bob.MustAwait(t, []byte(typing(typedHello)))
		two.served(t, room, worker)
	}
	for _, s := range []*server{one, two} {
		s.knows(t, "first ready 0 1 true", "one ready 2 0 true", "slow ready 0 1 true", "two ready 2 0 true")
	}

	// Another process takes the place of the first worker. All clients stay connected.
	eve, err := two.dial(t, "plans", nil)
	if err != nil {
		t.Fatal(err)
	}
	both := run("both", "serve")
	all = append(all, both)
	both.ready(t, http.StatusOK)
	first.Stop(t)
	all = all[1:]
	for _, s := range []*server{one, two, both} {
		s.served(t, "notes", "both")
	}
	eve.MustSend(t, []byte(typing(typedHello)))
	eve.MustAwait(t, []byte(typing(typedHello)))
	two.knows(t, "both ready 0 2 true", "first gone 0 0 true", "one ready 2 0 true", "slow ready 0 1 true", "two ready 3 0 true")

	// While the broker doesn't answer, the processes are alive but not ready.
	broker.Pause(t)
	for _, s := range all {
		s.ready(t, http.StatusServiceUnavailable)
	}
	broker.Resume(t)
	for _, s := range all {
		s.ready(t, http.StatusOK)
	}
	insist(t, eve, []byte(typing(more)))

	two.Signal(t, syscall.SIGTERM)
	if code, _, err := eve.AwaitClose(); code != 1012 {
		t.Errorf("the connection ended with %d (%v), want 1012", code, err)
	}
	for _, s := range all {
		if s != two {
			s.Signal(t, syscall.SIGTERM)
		}
		if status := s.Ended(t); status != 0 {
			t.Errorf("exit status %d\n%s", status, &s.Log)
		}
		if log := s.Log.String(); strings.Contains(log, redis.EscapedPassword()) || strings.Contains(log, postgres.Password) {
			t.Errorf("the log shows a password:\n%s", log)
		}
	}
}
