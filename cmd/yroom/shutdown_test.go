package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// beginPost sends a request that adds an update of size bytes to a room, without its
// body.
func beginPost(t *testing.T, s *server, room string, size int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /api/rooms/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n",
		room, s.Host, theToken, size)
	return c
}

// At a shutdown, a request that has begun is answered before the store closes, and one
// whose body doesn't arrive is cut off.
func TestServeShutdownFinishesRequests(t *testing.T) {
	t.Parallel()
	update, err := base64.StdEncoding.DecodeString(docV1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := writeNotes(dir); err != nil {
		t.Fatal(err)
	}
	const timeout = 24 * time.Second
	s := startIn(t, dir, "--api-token-file", "yroom.token", "--shutdown-timeout", timeout.String())
	late := beginPost(t, s, "late", len(update))
	trickled := beginPost(t, s, "trickled", 1<<20)
	for _, c := range []net.Conn{late, trickled} { // each handler runs once it has taken a part of its body
		if _, err := c.Write(update[:1]); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond) // nothing shows that a handler runs
	began := time.Now()
	s.Signal(t, syscall.SIGTERM)
	testkit.Eventually(t, "the server accepts no more requests", func() string {
		c, err := net.Dial("tcp", s.Host)
		if err != nil {
			return ""
		}
		c.Close()
		return "it does"
	})
	if _, err := late.Write(update[1:]); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(late), nil)
	if err != nil || resp.StatusCode != http.StatusNoContent {
		t.Errorf("a request that was complete during the shutdown: %v, %v", resp, err)
	}
	if code := s.Ended(t); code != 0 {
		t.Errorf("exit status %d\n%s", code, &s.Log)
	}
	if took := time.Since(began); took > timeout/2 {
		t.Errorf("a body that doesn't arrive held the shutdown for %v of %v", took, timeout)
	}
	if !strings.Contains(s.Log.String(), "cut off") {
		t.Errorf("the log doesn't say that a request was cut off:\n%s", &s.Log)
	}
	if got, status := room(t, dir, "export", "late", "--format", "text", "--name", "title", "--store", "sqlite:yroom.db"); got != "Hello world" || status != 0 {
		t.Errorf("the store holds %q, status %d", got, status)
	}
}

// With a shutdown delay, a process says first that it isn't ready, and serves clients as
// before. A second signal ends it meanwhile, too.
func TestServeShutdownDelay(t *testing.T) {
	s := start(t, "--shutdown-delay", "10m", "--shutdown-timeout", "30m")
	c, err := s.dial(t, "room", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Signal(t, syscall.SIGTERM)
	testkit.Eventually(t, "the process isn't ready", func() string {
		status, body := s.get(t, "/readyz")
		if status == http.StatusServiceUnavailable && body == "draining\n" {
			return ""
		}
		return fmt.Sprint(status, body)
	})
	later, err := s.dial(t, "room", nil)
	if err != nil {
		t.Fatalf("a client that connects while the process isn't ready: %v", err)
	}
	update, err := base64.StdEncoding.DecodeString(docV1)
	if err != nil {
		t.Fatal(err)
	}
	c.MustSend(t, testkit.Update(update))
	later.MustAwait(t, testkit.Update(update))
	s.Signal(t, syscall.SIGTERM)
	if code := s.Ended(t); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
}

// The shutdown delay is over before the end of the shutdown timeout.
func TestServeEndsAfterTheShutdownDelay(t *testing.T) {
	s := start(t, "--shutdown-delay", "1ms")
	c, err := s.dial(t, "room", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Signal(t, syscall.SIGTERM)
	if code, _, err := c.AwaitClose(); code != 1012 {
		t.Errorf("the connection ended with %d (%v), want 1012", code, err)
	}
	if code := s.Ended(t); code != 0 {
		t.Errorf("exit status %d\n%s", code, &s.Log)
	}
}

// freeAddress returns an address at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
