package crash_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	_ "modernc.org/sqlite"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
)

// join connects c until the server ends the connection. The channel receives the error
// with which the connection ended.
func join(t *testing.T, s *testkit.Server, c *client) (ended <-chan error) {
	t.Helper()
	end := make(chan error, 1)
	go func() { end <- c.live(t.Context(), s.URL, nil) }()
	return end
}

// reconnect connects c, again and again until the server has sent everything that c has
// typed: a room that failed refuses connections for a second.
func reconnect(t *testing.T, s *testkit.Server, c *client) {
	t.Helper()
	ended := join(t, s, c)
	testkit.Eventually(t, "the edits in "+c.room.name+" are stored", func() string {
		select {
		case err := <-ended:
			time.Sleep(50 * time.Millisecond)
			ended = join(t, s, c)
			return err.Error()
		default:
			return c.notStored()
		}
	})
}

// wantClosed fails the test unless the server closes the connection with a reason that
// contains these words.
func wantClosed(t *testing.T, ended <-chan error, reason string) {
	t.Helper()
	var why *closed
	select {
	case err := <-ended:
		if !errors.As(err, &why) || why.code != ws.StatusCode(1013) || !strings.Contains(why.reason, reason) {
			t.Errorf("the connection ended with %v, want 1013 and the reason %q", err, reason)
		}
	case <-time.After(testkit.Patience):
		t.Error("the connection was not closed")
	}
}

// wantEditing connects two clients to a room, and fails the test unless one receives
// what the other types.
func wantEditing(t *testing.T, s *testkit.Server, r *room, ada, bob uint64) {
	t.Helper()
	a, b := newClient(ada, r), newClient(bob, r)
	join(t, s, a)
	join(t, s, b)
	a.write(3)
	testkit.Eventually(t, "the edits of one client in "+r.name+" reach the other", lacks(b, a))
}

// wantStored waits until the server has sent everything that c has typed to the clients
// of c's room, which it does once it is stored.
func wantStored(t *testing.T, c *client) {
	t.Helper()
	testkit.Eventually(t, "the edits in "+c.room.name+" are stored", c.notStored)
}

// notStored returns "" once the server has sent everything that c has typed to clients
// of c's room.
func (c *client) notStored() string {
	typed := c.everything()
	c.room.mu.Lock()
	defer c.room.mu.Unlock()
	if all, err := c.room.seen.Contains(typed, blocks.V1); !all || err != nil {
		return "no client has received all of them"
	}
	return ""
}

// row returns functions that read and write the data of a room's only entry.
func row(t *testing.T, path, room string) (read func() string, write func(data string)) {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	const where = " WHERE room_id = (SELECT id FROM rooms WHERE name = ?)"
	read = func() string {
		t.Helper()
		var entries int
		var data []byte
		err := db.QueryRowContext(t.Context(), "SELECT count(*), data FROM entries"+where, room).Scan(&entries, &data)
		if err != nil || entries != 1 {
			t.Fatalf("room %s has %d entries (%v), want 1", room, entries, err)
		}
		return string(data)
	}
	write = func(data string) {
		t.Helper()
		for _, table := range []string{"snapshots", "updates"} {
			if _, err := db.ExecContext(t.Context(), "UPDATE "+table+" SET data = ?"+where, []byte(data), room); err != nil {
				t.Fatal(err)
			}
		}
	}
	return read, write
}

// A damaged room is reported as damaged, not opened as an empty one, and its data is
// not overwritten.
func TestDamagedRoom(t *testing.T) {
	dir := configure(t, t.TempDir(), "rooms: {default: {remove_delay: 1ms}}")
	s := start(t, dir)
	good, bad := newRoom("good"), newRoom("bad")
	ada := newClient(1, bad)
	ada.write(5)
	ended := join(t, s, ada)
	wantStored(t, ada)
	s.Stop(t)
	<-ended

	read, write := row(t, filepath.Join(dir, "yroom.db"), bad.name)
	sound := read()
	write("damaged")
	s = start(t, dir)
	ada.write(2)
	wantClosed(t, join(t, s, ada), "can't be loaded")
	wantClosed(t, join(t, s, newClient(2, bad)), "can't be loaded")
	wantEditing(t, s, good, 3, 4)
	if got := read(); got != "damaged" {
		t.Errorf("the damaged data was overwritten with %x", got)
	}

	write(sound)
	reconnect(t, s, ada)
	bob := newClient(5, bad)
	join(t, s, bob)
	testkit.Eventually(t, "everything is there again", lacks(bob, ada))
}

// While the disk is full, clients that edit are closed with a reason. They keep their
// edits, which are stored once the disk has free capacity. Rooms in other stores are
// not affected.
func TestFullDisk(t *testing.T) {
	disk := testkit.SmallDisk(t, "1m")
	dir := configure(t, t.TempDir(), "store: sqlite:"+filepath.Join(disk, "yroom.db")+`
rooms:
  default: {remove_delay: 1ms}
  scratch: {store: "memory:"}
`)
	s := start(t, dir)
	full, elsewhere := newRoom("full"), newRoom("scratch.1")
	ada := newClient(1, full)
	ada.write(5)
	ended := join(t, s, ada)
	wantStored(t, ada)

	ballast := filepath.Join(disk, "ballast")
	testkit.FillDisk(t, ballast)
	for range 20 { // under load
		ada.write(20_000)
	}
	wantClosed(t, ended, "can't be saved")
	wantEditing(t, s, elsewhere, 2, 3)
	for range 20 { // while ada tries again to save her edits, others receive what is stored
		ended := join(t, s, ada)
		doc, err := visit(t.Context(), s.URL(full.name))
		if err != nil {
			t.Fatal(err)
		}
		full.mu.Lock()
		if all, err := doc.Contains(full.seen.Encode(blocks.V1), blocks.V1); !all || err != nil {
			t.Errorf("the room lacks what it had sent to clients (%v)", err)
		}
		full.mu.Unlock()
		wantClosed(t, ended, "can't be saved")
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	reconnect(t, s, ada)
	s.Kill()

	s = start(t, dir)
	bob := newClient(5, full)
	join(t, s, bob)
	testkit.Eventually(t, "everything is there", lacks(bob, ada))
}

// lacks returns a condition for testkit.Eventually: c has everything that author typed.
func lacks(c, author *client) func() string {
	return func() string {
		if c.holds(author.everything()) {
			return ""
		}
		return fmt.Sprintf("client %d lacks something that client %d typed", c.id, author.id)
	}
}
