package consumer

import (
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/yroom/yroom/internal/loopback"
)

// errOrigin is a separate value because it is logged with advice for the operator.
var errOrigin = &StatusError{http.StatusForbidden, "This page's origin is not allowed to connect here.", RefusalOrigin}

// checkOrigin refuses requests that a browser sends for a page of another site.
func (c *Consumer) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	host := originHost(origin)
	if len(c.cfg.Origins) == 0 && host != "" && (strings.EqualFold(host, r.Host) || isLocal(r) && loopback.Is(host)) {
		return nil
	}
	for _, pattern := range c.cfg.Origins {
		if ok, err := path.Match(strings.ToLower(pattern), host); ok && err == nil {
			return nil
		}
	}
	return errOrigin
}

// isLocal reports whether r was sent from this machine to a loopback address, and not by
// a proxy for a host of another name. Pages from this machine may send such requests:
// while a page is developed, another server serves it, such as Vite on port 5173, which is
// another origin for a browser.
func isLocal(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return local != nil && loopback.Is(local.String()) && loopback.Is(r.Host)
}

// originHost returns the host of an origin, or "" if it has none, as in "null".
func originHost(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
