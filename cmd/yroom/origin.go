package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/internal/loopback"
)

// loopbackOrigins may connect to a server that only this machine can reach,
// unless other origins are set. Developers often serve their pages from another port,
// such as 5173 of Vite, which is another origin for a browser. Pages from this machine
// are trusted.
var loopbackOrigins = []string{
	"localhost", "localhost:*", "*.localhost", "*.localhost:*", "127.0.0.1", "127.0.0.1:*", `\[::1\]`, `\[::1\]:*`,
}

// ownOrigins returns the origins that may connect to a server without --origin that
// listens on addr, which only this machine can reach.
func ownOrigins(addr net.Addr) []string {
	if strings.HasPrefix(addr.String(), "[") {
		return loopbackOrigins // [::1] is among them
	}
	return append(slices.Clone(loopbackOrigins), addr.String()) // it may be 127.0.0.2
}

// knownHosts returns admit for a server without --origin. Such a server admits any page whose
// host is the Host of the request. But a page from the web can make its own host name
// resolve to this server after it was loaded (DNS rebinding). So the Host of a browser's
// request has to be an address or a loopback name, which the host of such a page isn't.
func knownHosts(admit admitFunc) admitFunc {
	return func(ctx context.Context, r consumer.Request) (consumer.Admission, error) {
		if host := r.HTTP.Host; r.HTTP.Header.Get("Origin") != "" && !isAddress(host) && !loopback.Is(host) {
			return consumer.Admission{}, &consumer.StatusError{
				Status: http.StatusForbidden,
				Reason: fmt.Sprintf("This server was not told that its host is %.256q. If it is, start the server with --origin and this host.", host),
			}
		}
		return admit(ctx, r)
	}
}

// isAddress reports whether host, which may have a port, is an IP address.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(loopback.WithoutPort(host))
	return err == nil
}
