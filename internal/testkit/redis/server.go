// Package redis runs Redis servers for tests, on free ports of 127.0.0.1 and without
// files that outlive the test: alone, with a Sentinel, as a Cluster. A test is skipped,
// as testkit.Missingf explains, if there is neither redis-server nor valkey-server.
package redis

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
)

// User and Password log in to a Server with Options.Access.
const (
	User     = "yroom"
	Password = "sesame & söhne/@:?#%" // has everything that a URL must escape
)

// Options configure a Server.
type Options struct {
	Access []string             // rules of the ACL for User. nil: everyone may do everything
	TLS    *testkit.Certificate // nil: without TLS
	Args   []string             // further arguments of redis-server
}

// Server is a Redis server.
type Server struct {
	*daemon.Daemon

	port    int
	options Options
}

// program returns the path of the server.
func program(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("valkey-server"); err == nil {
		if _, err := exec.LookPath("redis-server"); err != nil {
			return path
		}
	}
	return testkit.Program(t, "redis-server", "apt-get install redis-server")
}

// Start runs a server until the end of the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{port: daemon.FreePort(t), options: o}
	args := []string{"--bind", "127.0.0.1", "--protected-mode", "no", "--save", "", "--dir", t.TempDir()}
	if o.TLS != nil {
		args = append(args, "--port", "0", "--tls-port", strconv.Itoa(s.port), "--tls-auth-clients", "no",
			"--tls-cert-file", o.TLS.CertFile, "--tls-key-file", o.TLS.KeyFile, "--tls-ca-cert-file", o.TLS.CertFile)
	} else {
		args = append(args, "--port", strconv.Itoa(s.port))
	}
	if o.Access != nil {
		args = append(args, "--user", "default", "off", "--user", User, "on", ">"+Password)
		args = append(args, o.Access...)
	}
	s.Daemon = daemon.Start(t, program(t), append(args, o.Args...)...)
	s.await(t)
	return s
}

// Port returns the port of the server.
func (s *Server) Port() int { return s.port }

// Addr returns the address of the server.
func (s *Server) Addr() string { return address(s.port) }

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// URL returns the address of the server as a URL, with the password if it has one.
func (s *Server) URL() string { return s.URLAt(s.Addr()) }

// URLAt returns the URL of the server at another address, such as that of a proxy.
func (s *Server) URLAt(addr string) string {
	u := url.URL{Scheme: "redis", Host: addr}
	if s.options.TLS != nil {
		u.Scheme = "rediss"
	}
	if s.options.Access != nil {
		u.User = url.UserPassword(User, Password)
	}
	return u.String()
}

// EscapedPassword returns Password as it is in URLs.
func EscapedPassword() string {
	_, password, _ := strings.Cut(url.UserPassword("", Password).String(), ":")
	return password
}

// Published returns how many messages were published, and how many bytes the server
// has received and sent. The server must have no TLS and no user.
func (s *Server) Published(t testing.TB) (messages, received, sent int64) {
	t.Helper()
	info, err := do(s.port, "INFO", "everything")
	if err != nil {
		t.Fatal(err)
	}
	return number(info, "cmdstat_publish:calls="), number(info, "total_net_input_bytes:"), number(info, "total_net_output_bytes:")
}

// number returns the number after a name in a text, 0 if there is none.
func number(text, name string) int64 {
	_, rest, _ := strings.Cut(text, name)
	digits := strings.IndexFunc(rest+" ", func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.ParseInt(rest[:digits], 10, 64)
	return n
}

// Restart starts the server again, after Stop or Kill, at the same address, and waits
// until it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Daemon.Restart(t)
	s.await(t)
}

// await waits until the server answers.
func (s *Server) await(t testing.TB) {
	t.Helper()
	testkit.Eventually(t, "Redis answers", func() string {
		if !s.Running() {
			t.Fatal("Redis has ended")
		}
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			return err.Error()
		}
		_ = conn.Close() // it listens once it is ready
		return ""
	})
}

// do calls a command of a server without TLS and user, and returns what it replies.
func do(port int, args ...string) (reply string, err error) {
	conn, err := net.Dial("tcp", address(port))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
	fmt.Fprintf(conn, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(conn, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return read(bufio.NewReader(conn))
}

// read reads a reply. The elements of an array are joined.
func read(r *bufio.Reader) (string, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	head = strings.TrimSpace(head)
	n, _ := strconv.Atoi(head[1:]) // of an array or a string
	switch head[0] {
	case '-':
		return "", fmt.Errorf("redis: %s", head[1:])
	case '$':
		if n < 0 {
			return "", nil
		}
		b := make([]byte, n+2)
		_, err := io.ReadFull(r, b)
		return string(b[:n]), err
	case '*':
		var all []string
		for range n {
			element, err := read(r)
			if err != nil {
				return "", err
			}
			all = append(all, element)
		}
		return strings.Join(all, "\n"), nil
	}
	return head[1:], nil
}
