// Package loopback tells which hosts are always the machine that asks.
package loopback

import (
	"net"
	"net/netip"
	"strings"
)

// Is reports whether host, which may have a port, is always this machine: a loopback
// address, localhost, or a name below it.
func Is(host string) bool {
	host = WithoutPort(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// WithoutPort returns host in lower case, without a port and without the brackets of an
// IPv6 address.
func WithoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}
