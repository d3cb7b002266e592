package consumer

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/internal/rate"
)

// Limits bound the connections of a Consumer, before a request is admitted. A zero
// field stands for its default.
type Limits struct {
	// Connections bounds the connections that are open at once. Default: 20,000. Past it:
	// HTTP 503.
	Connections int
	// ConnectionsPerAddress bounds those from one address, or from one network of IPv6 with
	// a prefix of 64 bits. An address may open a fifth of this many each second or, after a
	// pause of 5 s, all of them at once. Default: 1,000. Past either: HTTP 429.
	//
	// Addresses of this machine and of private networks have no such bound, because they may
	// be those of proxies, from which all clients come.
	ConnectionsPerAddress int
	// AddressHeader is the header field in which a proxy on this machine or in a private
	// network passes on the address of a client, such as X-Forwarded-For or X-Real-Ip. Its
	// last address counts, because clients can send the others themselves. The field of
	// requests from other addresses is ignored. "": the clients of proxies are not counted
	// by address.
	AddressHeader string
	// JoinsPerSecond bounds how often a connection is opened. After a pause, five times as
	// many are admitted at once. Default: 1,000. Past it, requests wait in their order for up
	// to half a second, and further ones are refused: HTTP 503.
	JoinsPerSecond int
	// DocumentsPerSocket bounds the documents that a Hocuspocus client has on one WebSocket,
	// open or not. Each counts as a connection, too. Default: 100. Past it: a further one is
	// denied, or the socket is closed with 4205 if no document on it has been admitted.
	DocumentsPerSocket int
}

const (
	defaultConnections           = 20_000
	defaultConnectionsPerAddress = 1_000
	defaultJoinsPerSecond        = 1_000
	defaultDocumentsPerSocket    = 100

	// joinPatience is how long a request waits for its turn. A server may close connections
	// that open no WebSocket for longer, when others need their places.
	joinPatience = 500 * time.Millisecond
)

// The refusals are separate values because they are logged with advice for the operator.
var (
	errFull        = &StatusError{http.StatusServiceUnavailable, "This server has too many connections. Try again later.", RefusalConnections}
	errAddressFull = &StatusError{http.StatusTooManyRequests, "Your address has too many connections to this server. Close some, or try again later.", RefusalAddressConnections}
	errAddressFast = &StatusError{http.StatusTooManyRequests, "Your address opens connections to this server too often. Try again in a second.", RefusalAddressJoins}
	errTooFast     = &StatusError{http.StatusServiceUnavailable, "Too many clients connect to this server at the moment. Try again in a second.", RefusalJoins}
)

// gate counts the connections of a Consumer.
type gate struct {
	limits Limits
	joins  *rate.Limit
	logged *rate.Limit // of its refusals
	noted  *rate.Limit // of other refusals that are logged, because a client can cause any number of them

	mu   sync.Mutex
	open int
	from map[netip.Prefix]*address
}

// address is an address that has connections, or had some in the last seconds.
type address struct {
	open  int
	joins *rate.Limit
}

func newGate(l Limits) *gate {
	byDefault := func(n, value int) int {
		if n <= 0 {
			return value
		}
		return n
	}
	l.Connections = byDefault(l.Connections, defaultConnections)
	l.ConnectionsPerAddress = byDefault(l.ConnectionsPerAddress, defaultConnectionsPerAddress)
	l.JoinsPerSecond = byDefault(l.JoinsPerSecond, defaultJoinsPerSecond)
	l.DocumentsPerSocket = byDefault(l.DocumentsPerSocket, defaultDocumentsPerSocket)
	return &gate{limits: l, joins: rate.New(l.JoinsPerSecond), logged: rate.New(1), noted: rate.New(100), from: make(map[netip.Prefix]*address)}
}

// enter counts the connection that r asks for, from an address that counts as one, and
// returns how long it has to wait for its turn. If the error is nil, leave must be called at
// its end.
func (g *gate) enter(r *http.Request, now time.Time) (from netip.Prefix, wait time.Duration, err error) {
	from = g.addressOf(r)
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.address(from)
	if err := g.full(a); err != nil {
		return from, 0, err
	}
	wait, err = g.mayJoin(a, now, joinPatience)
	if err != nil {
		return from, 0, err
	}
	g.count(from, a)
	return from, wait, nil
}

