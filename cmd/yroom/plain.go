package main

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// The most connections that have not opened a WebSocket. They are for pages and for the
// document API, or send a request slowly.
const (
	mostPlain           = 5_000
	mostPlainPerAddress = 500 // except from this machine and private networks, which may be proxies
)

// plainConns bounds the connections of an http.Server that it still has, unlike those
// of WebSockets.
type plainConns struct {
	most, perAddress int

	mu   sync.Mutex
	open map[net.Conn]netip.Addr
	from map[netip.Addr]int // the number of connections, of addresses that have any
}

func newPlainConns() *plainConns {
	return &plainConns{
		most: mostPlain, perAddress: mostPlainPerAddress,
		open: make(map[net.Conn]netip.Addr), from: make(map[netip.Addr]int),
	}
}

// changed is http.Server.ConnState. It closes a connection that is too much.
func (p *plainConns) changed(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if p.add(c) {
			return
		}
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		_ = c.Close() // the server detects that
	case http.StateHijacked, http.StateClosed:
		p.remove(c)
	}
}

// add reports whether there may be one more connection, and counts it even if not: the
// server still has it until it detects that it is closed.
func (p *plainConns) add(c net.Conn) bool {
	var addr netip.Addr
	if peer, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		addr = peer.Addr().Unmap()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	near := !addr.IsValid() || addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
	allowed := len(p.open) < p.most && (near || p.from[addr] < p.perAddress)
	p.open[c] = addr
	p.from[addr]++
	return allowed
}

func (p *plainConns) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	addr, found := p.open[c]
	if !found {
		return
	}
	delete(p.open, c)
	if p.from[addr]--; p.from[addr] == 0 {
		delete(p.from, addr)
	}
}
