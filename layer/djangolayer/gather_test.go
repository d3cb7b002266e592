package djangolayer

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// pop lets messages wait only while they come often, and all of them are for rooms that pause.
func TestGather(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name    string
		between time.Duration // two times at which messages are taken
		taken   int           // each time
		pause   time.Duration // of their rooms
		want    time.Duration
	}{
		{"a room with a pause", 20 * ms, 1, 50 * ms, 55 * ms},
		{"after a wait", 55 * ms, 3, 50 * ms, 55 * ms},
		{"a short pause", 5 * ms, 1, 10 * ms, 11 * ms},
		{"a room without a pause", 20 * ms, 1, 0, 0},
		{"rare messages", 80 * ms, 1, 50 * ms, 0},
		{"so many that they would fill the channel", 2 * ms, 1, 50 * ms, 20 * ms},
		{"nothing", 20 * ms, 0, 50 * ms, 0},
	} {
		var g gather
		now, got := time.Now(), time.Duration(0)
		for range 100 {
			now = now.Add(test.between)
			for range test.taken {
				g.note(test.pause)
			}
			got = g.wait(now)
		}
		if got = got.Round(ms); got != test.want {
			t.Errorf("%s: pop waits for %v, want %v", test.name, got, test.want)
		}
	}
}

// A message that must not wait makes others go at once, too, for a second.
func TestGatherUrgent(t *testing.T) {
	var g gather
	now := time.Now()
	take := func(pauses ...time.Duration) bool {
		now = now.Add(20 * time.Millisecond)
		for _, pause := range pauses {
			g.note(pause)
		}
		return g.wait(now) > 0
	}
	for range 10 {
		take(pace)
	}
	if !take(pace) {
		t.Error("pop does not wait, although all messages are for rooms that pause")
	}
	if take(pace, 0, pace) {
		t.Error("pop waits after a message that must not wait")
	}
	waited := 0
	for range 100 { // 2 seconds
		if take(pace) {
			waited++
		}
	}
	if waited < 45 || waited > 51 {
		t.Errorf("in 2 seconds after a message that must not wait, pop has waited %d times of 100, want about 50", waited)
	}
}

func TestPauseOf(t *testing.T) {
	d := start(t, "")
	p := d.layer.proxy
	p.pace = func(room string) time.Duration {
		switch room {
		case "quick":
			return time.Millisecond
		case "slow":
			return time.Minute
		}
		return 0
	}
	for _, room := range []string{"room", "quick", "slow"} {
		for range 2 * fewConns {
			joined(t, d.socket(room, "a"))
		}
	}
	for range 2*fewConns - 1 {
		joined(t, d.socket("small", "a"))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	check := func(what string, m message, want time.Duration) {
		t.Helper()
		if got := p.pauseOf(m); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("a message of a room with many connections", message{typ: typeMessage, room: "room"}, pace)
	check("of a room with another pace", message{typ: typeMessage, room: "quick"}, time.Millisecond)
	check("of a room that pauses for long", message{typ: typeMessage, room: "slow"}, pace)
	check("of a room with fewer connections", message{typ: typeMessage, room: "small"}, 0)
	check("of no room", message{typ: typeMessage}, 0)
	check("a connect", message{typ: typeConnect, room: "room"}, 0)
	check("a call", message{typ: typeRPC, room: "room"}, 0)
	for _, c := range p.rooms["small"].conns {
		p.due[c] = true
	}
	check("while connections have to join again", message{typ: typeMessage, room: "room"}, 0)
}

// Several messages of a room with many connections are taken at once.
func TestGathers(t *testing.T) {
	d := start(t, "")
	var s *socket
	for range 2 * fewConns {
		s = d.socket("room", "a")
		joined(t, s)
	}
	pops := func() int {
		t.Helper()
		stats, err := d.do(t, 0, "INFO", "commandstats").ToString()
		if err != nil {
			t.Fatal(err)
		}
		_, calls, _ := strings.Cut(stats, "cmdstat_bzpopmin:calls=")
		calls, _, _ = strings.Cut(calls, ",")
		n, err := strconv.Atoi(calls)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const messages = 40
	testkit.Eventually(t, "several messages are taken at once", func() string {
		before := pops()
		for range messages {
			s.send(t, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
			time.Sleep(5 * time.Millisecond)
		}
		if n := pops() - before; n > messages/2 {
			return fmt.Sprintf("%d messages were taken in %d times", messages, n)
		}
		return ""
	})
}