// mayJoin returns how long one more join has to wait, or an error if that is longer than
// patience. The lock must be held.
func (g *gate) mayJoin(a *address, now time.Time, patience time.Duration) (wait time.Duration, err error) {
	var own time.Duration
	if a != nil {
		var ok bool
		if own, ok = a.joins.Reserve(now, patience); !ok {
			return 0, errAddressFast
		}
	}
	all, ok := g.joins.Reserve(now, patience) // after the joins of the address, so that one address can't use up those of all
	if !ok {
		return 0, errTooFast
	}
	return max(own, all), nil
}

// join returns how long one more document has to wait, or an error if that is longer than
// patience.
func (g *gate) join(from netip.Prefix, now time.Time, patience time.Duration) (wait time.Duration, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mayJoin(g.address(from), now, patience)
}

// await waits for the turn of a connection. It returns errTooFast if ctx ends before.
func await(ctx context.Context, wait time.Duration) error {
	if wait == 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return errTooFast
	}
}

// address returns the address, or a new one, which count remembers. It returns nil if from
// isn't counted. The lock must be held.
func (g *gate) address(from netip.Prefix) *address {
	if !from.IsValid() {
		return nil
	}
	if a := g.from[from]; a != nil {
		return a
	}
	return &address{joins: rate.New(max(g.limits.ConnectionsPerAddress/5, 1))}
}

// full returns an error if no further connection may be opened from an address. The lock
// must be held.
func (g *gate) full(a *address) error {
	switch {
	case g.open >= g.limits.Connections:
		return errFull
	case a != nil && a.open >= g.limits.ConnectionsPerAddress:
		return errAddressFull
	}
	return nil
}

// count counts a connection. The lock must be held.
func (g *gate) count(from netip.Prefix, a *address) {
	g.open++
	if a != nil {
		a.open++
		g.from[from] = a
	}
}

// add counts one more connection from an address: a further document on a socket. If the
// error is nil, leave must be called at its end.
func (g *gate) add(from netip.Prefix) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.address(from)
	if err := g.full(a); err != nil {
		return err
	}
	g.count(from, a)
	return nil
}

// leave undoes enter or add.
func (g *gate) leave(from netip.Prefix) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open--
	if from.IsValid() {
		g.from[from].open--
	}
}

// forget forgets the addresses from which nothing has come for some seconds.
func (g *gate) forget(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.from, func(_ netip.Prefix, a *address) bool { return a.open == 0 && a.joins.Rested(now) })
}

// addressOf returns the network to which the client of r belongs. It is invalid if the
// address is not known, or may be that of a proxy.
func (g *gate) addressOf(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr := peer.Addr().Unmap()
	if fields := r.Header.Values(g.limits.AddressHeader); isNear(addr) && len(fields) > 0 {
		last := fields[len(fields)-1]
		addr, err = netip.ParseAddr(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]))
		addr = addr.Unmap()
	}
	if err != nil || isNear(addr) {
		return netip.Prefix{}
	}
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, _ := addr.WithZone("").Prefix(bits) // addr has as many bits
	return prefix
}

// isNear reports whether addr is that of this machine or of a private network.
func isNear(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// advices has the refusals after which a client may try again: after how many seconds, and
// what the log says to the operator.
var advices = map[Refusal]struct{ wait, advice string }{
	RefusalConnections:        {"10", "this process has as many connections as it may have"},
	RefusalAddressConnections: {"60", "this address has as many connections as it may have. If it is that of a proxy, set the header in which the proxy passes on addresses"},
	RefusalAddressJoins:       {"1", "this address opens connections faster than an address may. If it is that of a proxy, set the header in which the proxy passes on addresses"},
	RefusalJoins:              {"1", "connections are opened faster than this process may admit them"},
	RefusalUserConnections:    {"60", "this user has as many connections as limits.user.connections allows"},
	RefusalUserRooms:          {"60", "this user opens rooms faster than limits.user.rooms_per_minute allows"},
	RefusalAddressRooms:       {"60", "this address opens rooms faster than limits.address.rooms_per_minute allows"},
}

// refused sets the header of the response to a request that enter has refused with err,
// and reports whether it has. It logs one refusal a second, because there may be many.
func (c *Consumer) refused(w http.ResponseWriter, r *http.Request, err error) bool {
	a, ok := advices[refusalOf(err)]
	if !ok {
		return false
	}
	w.Header().Set("Retry-After", a.wait)
	if l := c.gate.limits; c.gate.logged.Take(time.Now()) {
		c.log.Warn("connection refused: "+a.advice, "addr", r.RemoteAddr, "connections", l.Connections,
			"connections_per_address", l.ConnectionsPerAddress, "joins_per_second", l.JoinsPerSecond)
	}
	return true
}
