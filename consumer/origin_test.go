package consumer

import (
	"context"
	"net"
	"net/http"
	"testing"
)

// Without Origins, pages of this machine may connect to a loopback address.
func TestLoopbackOrigins(t *testing.T) {
	c := &Consumer{}
	for name, tc := range map[string]struct {
		local, host, origin string
		want                bool
	}{
		"a dev server":        {"127.0.0.1:8000", "127.0.0.1:8000", "http://localhost:5173", true},
		"by name":             {"127.0.0.1:8000", "localhost:8000", "http://127.0.0.1:5173", true},
		"a subdomain":         {"127.0.0.1:8000", "localhost:8000", "http://app.localhost:3000", true},
		"IPv6":                {"[::1]:8000", "[::1]:8000", "http://[::1]:5173", true},
		"another page":        {"127.0.0.1:8000", "127.0.0.1:8000", "https://evil.example", false},
		"a name like it":      {"127.0.0.1:8000", "127.0.0.1:8000", "https://localhost.evil.example", false},
		"an opaque page":      {"127.0.0.1:8000", "127.0.0.1:8000", "null", false},
		"rebound":             {"127.0.0.1:8000", "evil.example:8000", "http://localhost:5173", false},
		"behind a proxy":      {"127.0.0.1:8000", "app.example.com", "http://localhost:5173", false},
		"on another address":  {"10.0.0.1:8000", "localhost:8000", "http://localhost:5173", false},
		"no address is known": {"", "localhost:8000", "http://localhost:5173", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := upgradeRequest("/doc", "Origin", tc.origin)
			r.Host = tc.host
			if tc.local != "" {
				addr, err := net.ResolveTCPAddr("tcp", tc.local)
				if err != nil {
					t.Fatal(err)
				}
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, addr))
			}
			if err := c.checkOrigin(r); (err == nil) != tc.want {
				t.Errorf("checked with %v", err)
			}
		})
	}
}
