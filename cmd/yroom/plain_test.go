package main

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// Connections that send nothing can't fill a server.
func TestPlainConns(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := newPlainConns()
	plain.most = 3
	web := newHTTPServer(http.NotFoundHandler(), nil)
	web.ConnState = plain.changed
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
	open := func(n int) {
		t.Helper()
		testkit.Eventually(t, "connections are counted", func() string {
			plain.mu.Lock()
			defer plain.mu.Unlock()
			if len(plain.open) == n {
				return ""
			}
			return "another number"
		})
	}
	first := dial()
	dial()
	dial()
	open(3)
	resp, err := http.ReadResponse(bufio.NewReader(dial()), nil)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one more connection: %v, %v", resp, err)
	}
	open(3)
	first.Close()
	open(2)
	if resp, err := http.Get("http://" + listener.Addr().String()); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("after a connection has ended: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
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
	if !plain.add(a) || plain.add(b) {
		t.Error("an address may have one connection, and then no more")
	}
	if !plain.add(&peer{addr: "192.0.2.2:1"}) || !plain.add(&peer{addr: "10.0.0.1:1"}) || !plain.add(&peer{addr: "10.0.0.1:2"}) {
		t.Error("other addresses may have some")
	}
	plain.remove(a)
	plain.remove(b)
	if !plain.add(a) {
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
