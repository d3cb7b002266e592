package attack_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// addresses is the number of addresses from which an attacker connects.
const addresses = 8

// attacker makes the connections of an attack. It ignores all errors: it is usually
// refused or closed.
type attacker struct {
	host string // of the server, with the port

	web                  *http.Client
	next                 atomic.Uint64
	sent, dialed, closed atomic.Int64

	mu      sync.Mutex
	conns   []io.Closer
	stopped bool
}

func newAttacker(host string) *attacker {
	a := &attacker{host: host}
	a.web = &http.Client{Transport: &http.Transport{DialContext: a.dialTCP, DisableKeepAlives: true}}
	return a
}

// attackFrom runs an attack in this process, which TestAttacks has started: it prepares,
// connects, prints a line, attacks until its standard input ends, and prints what it has done.
func attackFrom(name, host string) {
	i := slices.IndexFunc(attacks, func(x attack) bool { return x.name == name })
	a := newAttacker(host)
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	if attacks[i].prepare != nil {
		attacks[i].prepare(ctx, a)
	}
	cancel()
	ctx, cancel = context.WithCancel(context.Background())
	go attacks[i].run(ctx, a)
	for name != "none" && a.dialed.Load() == 0 {
		wait(ctx)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	a.stop()
	fmt.Printf("the attackers sent %d MB on %d connections, of which %d were closed\n", a.sent.Load()/1e6, a.dialed.Load(), a.closed.Load())
}

// stop closes all connections.
func (a *attacker) stop() {
	a.mu.Lock()
	a.stopped = true
	conns := a.conns
	a.conns = nil
	a.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // it may be closed
	}
}

// counted counts the bytes that are sent.
type counted struct {
	net.Conn

	sent *atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.Add(int64(n))
	return n, err
}

// dialTCP connects to the server from one of the attacker's addresses.
func (a *attacker) dialTCP(ctx context.Context, network, _ string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+a.next.Add(1)%addresses))}}
	c, err := d.DialContext(ctx, network, a.host)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	a.conns = append(a.conns, c)
	a.dialed.Add(1)
	return &counted{c, &a.sent}, nil
}

// dial connects to a room.
func (a *attacker) dial(ctx context.Context, room string) (*wsclient.Client, error) {
	return wsclient.DialOver(ctx, a.dialTCP, "ws://"+a.host+"/ws/"+room, from(fmt.Sprint("203.0.113.", 1+a.next.Load()%addresses)))
}

// from returns the header that a proxy adds to a request from an address.
func from(addr string) http.Header { return http.Header{"X-Forwarded-For": {addr}} }

// many runs n attackers at the same time, each of which has connected to its room. It
// returns when all have ended; one that returns true, or was not admitted, connects
// again until ctx ends.
func (a *attacker) many(ctx context.Context, n int, room func(i int) string, run func(i int, c *wsclient.Client) (again bool)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for again := true; again && ctx.Err() == nil; {
				c, err := a.dial(ctx, room(i))
				if err != nil {
					wait(ctx)
					continue
				}
				again = run(i, c)
				if ctx.Err() == nil {
					a.closed.Add(1)
				}
				_ = c.Close() // the server may have closed it
			}
		})
	}
	all.Wait()
}

// seed adds updates to a room and returns once the server has handled them.
func (a *attacker) seed(ctx context.Context, room string, updates ...[]byte) {
	c, err := a.dial(ctx, room)
	if err != nil {
		return
	}
	defer c.Close()
	for _, u := range updates {
		_ = c.Send(testkit.Update(u)) // Read returns the error of a broken connection
	}
	_ = c.Send(testkit.Awareness(testkit.Present(99, 1, `"seeded"`)))
	for {
		_, frame, err := c.Read()
		if err != nil || strings.HasSuffix(string(frame), `"seeded"`) {
			return
		}
	}
}

// request makes a request with the token.
func (a *attacker) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+a.host+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return a.web.Do(r)
}

// same returns a function that returns one room.
func same(room string) func(int) string { return func(int) string { return room } }

// own returns a function that returns a room of its own for each attacker.
func own(prefix string) func(int) string {
	return func(i int) string { return fmt.Sprintf("%s-%d", prefix, i) }
}

// hold waits until ctx ends or the server closes the connection, without reading what it
// sends.
func hold(ctx context.Context) (again bool) {
	<-ctx.Done()
	return false
}

// readAll reads until the server closes the connection.
func readAll(c *wsclient.Client) (again bool) {
	for {
		if op, _, err := c.Read(); err != nil || op == ws.OpClose {
			return true
		}
	}
}

// uvarints appends numbers as lib0 encodes them.
func uvarints(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return b
}
