package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo starts a server that returns what it receives.
func echo(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

type client struct {
	net.Conn

	read *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{conn, bufio.NewReader(conn)}
}

// ask sends text, and returns an error unless the same text comes back.
func (c *client) ask(text string, patience time.Duration) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text+"\n"); err != nil {
		return err
	}
	got, err := c.read.ReadString('\n')
	if err == nil && got != text+"\n" {
		return errors.New("received " + got)
	}
	return err
}

func TestProxy(t *testing.T) {
	p := proxy.Start(t, echo(t))
	c := dial(t, p.Addr())
	if err := c.ask("a", testkit.Patience); err != nil {
		t.Fatal(err)
	}

	p.Stall()
	if err := c.ask("b", 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("while stalled: %v", err)
	}
	p.Resume()
	_ = c.SetDeadline(time.Now().Add(testkit.Patience))
	if got, err := c.read.ReadString('\n'); got != "b\n" {
		t.Errorf("after a stall, %q arrived: %v", got, err)
	}

	p.CloseAll()
	if err := c.ask("c", testkit.Patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a closed connection: %v", err)
	}
	c = dial(t, p.Addr())
	if err := c.ask("d", testkit.Patience); err != nil {
		t.Error(err)
	}

	p.Cut()
	if err := c.ask("e", testkit.Patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection that was cut: %v", err)
	}
	if err := dial(t, p.Addr()).ask("f", testkit.Patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection opened while cut: %v", err)
	}
	p.Resume()
	if err := dial(t, p.Addr()).ask("g", testkit.Patience); err != nil {
		t.Error(err)
	}
}
