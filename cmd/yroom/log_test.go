package main

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// disconnections returns the lines about connections that have ended, of a log in JSON.
func disconnections(t *testing.T, log string) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var attributes map[string]any
		if err := json.Unmarshal([]byte(line), &attributes); err != nil {
			t.Errorf("not a line of JSON: %s", line)
		}
		if attributes["msg"] == "disconnected" {
			lines = append(lines, attributes)
		}
	}
	return lines
}

// documentedLine returns the line of the log in docs/operations.md that has a part.
func documentedLine(t *testing.T, part string) string {
	t.Helper()
	blocks, err := markdown.Blocks(os.DirFS("../.."), "log")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if b.File == "docs/operations.md" && strings.Contains(b.Text, part) {
			return b.Text
		}
	}
	t.Fatalf("docs/operations.md shows no line of the log with %q", part)
	return ""
}

// keysOfLine returns the keys of a line of the log as text.
func keysOfLine(line string) (keys []string) {
	for _, m := range regexp.MustCompile(`(?:^| )([a-z_]+)=`).FindAllStringSubmatch(line, -1) {
		keys = append(keys, m[1])
	}
	return keys
}

// A connection has one line when it ends, which sums it up.
func TestLogOfConnection(t *testing.T) {
	s := start(t, "--store", "memory:", "--log-format", "json", "--log-level", "debug")
	c := wsclient.Connect(t, s.URL("notes"), nil)
	sent := testkit.Update(testkit.Typed(1, 0, "hello"))
	c.MustSend(t, sent)
	var received int
	for range 2 { // SyncStep1, and the update
		_, message, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		received += len(message) + 2 // with the header of a frame
	}
	time.Sleep(5 * time.Millisecond) // so that the duration, in whole milliseconds, isn't 0
	c.Close()
	want := figures{`yroom_connections_closed_total{code="1006"}`: 1} // otherwise the end of the server could close it
	testkit.Eventually(t, "the connection is closed", func() string { return want.missing(figuresAt(t, "http://"+s.Host+"/metrics", nil)) })
	s.Stop(t)
	lines := disconnections(t, s.Log.String())
	if len(lines) != 1 {
		t.Fatalf("%d lines about one connection:\n%s", len(lines), &s.Log)
	}
	got := lines[0]
	if d, err := time.ParseDuration(got["duration"].(string)); err != nil || d <= 0 || d > testkit.Patience {
		t.Errorf("the duration is %v (%v)", got["duration"], err)
	}
	if id, _ := got["conn"].(string); strings.Trim(id, "0123456789") != "" || id == "" {
		t.Errorf("the number of the connection is %v, want a string of digits", got["conn"])
	}
	keys := slices.Sorted(maps.Keys(got))
	shown := append(keysOfLine(documentedLine(t, "msg=disconnected ")), "time", "error")
	shown = slices.DeleteFunc(shown, func(key string) bool { return key == "user" }) // there is no login
	slices.Sort(shown)
	if diff := cmp.Diff(shown, keys); diff != "" {
		t.Errorf("the keys of the line (-documented +logged):\n%s", diff)
	}
	for _, key := range []string{"time", "addr", "conn", "duration", "error"} {
		delete(got, key)
	}
	if diff := cmp.Diff(map[string]any{
		"level": "DEBUG", "msg": "disconnected", "room": "notes", "by": "client", "code": 1006.0, "reason": "the network connection failed",
		"received_messages": 1.0, "received_bytes": float64(len(sent)), "sent_messages": 2.0, "sent_bytes": float64(received),
	}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// At the level info, the log has only connections that the server has closed.
func TestLogLevelOfConnections(t *testing.T) {
	t.Parallel()
	s := start(t, "--store", "memory:", "--log-format", "json")
	leaves := wsclient.Connect(t, s.URL("leaves"), nil)
	leaves.Close()
	broken := wsclient.Connect(t, s.URL("broken"), nil)
	broken.MustSend(t, []byte{0, 2, 5}) // an update of 5 bytes, which are missing
	if _, _, err := broken.AwaitClose(); err != nil {
		t.Fatal(err)
	}
	wsclient.Connect(t, s.URL("stays"), nil)
	s.Stop(t)
	var rooms []string
	for _, line := range disconnections(t, s.Log.String()) {
		rooms = append(rooms, line["room"].(string))
	}
	if want := []string{"broken"}; !slices.Equal(rooms, want) {
		t.Errorf("the log has the connections in the rooms %q, want %q:\n%s", rooms, want, &s.Log)
	}
}
