package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// A connection is not refused because there are others: those that send nothing or are
// idle are closed, the oldest first, and then those that are served.
func TestPlainConns(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain := newPlainConns()
	plain.most, plain.chance = 3, 0
	entered := make(chan struct{})
	web := newHTTPServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/token":
			uncount(r)
		case "/slow":
			entered <- struct{}{}
			<-r.Context().Done()
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
	get := func(c net.Conn, path string) {
		t.Helper()
		_, _ = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path) // ReadResponse fails if c is closed
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%v, %v", resp, err)
		}
	}
	counted := func(open, served int) {
		t.Helper()
		testkit.Eventually(t, fmt.Sprintf("%d connections are open, %d of them served", open, served), func() string {
			plain.mu.Lock()
			defer plain.mu.Unlock()
			n := 0
			for _, c := range plain.open {
				if c.served {
					n++
				}
			}
			if len(plain.open) == open && n == served {
				return ""
			}
			return fmt.Sprint(len(plain.open), n)
		})
	}
	closed := func(c net.Conn) {
		t.Helper()
		_ = c.SetReadDeadline(time.Now().Add(testkit.Patience))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection is still open: %v", err)
		}
	}
	token := dial()
	get(token, "/token")
	counted(0, 0)
	slow := func() net.Conn {
		c := dial()
		fmt.Fprint(c, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
		<-entered
		return c
	}
	first := slow()
	idle := dial()
	counted(2, 1)
	begun := dial()
	fmt.Fprint(begun, "GET /")
	counted(3, 1)
	get(idle, "/") // it becomes idle after the other was opened
	counted(3, 1)
	get(dial(), "/")
	closed(begun)
	counted(3, 1)
	slow()
	closed(idle)
	slow()
	get(token, "/")
	counted(3, 3)
	get(dial(), "/")
	closed(first)
	counted(3, 2)
}

// When more clients connect at once than are served at once, no connection is closed before
// its chance is over.
func TestPlainConnsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := newPlainConns()
		plain.most = 2
		a, b, c, d := &closable{}, &closable{}, &closable{}, &closable{}
		for _, conn := range []net.Conn{a, b} {
			plain.changed(conn, http.StateNew)
		}
		began := time.Now()
		time.AfterFunc(plainChance/2, func() { plain.changed(b, http.StateHijacked) })
		plain.changed(c, http.StateNew)
		if took := time.Since(began); took != plainChance/2 || a.closed {
			t.Errorf("a connection was accepted after %v, want that the end of another one is awaited", took)
		}
		plain.changed(d, http.StateNew)
		if took := time.Since(began); took != plainChance || !a.closed || c.closed {
			t.Errorf("a connection was accepted after %v, want that the chance of the oldest one is awaited", took)
		}
	})
}

type closable struct {
	peer

	closed bool
}

func (c *closable) Close() error {
	c.closed = true
	return nil
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

func TestPlainConnsPerAddress(t *testing.T) {
	plain := newPlainConns()
	plain.perAddress = 2
	a, b, c := &peer{addr: "192.0.2.1:1"}, &peer{addr: "192.0.2.1:2"}, &peer{addr: "192.0.2.1:3"}
	other := &peer{addr: "192.0.2.2:1"}
	for _, conn := range []net.Conn{other, a, b, &peer{addr: "10.0.0.1:1"}, &peer{addr: "10.0.0.1:2"}, &peer{addr: "10.0.0.1:3"}} {
		if plain.add(conn) != nil {
			t.Errorf("%s made another connection close", conn.RemoteAddr())
		}
	}
	plain.serve(a)
	if plain.add(c) != b {
		t.Error("the connection of the same address that is not served was not closed")
	}
	plain.changed(a, http.StateIdle)
	if plain.add(b) != c {
		t.Error("the oldest connection of the address was not closed")
	}
	plain.remove(a)
	if plain.add(c) != nil {
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
