// Package crash_test kills and starves a real process of yroom serve while clients
// edit.
package crash_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
)

var rounds = flag.Int("rounds", 8, "number of rounds of kill -9 at each level of durability")

const typists = 20

// After a kill -9 at any moment, the server still has everything that it has sent to
// any client. Clients send again what they have typed meanwhile.
func TestKill(t *testing.T) {
	for _, level := range []string{"fsync", "commit"} {
		t.Run(level, func(t *testing.T) {
			kill(t, "sqlite:yroom.db", level, nil)
		})
	}
}

// So it does with PostgreSQL, which at fsync crashes too.
func TestKillPostgres(t *testing.T) {
	database := postgres.Start(t)
	for _, level := range []string{"fsync", "commit"} {
		t.Run(level, func(t *testing.T) {
			store := database.URL(database.Create(t))
			if level == "fsync" {
				kill(t, store, level, database)
			} else {
				kill(t, store, level, nil)
			}
		})
	}
}

// world is a server and its clients.
type world struct {
	*testing.T

	dir     string
	crashes *postgres.Server // crashes with the server, if it isn't nil
	rooms   []*room
	clients []*client
	typing  atomic.Bool

	server *testkit.Server
	killed *atomic.Bool // whether server was killed on purpose
	living sync.WaitGroup
}

func kill(t *testing.T, store, level string, crashes *postgres.Server) {
	w := &world{
		T: t,
		// Short delays, so that logs are compacted all the time.
		dir: configure(t, t.TempDir(), "store: "+store+
			"\nrooms: {default: {durability: "+level+", autosave_delay: 1ms, remove_delay: 1ms}}"),
		crashes: crashes,
		rooms:   []*room{newRoom("one"), newRoom("two")},
	}
	for i := range typists {
		w.clients = append(w.clients, newClient(uint64(1000+i), w.rooms[i%len(w.rooms)]))
	}
	var kills, shown int
	began := time.Now()
	w.open()
	for range *rounds {
		w.typing.Store(true)
		for again := true; again; again = rand.N(4) == 0 { // some servers are killed before all clients have reconnected
			time.Sleep(rand.N(60 * time.Millisecond))
			w.kill()
			kills++
			w.open()
		}
		w.typing.Store(false)
		w.converge()
	}
	w.kill()
	for _, r := range w.rooms {
		shown += len(r.seen.Encode(blocks.V1))
	}
	t.Logf("%d rounds with %d kills in %v; documents of %d bytes", *rounds, kills, time.Since(began).Round(time.Millisecond), shown)
}

// open starts a server, checks that it has everything that was sent to any client, and
// connects the clients.
func (w *world) open() {
	w.Helper()
	server, killed := start(w.T, w.dir), new(atomic.Bool)
	w.server, w.killed = server, killed
	for _, r := range w.rooms {
		held, err := visit(w.Context(), server.URL(r.name))
		if err != nil {
			w.Fatalf("room %s: %v", r.name, err)
		}
		if all, err := held.Contains(r.seen.Encode(blocks.V1), blocks.V1); !all || err != nil {
			w.Fatalf("room %s: the server lost what it had sent to clients (%v): it has %x, the clients received %x",
				r.name, err, held.StateVector(), r.seen.StateVector())
		}
	}
	for _, c := range w.clients {
		w.living.Go(func() {
			if err := c.live(w.Context(), server.URL, &w.typing); !killed.Load() && !w.Failed() {
				w.Errorf("client %d was disconnected: %v", c.id, err)
			}
		})
	}
}

// kill kills the server, and waits until every client has read everything that it sent.
func (w *world) kill() {
	w.Helper()
	w.killed.Store(true)
	if w.crashes != nil {
		w.crashes.Crash(w.T)
		defer w.crashes.Restart(w.T)
	}
	w.server.Kill()
	w.living.Wait()
	if log := w.server.Log.String(); w.crashes == nil && (strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN")) {
		w.Errorf("the server logged a warning or an error:\n%s", log)
	}
	if w.Failed() {
		w.FailNow()
	}
}

// converge waits until every client of each room has everything that was typed in the
// room.
func (w *world) converge() {
	w.Helper()
	for _, r := range w.rooms {
		var in []*client
		for _, c := range w.clients {
			if c.room == r {
				in = append(in, c)
			}
		}
		testkit.Eventually(w.T, "every client in room "+r.name+" has everything", func() string {
			for _, c := range in {
				for _, author := range in {
					if !c.holds(author.everything()) {
						return fmt.Sprintf("client %d lacks something that client %d typed", c.id, author.id)
					}
				}
			}
			return ""
		})
		for _, c := range in {
			texts := textsOf(c.encode())
			if len(texts) > len(in) {
				w.Errorf("client %d has texts of %d clients, want %d", c.id, len(texts), len(in))
			}
			for _, author := range in {
				if want := strings.Repeat(alphabet, 1+int(author.clock)/len(alphabet))[:author.clock]; texts[author.id] != want {
					w.Errorf("client %d has the text of client %d as %q, want %q", c.id, author.id, texts[author.id], want)
				}
			}
		}
	}
}
