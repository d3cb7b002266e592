package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// Connections that send nothing can't fill a server, and those that are idle make room
// for others.
func TestPlainConns(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := newPlainConns()
	plain.most = 3
	web := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			uncount(r)
		}
	}), nil)
	web.ConnState, web.ConnContext = plain.changed, plain.context
	go web.Serve(listener)
	defer web.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	get := func(c net.Conn, path string, status int) {
		t.Helper()
		_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path) // a refused connection may be closed
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != status || (status == http.StatusServiceUnavailable) != (resp.Header.Get("Retry-After") != "") {
			t.Errorf("%v, %v, want status %d", resp, err, status)
		}
	}
	counted := func(open, idle int) {
		t.Helper()
		testkit.Eventually(t, fmt.Sprintf("%d connections are open, %d of them idle", open, idle), func() string {
			plain.mu.Lock()
			defer plain.mu.Unlock()
			n := 0
			for _, c := range plain.open {
				if c.idle {
					n++
				}
			}
			if len(plain.open) == open && n == idle {
				return ""
			}
			return fmt.Sprint(len(plain.open), n)
		})
	}
	token := dial()
	get(token, "/token", http.StatusOK)
	counted(0, 0)
	silent := dial()
	dial()
	idle := dial()
	get(idle, "/", http.StatusOK)
	counted(3, 1)
	dial() // in place of the idle one
	counted(3, 0)
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection is still open")
	}
	refused := dial()
	if resp, err := http.ReadResponse(bufio.NewReader(refused), nil); err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one more connection: %v, %v", resp, err)
	}
	get(token, "/", http.StatusOK)
	silent.Close()
	counted(2, 0)
	get(dial(), "/", http.StatusOK)
	counted(3, 1)
}

// peer is a net.Conn of which only the address is used.
type peer struct {
	net.Conn

	addr string
}

func (a *peer) RemoteAddr() net.Addr {
	addr, _ := net.ResolveTCPAddr("tcp", a.addr)
	return addr
}
func (a *peer) SetWriteDeadline(time.Time) error { return nil }

func TestPlainConnsPerAddress(t *testing.T) {
	plain := newPlainConns()
	plain.perAddress = 1
	a, b := &peer{addr: "192.0.2.1:1"}, &peer{addr: "192.0.2.1:2"}
	if plain.add(a) != nil || plain.add(b) != b {
		t.Error("an address may have one connection, and then no more")
	}
	other := &peer{addr: "192.0.2.2:1"}
	if plain.add(other) != nil || plain.add(&peer{addr: "10.0.0.1:1"}) != nil || plain.add(&peer{addr: "10.0.0.1:2"}) != nil {
		t.Error("other addresses may have some")
	}
	plain.changed(other, http.StateIdle)
	if plain.add(b) != b {
		t.Error("an idle connection of another address was closed")
	}
	plain.changed(a, http.StateIdle)
	if plain.add(b) != a {
		t.Error("an idle connection of the same address was not closed")
	}
	plain.remove(b)
	if plain.add(a) != nil {
		t.Error("the connections that have ended are still counted")
	}
}

// The settings file bounds the connections of a server.
func TestServeConnections(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte("connections: 1\nrooms_per_second: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startIn(t, dir)
	c, err := s.dial(t, "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.dial(t, "a", nil); err == nil {
		t.Error("a second connection was admitted")
	}
	c.Close()
	testkit.Eventually(t, "another connection is admitted", func() string {
		if _, err := s.dial(t, "a", nil); err != nil {
			return err.Error()
		}
		return ""
	})
}
