// Package deploy tests the configurations of proxies and of systemd in the documentation,
// with nginx, Caddy and systemd, and the dashboard and the alerts with Prometheus.
package deploy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

var yroom string

func TestMain(m *testing.M) { testkit.MainWithProgram(m, &yroom) }

const (
	site  = "app.example.com" // in the documentation
	token = "a-token-for-these-tests"
)

// block returns the one block of a language in the documentation that contains a text.
func block(t *testing.T, language, text string) string {
	t.Helper()
	blocks, err := markdown.Blocks(os.DirFS("../.."), language)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, b := range blocks {
		if strings.Contains(b.Text, text) {
			found = append(found, b.Text)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of %s have %q, want one", len(found), language, text)
	}
	return found[0]
}

// replace replaces texts, each of which must be there.
func replace(t *testing.T, text string, oldNew ...string) string {
	t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Fatalf("there is no %q in\n%s", oldNew[i], text)
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	return text
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// proxied is a server of yroom with a proxy in front.
type proxied struct {
	host                  string // of the server, without the proxy
	plainPort, securePort int    // of the proxy
	certificate           *testkit.Certificate

	mu    sync.Mutex
	asked http.Header // the last question to the app
}

// start starts the server with the flags of the documentation.
func start(t *testing.T) *proxied {
	t.Helper()
	p := &proxied{plainPort: daemon.FreePort(t), securePort: daemon.FreePort(t), certificate: testkit.NewCertificate(t, site)}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = r.Header
		p.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]string{"access": "write"})
	}))
	t.Cleanup(app.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "yroom.token"), token)
	for line := range strings.Lines(block(t, "sh", "yroom serve --origin "+site+" --address-header")) {
		args := strings.Fields(replace(t, line, "http://127.0.0.1:3000", app.URL))
		p.host = testkit.Serve(t, yroom, dir, append(args[2:], "--api-token-file", "yroom.token")...).Host
	}
	return p
}

// dial opens a TLS connection to the proxy, whatever the address.
func (p *proxied) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	settings := p.certificate.Client.Clone()
	settings.ServerName = site
	conn, err := (&tls.Dialer{Config: settings}).DialContext(ctx, "tcp", fmt.Sprint("127.0.0.1:", p.securePort))
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(testkit.Patience))
}

// enter connects to a room through the proxy, from a page of an origin.
func (p *proxied) enter(t *testing.T, room, origin string) (*wsclient.Client, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	return wsclient.DialOver(ctx, p.dial, "ws://"+site+"/ws/"+room, http.Header{
		"Origin":          {origin},
		"X-Forwarded-For": {"203.0.113.7"}, // forged: the last address is what counts
	})
}

// request sends a request for the document API through the proxy.
func (p *proxied) request(t *testing.T, method, path string, body []byte) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://"+site+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/octet-stream")
	settings := p.certificate.Client.Clone()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: settings, DialTLSContext: p.dial}}
	t.Cleanup(client.CloseIdleConnections)
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("%s %s: %s\n%s", method, path, response.Status, text)
	}
	return response
}

// serve runs the proxy until the end of the test, and waits until it serves.
func (p *proxied) serve(t *testing.T, program string, args ...string) {
	t.Helper()
	proxy := daemon.Start(t, program, args...)
	t.Cleanup(func() { proxy.Stop(t) }) // so that it ends its own processes
	testkit.Eventually(t, "the proxy serves", func() string {
		if !proxy.Running() {
			t.Fatal("the proxy has ended")
		}
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
		defer cancel()
		conn, err := p.dial(ctx, "", "")
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			return err.Error()
		}
		conn.Close()
		return ""
	})
}

