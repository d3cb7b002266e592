package sim

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// TestPauses measures how long rooms have no worker when theirs drains or crashes. The
// bus takes a millisecond, and the store takes no time.
func TestPauses(t *testing.T) {
	for name, test := range map[string]struct {
		end   func(s *server)
		bound time.Duration
	}{
		"drain": {(*server).drain, 200 * time.Millisecond},
		"crash": {(*server).crash, 3500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			var longest time.Duration
			for seed := range uint64(100) {
				synctest.Test(t, func(t *testing.T) {
					longest = max(longest, pause(t, seed, test.end))
				})
			}
			t.Logf("the longest pause was %s", longest)
			if longest > test.bound {
				t.Errorf("want %s at most", test.bound)
			}
		})
	}
}

// pause ends one of three workers, and returns how long it takes until all connections of
// its rooms are at another worker.
func pause(t *testing.T, seed uint64, end func(s *server)) time.Duration {
	t.Helper()
	w := newWorld(seed, plant{})
	defer w.end()
	w.hasty, w.calm, w.pace = false, true, time.Millisecond
	w.faults, w.losses, w.watches, w.both = 0, 0, 0, 0
	w.counting = 0 // such a client connects again, which takes up to a second longer
	w.settings.MailboxInputs, w.settings.MailboxBytes, w.settings.Pace = 0, 0, 0
	for range 3 {
		w.startServer()
		w.startConsumer(nil)
	}
	w.rest(time.Second)
	for i := range roomNames {
		for range 3 {
			w.newClient(i, event.AccessWrite|event.AccessPresent)
		}
	}
	w.rest(time.Second)
	if !w.joined() {
		t.Fatalf("seed %d: a room lacks connections", seed)
	}
	began := w.now
	ended := w.servers[w.rnd.IntN(len(w.servers))]
	for _, c := range w.clients {
		c.send(protocol.QueryAwareness, nil)
	}
	end(ended)
	for !w.joined() && w.failure == "" && w.now.Sub(began) < time.Minute {
		w.next()
	}
	if w.failure != "" {
		t.Fatal(w.failure)
	}
	return w.now.Sub(began)
}

// joined reports whether all connections are in their room at a server that serves.
func (w *world) joined() bool {
	for _, c := range w.clients {
		if c.conn == nil || c.conn.left || !w.serves(c.conn) {
			return false
		}
	}
	return len(w.clients) > 0
}

func (w *world) serves(c *conn) bool {
	for _, s := range w.servers {
		if _, joined := s.rooms[c.client.room].joined[c.id]; joined && !s.drained && !s.dead {
			return true
		}
	}
	return false
}
