// Package proxy is a TCP proxy for tests of what happens when a network fails.
package proxy

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy passes connections on to a server. While the network is cut, it closes them and
// refuses new ones. While it is stalled, nothing is carried in either direction, but
// connections stay open and new ones can be opened.
type Proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond
	cut     bool
	stalled bool
	closed  bool
	conns   map[net.Conn]bool
}

// Start returns a Proxy in front of the server at an address. It ends with the test.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, conns: make(map[net.Conn]bool)}
	p.changed.L = &p.mu
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr returns the address of the Proxy.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut closes all connections. Until Resume, it also closes those that are opened.
func (p *Proxy) Cut() {
	p.set(true, false)
	p.CloseAll()
}

// Stall carries nothing until Resume.
func (p *Proxy) Stall() { p.set(false, true) }

// Resume ends Cut and Stall. What was sent during a Stall is carried then.
func (p *Proxy) Resume() { p.set(false, false) }

// CloseAll closes all connections.
func (p *Proxy) CloseAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.changed.Broadcast()
}

func (p *Proxy) set(cut, stalled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.stalled = cut, stalled
	p.changed.Broadcast()
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.CloseAll()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.add(conn) {
			p.running.Go(func() { p.serve(conn) })
		}
	}
}

// add reports whether a connection is to be served.
func (p *Proxy) add(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut || p.closed {
		_ = conn.Close()
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *Proxy) remove(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

func (p *Proxy) serve(client net.Conn) {
	defer p.remove(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil || !p.add(server) {
		return
	}
	defer p.remove(server)
	var back sync.WaitGroup
	back.Go(func() {
		p.carry(client, server)
		_ = client.Close()
	})
	p.carry(server, client)
	_ = server.Close()
	back.Wait()
}

// carry copies from one connection to the other until one of them is closed.
func (p *Proxy) carry(to io.Writer, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.stalled && !p.closed {
			p.changed.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
