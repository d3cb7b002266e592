package main

import (
	"context"
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

	// plainChance is how long a connection has to open its WebSocket before it is closed for
	// another one. When all clients of a server reconnect at once, they connect faster than it
	// serves them.
	plainChance = time.Second
)

// plainConns bounds the connections of an http.Server that have not opened a WebSocket:
// they send a request, wait for its response, or are idle. Those with the API token
// don't count, because the document API has limits of its own.
//
// If a new connection is one too many, another one is closed for it: the oldest of those
// that have not sent a whole request, or else the oldest. So clients that open connections
// and keep them can't keep others out. No connection is accepted until that one has had its
// chance, or there is room again, even if it is one too many of its address.
type plainConns struct {
	most, perAddress int
	chance           time.Duration
	freed            chan struct{} // has a value after a connection was removed

	mu   sync.Mutex
	open map[net.Conn]*plainConn
	from map[netip.Addr]int // the number of connections, of addresses that have any
	last uint64             // the last plainConn.since
}

type plainConn struct {
	addr   netip.Addr // invalid if it may be that of a proxy
	served bool       // its request is being answered
	since  uint64     // orders the connections by at
	at     time.Time  // when it was opened, or became idle
}

func newPlainConns() *plainConns {
	return &plainConns{
		most: mostPlain, perAddress: mostPlainPerAddress, chance: plainChance, freed: make(chan struct{}, 1),
		open: make(map[net.Conn]*plainConn), from: make(map[netip.Addr]int),
	}
}

// changed is http.Server.ConnState. The server accepts no connection while it handles
// http.StateNew.
func (p *plainConns) changed(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		p.wait()
		if tooMany := p.add(c); tooMany != nil {
			_ = tooMany.Close() // the server detects that
		}
	case http.StateIdle:
		p.mu.Lock()
		defer p.mu.Unlock()
		if one := p.open[c]; one != nil {
			p.last++
			one.served, one.since, one.at = false, p.last, time.Now()
		}
	case http.StateHijacked, http.StateClosed:
		p.remove(c)
	}
}

// wait waits until a connection may be added, because there is room or because another one
// has had its chance.
func (p *plainConns) wait() {
	for {
		p.mu.Lock()
		var left time.Duration
		if len(p.open) >= p.most {
			left = p.chance - time.Since(p.open[p.first(netip.Addr{})].at)
		}
		p.mu.Unlock()
		if left <= 0 {
			return
		}
		select {
		case <-p.freed:
		case <-time.After(left):
		}
	}
}

// first returns the connection that is closed first, of those of an address if it is valid.
// The lock must be held, and there must be one.
func (p *plainConns) first(addr netip.Addr) (conn net.Conn) {
	var first *plainConn
	for c, one := range p.open {
		if (!addr.IsValid() || one.addr == addr) && (first == nil || one.before(first)) {
			conn, first = c, one
		}
	}
	return conn
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
	switch {
	case one.addr.IsValid() && p.from[one.addr] >= p.perAddress:
		tooMany = p.first(one.addr)
	case len(p.open) >= p.most:
		tooMany = p.first(netip.Addr{})
	}
	p.drop(tooMany)
	p.open[c] = one
	p.from[one.addr]++
	p.last++
	one.since, one.at = p.last, time.Now()
	return tooMany
}

// before reports whether one is closed before other.
func (one *plainConn) before(other *plainConn) bool {
	if one.served != other.served {
		return !one.served
	}
	return one.since < other.since
}

// serve records that a request of the connection is being answered.
func (p *plainConns) serve(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.open[c]; one != nil {
		one.served = true
	}
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
	select {
	case p.freed <- struct{}{}:
	default:
	}
	if p.from[one.addr]--; p.from[one.addr] == 0 {
		delete(p.from, one.addr)
	}
}

// connOf is the connection of a request, in its context.
type connOf struct {
	conns *plainConns
	conn  net.Conn
}

type connKey struct{}

// context is http.Server.ConnContext.
func (p *plainConns) context(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, connOf{p, c})
}

// serving returns a handler that records that the connection of a request is served, and
// calls next.
func serving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if of, ok := r.Context().Value(connKey{}).(connOf); ok {
			of.conns.serve(of.conn)
		}
		next.ServeHTTP(w, r)
	})
}

// uncount stops counting the connection of a request, which has the API token.
func uncount(r *http.Request) {
	if of, ok := r.Context().Value(connKey{}).(connOf); ok {
		of.conns.remove(of.conn)
	}
}
