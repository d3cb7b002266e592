package main

import (
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"

	"github.com/yroom/yroom/consumer"
)

// loopbackOrigins may connect to a server that only this machine can reach,
// unless other origins are set. Developers often serve their pages from another port,
// such as 5173 of Vite, which is another origin for a browser. Pages from this machine
// are trusted.
var loopbackOrigins = []string{"localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*", `\[::1\]`, `\[::1\]:*`}

// knownHosts returns a hook for a server that only this machine can reach. A page from
// the web can make its own host name resolve to this machine after it was loaded (DNS
// rebinding), and then its origin is the host that it connects to. So a host counts as
// the server's own only if it is a loopback host or one of origins, which the operator
// has set.
func knownHosts(origins []string) func(*consumer.Conn) error {
	return func(c *consumer.Conn) error {
		r := c.Request()
		origin := r.Header.Get("Origin")
		if origin == "" || isLoopback(r.Host) {
			return nil
		}
		host := strings.ToLower(r.Host)
		for _, pattern := range origins {
			if ok, err := path.Match(strings.ToLower(pattern), host); ok && err == nil {
				return nil
			}
		}
		_, own, _ := strings.Cut(origin, "://")
		if len(origins) > 0 && !strings.EqualFold(own, host) {
			return nil // the origin's host is one of origins; otherwise the request would have been refused before
		}
		return &consumer.StatusError{
			Status: http.StatusForbidden,
			Reason: "This server listens on a loopback address and does not have the host " + r.Host +
				". If a proxy passes it on, name it with --origin.",
		}
	}
}

// isLoopback reports whether host, which may have a port, is always this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
