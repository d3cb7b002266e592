package main

import (
	"net"
	"net/http"
	"net/netip"
)

// guard decides who may see what is for operators: requests from this machine,
// and those with the token.
type guard struct {
	token *apiToken // nil: there is none
	// proxied says that the server has a name in the world, so that something on
	// this machine may pass on the requests of others. Not every proxy says so.
	proxied bool
}

// forwarding headers are those by which a proxy tells for whom it asks.
var forwarding = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// refuse gives the reason why r may not see it, in a sentence to show; "": it may.
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

// local tells whether r comes from this machine, and from nobody behind it. A
// page of the web whose name leads here (DNS rebinding) gives that name as the host.
func (g guard) local(r *http.Request) bool {
	if g.proxied || !isLoopback(r.Host) {
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