// check tests that everything that clients and programs do works through the proxy.
func (p *proxied) check(t *testing.T) {
	t.Helper()
	const room = "a//../b%20c" // a name that a proxy could change
	typed := testkit.Update(testkit.Typed(1, 0, "hello"))
	inside, err := p.enter(t, room, "https://"+site)
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	p.mu.Lock()
	asked := p.asked
	p.mu.Unlock()
	from := strings.Split(asked.Get("X-Forwarded-For"), ", ") // the proxy's own address is the last one
	if len(from) < 2 || from[len(from)-2] != "127.0.0.1" || asked.Get("X-Forwarded-Host") != site {
		t.Errorf("the proxy has passed on the addresses %q and the host %q, want 127.0.0.1 as the client's and %s",
			from, asked.Get("X-Forwarded-Host"), site)
	}
	direct := wsclient.Connect(t, "ws://"+p.host+"/ws/"+room, nil)
	inside.MustSend(t, typed)
	direct.MustAwait(t, typed)
	inside.MustAwait(t, typed)

	if _, err := p.enter(t, room, "https://evil.example"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a page of another host: %v, want status 403", err)
	}

	// An event arrives although the response goes on.
	events := bufio.NewReader(p.request(t, http.MethodGet, "/api/rooms/a%2F%2F..%2Fb%20c/events", nil).Body)
	for line := ""; !strings.HasPrefix(line, "data: "); {
		if line, err = events.ReadString('\n'); err != nil {
			t.Fatalf("no event: %v", err)
		}
	}

	large := testkit.Typed(2, 0, strings.Repeat("x", 4<<20))
	p.request(t, http.MethodPost, "/api/rooms/large", large)

	redirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	plain, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/rooms", p.plainPort), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	plain.Host = site
	response, err := redirect.Do(plain)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if to := response.Header.Get("Location"); !strings.HasPrefix(to, "https://"+site) {
		t.Errorf("a request without TLS: %s, to %q", response.Status, to)
	}
}

func TestNginx(t *testing.T) {
	nginx := "/usr/sbin/nginx" // the PATH of a user other than root may lack the folder
	if _, err := os.Stat(nginx); err != nil {
		nginx = testkit.Program(t, "nginx", "apt-get install nginx")
	}
	p := start(t)
	dir := t.TempDir()
	config := replace(t, block(t, "nginx", "listen 443 ssl"),
		"    listen [::]:80;\n", "", "    listen [::]:443 ssl;\n", "", // the machine may lack IPv6
		"listen 80;", fmt.Sprintf("listen 127.0.0.1:%d;", p.plainPort),
		"listen 443 ssl;", fmt.Sprintf("listen 127.0.0.1:%d ssl;", p.securePort),
		"/etc/ssl/app.example.com.pem", p.certificate.CertFile,
		"/etc/ssl/app.example.com.key", p.certificate.KeyFile,
		"127.0.0.1:8000", p.host,
	)
	user := ""
	if os.Getuid() == 0 {
		user = "user root root;\n" // another user can't enter the folder of the test
	}
	var temporary strings.Builder
	for _, of := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s;\n", of, filepath.Join(dir, of))
	}
	main := filepath.Join(dir, "nginx.conf")
	write(t, main, user+"daemon off;\nworker_processes 1;\nerror_log stderr;\npid "+filepath.Join(dir, "pid")+";\n"+
		"events {}\nhttp {\naccess_log off;\n"+temporary.String()+config+"}\n")
	p.serve(t, nginx, "-e", "stderr", "-p", dir, "-c", main)
	p.check(t)
}

func TestCaddy(t *testing.T) {
	caddy := testkit.Program(t, "caddy", "apt-get install caddy")
	p := start(t)
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("XDG_DATA_HOME", dir)
	file := filepath.Join(dir, "Caddyfile")
	// The certificate is that of the test, and not one that Caddy gets by itself.
	write(t, file, fmt.Sprintf("{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\thttp_port %d\n\thttps_port %d\n\tskip_install_trust\n}\n", p.plainPort, p.securePort)+
		replace(t, block(t, "caddyfile", site+" {\n"),
			site+" {\n", fmt.Sprintf("%s {\n\ttls %s %s\n", site, p.certificate.CertFile, p.certificate.KeyFile),
			"127.0.0.1:8000", p.host,
		))
	p.serve(t, caddy, "run", "--config", file, "--adapter", "caddyfile")
	p.check(t)
}
