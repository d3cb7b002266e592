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

// join has c take part until the server ends that. The channel gets how.
func join(t *testing.T, s *testkit.Server, c *client) (ended <-chan error) {
	t.Helper()
	end := make(chan error, 1)
	go func() { end <- c.live(t.Context(), s.URL, nil) }()
	return end
}

// comeBack has c join until she is let in: a room that failed turns people away
// for a second, and each who comes back tries again.
func comeBack(t *testing.T, s *testkit.Server, c *client) {
	t.Helper()
	testkit.Eventually(t, "that people are let in", func() string {
		select {
		case err := <-join(t, s, c):
			time.Sleep(50 * time.Millisecond)
			return err.Error()
		case <-time.After(time.Second):
			return ""
		}
	})
}

// wantTold waits until the server closes, and wants it to say why.
func wantTold(t *testing.T, ended <-chan error, reason string) {
	t.Helper()
	var why *closed
	select {
	case err := <-ended:
		if !errors.As(err, &why) || why.code != ws.StatusCode(1013) || !strings.Contains(why.reason, reason) {
			t.Errorf("a person was told %v, want 1013 and that it %s", err, reason)
		}
	case <-time.After(testkit.Patience):
		t.Error("a person was told nothing")
	}
}

// wantMeeting has two people meet in a room, where one sees what the other types.
func wantMeeting(t *testing.T, s *testkit.Server, r *room, ada, bob uint64) {
	t.Helper()
	a, b := newClient(ada, r), newClient(bob, r)
	join(t, s, a)
	join(t, s, b)
	a.write(3)
	testkit.Eventually(t, "that what one types in "+r.name+" comes to the other", lacks(b, a))
}

// wantShown waits until the server has shown all that c has typed to somebody in c's room.
func wantShown(t *testing.T, c *client) {
	t.Helper()
	testkit.Eventually(t, "that what was typed in "+c.room.name+" is stored", func() string {
		typed := c.everything()
		c.room.mu.Lock()
		defer c.room.mu.Unlock()
		if all, err := c.room.seen.Contains(typed, blocks.V1); !all || err != nil {
			return "nobody was shown all of it"
		}
		return ""
	})
}

// row gives a room's only entry and can write it.
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
		if _, err := db.ExecContext(t.Context(), "UPDATE entries SET data = ?"+where, []byte(data), room); err != nil {
			t.Fatal(err)
		}
	}
	return read, write
}

// What is damaged looks damaged, not empty, and nothing is written over it.
func TestDamagedRoom(t *testing.T) {
	dir := configure(t, t.TempDir(), "rooms: {default: {remove_delay: 1ms}}")
	s := start(t, dir)
	good, bad := newRoom("good"), newRoom("bad")
	ada := newClient(1, bad)
	ada.write(5)
	gone := join(t, s, ada)
	wantShown(t, ada)
	s.Stop(t)
	<-gone

	read, write := row(t, filepath.Join(dir, "yroom.db"), bad.name)
	sound := read()
	write("damaged")
	s = start(t, dir)
	ada.write(2)
	wantTold(t, join(t, s, ada), "can't be loaded")
	wantTold(t, join(t, s, newClient(2, bad)), "can't be loaded")
	wantMeeting(t, s, good, 3, 4)
	if got := read(); got != "damaged" {
		t.Errorf("what was damaged has become %x", got)
	}

	write(sound)
	comeBack(t, s, ada)
	wantShown(t, ada)
	bob := newClient(5, bad)
	join(t, s, bob)
	testkit.Eventually(t, "that everything is there again", lacks(bob, ada))
}

// Who edits while the disk is full is told and keeps the edits, which are stored
// once there is room. Rooms elsewhere go on.
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
	gone := join(t, s, ada)
	wantShown(t, ada)

	ballast := filepath.Join(disk, "ballast")
	testkit.FillDisk(t, ballast)
	for range 20 { // under load
		ada.write(20_000)
	}
	wantTold(t, gone, "can't be saved")
	wantMeeting(t, s, elsewhere, 2, 3)
	testkit.Eventually(t, "that somebody reads what is stored", func() string {
		doc, err := visit(t.Context(), s.URL(full.name))
		if err != nil {
			time.Sleep(50 * time.Millisecond) // it turns people away for a second
			return err.Error()
		}
		full.mu.Lock()
		defer full.mu.Unlock()
		if all, err := doc.Contains(full.seen.Encode(blocks.V1), blocks.V1); !all || err != nil {
			t.Errorf("the room lacks what people were shown (%v)", err)
		}
		return ""
	})

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	comeBack(t, s, ada)
	wantShown(t, ada)
	s.Kill()

	s = start(t, dir)
	bob := newClient(5, full)
	join(t, s, bob)
	testkit.Eventually(t, "that everything is there", lacks(bob, ada))
}

// lacks says whether c lacks what author typed.
func lacks(c, author *client) func() string {
	return func() string {
		if c.holds(author.everything()) {
			return ""
		}
		return fmt.Sprintf("client %d has not all that client %d typed", c.id, author.id)
	}
}
