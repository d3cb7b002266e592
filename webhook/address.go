package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errAddress means that a request would have been sent to an address that is refused.
var errAddress = errors.New("not sent: other machines can't reach this address, and the setting allow doesn't have it")

// client returns the client of a webhook. The address of each connection is checked after the
// host's name was resolved, just before the connection is made, so a name that leads to another
// address the next time changes nothing. Redirects are not followed, and no proxy is used,
// because it would connect in place of this process.
func (h Hook) client() *http.Client {
	dialer := &net.Dialer{
		Timeout: h.Timeout,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || h.refuses(to.Addr()) {
				return fmt.Errorf("%w: %s", errAddress, address)
			}
			return nil
		},
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    h.Timeout,
			MaxConnsPerHost:        atOnce,
			MaxIdleConnsPerHost:    atOnce,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: maxHeader,
			ForceAttemptHTTP2:      true,
		},
	}
}

// refuses reports whether nothing is sent to an address.
func (h Hook) refuses(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	for _, network := range h.Allow {
		if network.Contains(address) {
			return false
		}
	}
	return !public(address)
}

// public reports whether any machine of the internet may have this address, as opposed to those
// of this machine and of its networks.
func public(address netip.Addr) bool {
	if !address.IsGlobalUnicast() || address.IsPrivate() {
		return false
	}
	for _, network := range special {
		if network.Contains(address) {
			return false
		}
	}
	for _, network := range embedding {
		if !network.prefix.Contains(address) {
			continue
		}
		bytes := address.As16()
		return public(netip.AddrFrom4([4]byte(bytes[network.at:])))
	}
	return true
}

// special are networks that package netip doesn't tell from others.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // shared by the customers of a provider
	"192.0.0.0/24",    // of protocols
	"192.0.2.0/24",    // of documentation
	"192.88.99.0/24",  // of relays, no longer used
	"198.18.0.0/15",   // of benchmarks
	"198.51.100.0/24", // of documentation
	"203.0.113.0/24",  // of documentation
	"240.0.0.0/4",     // reserved
	"::/96",           // IPv4 addresses, no longer used
	"64:ff9b:1::/48",  // of local translators
	"100::/64",        // discarded
	"2001::/23",       // of protocols, such as Teredo
	"2001:db8::/32",   // of documentation
	"3fff::/20",       // of documentation
	"5f00::/16",       // of segment routing
	"fec0::/10",       // of sites, no longer used
)

// embedding are networks of addresses that lead to an IPv4 address in them.
var embedding = []struct {
	prefix netip.Prefix
	at     int // the position of the IPv4 address
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

func prefixes(all ...string) (parsed []netip.Prefix) {
	for _, text := range all {
		parsed = append(parsed, netip.MustParsePrefix(text))
	}
	return parsed
}

// ParseNetwork parses a network, such as 10.0.0.0/8, or a single address.
func ParseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address.Unmap().WithZone(""), address.Unmap().BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an address or a network, such as 127.0.0.1 or 10.0.0.0/8", text)
	}
	return network.Masked(), nil
}
