package main

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/yroom/yroom/internal/loopback"
)

// guard decides which requests may read the data for operators: those from this machine
// and those with the token.
type guard struct {
	token *apiToken // nil if there is none
	// proxied means that the server has a public name. Then a proxy on this machine
	// may forward requests from others, and not every proxy adds a header.
	proxied bool
}

// forwarding headers are those that proxies add to requests which they forward.
var forwarding = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// refuse returns the reason why r is refused, as a sentence, or "" if it is allowed.
func (g guard) refuse(r *http.Request) string {
	switch {
	case g.token.in(r), g.local(r):
		return ""
	case g.token == nil:
		return "This is only for the machine that the server runs on. Start the server with --api-token-file to see it from elsewhere, or behind a proxy."
	case r.Header.Get("Authorization") != "":
		return "This is not the server’s API token."
	}
	return "This needs the server’s API token."
}

// challenge returns the status for a request that is refused, and sets the header that it
// needs.
func (g guard) challenge(h http.Header) (status int) {
	if g.token == nil {
		return http.StatusForbidden
	}
	h.Set("WWW-Authenticate", `Bearer realm="yroom"`)
	return http.StatusUnauthorized
}

// local reports whether r comes from this machine, and was not forwarded. A page
// of the web whose name resolves to this machine (DNS rebinding) has that name as the host.
func (g guard) local(r *http.Request) bool {
	if g.proxied || !loopback.Is(r.Host) {
		return false
	}
	for _, name := range forwarding {
		if len(r.Header.Values(name)) > 0 {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
