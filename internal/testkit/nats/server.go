// Package nats runs NATS servers for tests, on free ports of 127.0.0.1, alone or as a
// cluster. The server is built from its module, in the version that tools/go.mod names.
package nats

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
)

// User and Password log in to a Server with Options.Subjects.
const (
	User     = "yroom"
	Password = "sesame & söhne/@:?#%" // has everything that a URL must escape
)

// Options configure a Server.
type Options struct {
	Subjects []string             // those that User may publish and subscribe to. nil: everyone may do everything
	TLS      *testkit.Certificate // nil: without TLS
	Config   string               // further lines of the configuration
}

// Server is a NATS server.
type Server struct {
	*daemon.Daemon

	port    int
	options Options
}

// program returns the path of the server.
var program = sync.OnceValues(func() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	tools := filepath.Join(filepath.Dir(string(mod)), "tools")
	cmd := exec.Command("go", "tool", "-n", "nats-server")
	cmd.Dir, cmd.Stderr = tools, os.Stderr
	path, err := cmd.Output() // go tool builds the program and prints its path
	return strings.TrimSpace(string(path)), err
})

// Start runs a server until the end of the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	path, err := program()
	if err != nil {
		testkit.Missingf(t, "nats-server can't be built: %v", err)
	}
	s := &Server{port: daemon.FreePort(t), options: o}
	var c strings.Builder
	fmt.Fprintf(&c, "listen: 127.0.0.1:%d\n", s.port)
	if o.Subjects != nil {
		subjects := `["` + strings.Join(o.Subjects, `", "`) + `"]`
		fmt.Fprintf(&c, "authorization { users = [{user: %q, password: %q, permissions: {publish: %s, subscribe: %s}}] }\n",
			User, Password, subjects, subjects)
	}
	if o.TLS != nil {
		fmt.Fprintf(&c, "tls { cert_file: %q, key_file: %q }\n", o.TLS.CertFile, o.TLS.KeyFile)
	}
	c.WriteString(o.Config)
	config := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(config, []byte(c.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Daemon = daemon.Start(t, path, "--config", config)
	s.await(t)
	return s
}

// StartCluster runs three servers of one cluster until the end of the test.
func StartCluster(t testing.TB) []*Server {
	t.Helper()
	const servers = 3
	var routes []string
	for range servers {
		routes = append(routes, fmt.Sprintf("127.0.0.1:%d", daemon.FreePort(t)))
	}
	var all []*Server
	for _, own := range routes {
		all = append(all, Start(t, Options{Config: fmt.Sprintf("cluster { name: yroom, listen: %q, routes: [\"nats://%s\"] }\n",
			own, strings.Join(routes, `", "nats://`))}))
	}
	for _, s := range all {
		testkit.Eventually(t, "the servers know each other", func() string {
			info, err := s.info()
			if err != nil {
				return err.Error()
			}
			if n := strings.Count(info, "127.0.0.1:"); n < servers {
				return info
			}
			return ""
		})
	}
	return all
}

// info returns the line that the server sends when a connection is opened.
func (s *Server) info() (string, error) {
	conn, err := net.DialTimeout("tcp", s.Addr(), time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	return bufio.NewReader(conn).ReadString('\n')
}

// Addr returns the address of the server.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL returns the address of the server as a URL, with the password if it has one.
func (s *Server) URL() string { return s.URLAt(s.Addr()) }

// URLAt returns the URL of the server at another address, such as that of a proxy.
func (s *Server) URLAt(addr string) string {
	u := url.URL{Scheme: "nats", Host: addr}
	if s.options.TLS != nil {
		u.Scheme = "tls"
	}
	if s.options.Subjects != nil {
		u.User = url.UserPassword(User, Password)
	}
	return u.String()
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
	testkit.Eventually(t, "NATS answers", func() string {
		if !s.Running() {
			t.Fatal("NATS has ended")
		}
		if _, err := s.info(); err != nil {
			return err.Error()
		}
		return ""
	})
}
