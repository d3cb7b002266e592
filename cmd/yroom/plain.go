package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// The most connections that have not opened a WebSocket. A header of 32 KiB with many
// small fields takes 600 KiB of memory, until it is complete and its request is answered.
const (
	mostPlain           = 500
	mostPlainPerAddress = 250 // except from this machine and private networks, which may be proxies
)

// plainConns bounds the connections of an http.Server that have not opened a WebSocket:
// they send a request, wait for its response, or are idle. Those with the API token
// don't count, because the document API has limits of its own.
type plainConns struct {
	most, perAddress int

	mu   sync.Mutex
	open map[net.Conn]*plainConn
	from map[netip.Addr]int // the number of connections, of addresses that have any
}

type plainConn struct {
	addr netip.Addr // invalid if it may be that of a proxy
	idle bool       // it waits for another request
}

func newPlainConns() *plainConns {
	return &plainConns{
		most: mostPlain, perAddress: mostPlainPerAddress,
		open: make(map[net.Conn]*plainConn), from: make(map[netip.Addr]int),
	}
}

// changed is http.Server.ConnState. If a new connection is one too many, it closes an
// idle one, or else the new one.
func (p *plainConns) changed(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if tooMany := p.add(c); tooMany == c {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			_ = c.Close() // the server detects that
		} else if tooMany != nil {
			_ = tooMany.Close()
		}
	case http.StateActive, http.StateIdle:
		p.mu.Lock()
		defer p.mu.Unlock()
		if one := p.open[c]; one != nil {
			one.idle = state == http.StateIdle
		}
	case http.StateHijacked, http.StateClosed:
		p.remove(c)
	}
}

// add counts a connection, and returns the one that must be closed for it, if any.
func (p *plainConns) add(c net.Conn) (tooMany net.Conn) {
	one := &plainConn{}
	if peer, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		if addr := peer.Addr().Unmap(); !addr.IsLoopback() && !addr.IsPrivate() && !addr.IsLinkLocalUnicast() {
			one.addr = addr
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	full, addressFull := len(p.open) >= p.most, one.addr.IsValid() && p.from[one.addr] >= p.perAddress
	if full || addressFull {
		tooMany = c
		for idle, other := range p.open {
			if other.idle && (!addressFull || other.addr == one.addr) {
				tooMany = idle
				p.drop(idle)
				break
			}
		}
		if tooMany == c {
			return c
		}
	}
	p.open[c] = one
	p.from[one.addr]++
	return tooMany
}

func (p *plainConns) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(c)
}

// drop is remove with the lock held.
func (p *plainConns) drop(c net.Conn) {
	one := p.open[c]
	if one == nil {
		return
	}
	delete(p.open, c)
	if p.from[one.addr]--; p.from[one.addr] == 0 {
		delete(p.from, one.addr)
	}
}

// plainKey is the key of the function in the context of a request that stops counting
// its connection.
type plainKey struct{}

// context is http.Server.ConnContext.
func (p *plainConns) context(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, plainKey{}, func() { p.remove(c) })
}

// uncount stops counting the connection of a request, which has the API token.
func uncount(r *http.Request) {
	if remove, ok := r.Context().Value(plainKey{}).(func()); ok {
		remove()
	}
}
