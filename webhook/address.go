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
var errAddress = errors.New("not sent: the address is not on the public internet: list it under allow if requests may be sent to it")

// client returns the client of a webhook. The address of each connection is checked after the
// host's name was resolved, just before the connection is made. This prevents DNS rebinding.
// Redirects are not followed, and no proxy is used, because it would connect in place of this
// process.
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

// public reports whether an address is on the public internet, as opposed to those of this machine
// and of its networks.
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

// special are networks that netip.Addr.IsGlobalUnicast accepts although they are not on the public
// internet.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"100.64.0.0/10",   // shared address space (carrier-grade NAT)
	"192.0.0.0/24",    // IETF protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relay anycast (deprecated)
	"198.18.0.0/15",   // benchmarking
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"240.0.0.0/4",     // reserved
	"::/96",           // IPv4-compatible addresses (deprecated)
	"64:ff9b:1::/48",  // local-use NAT64
	"100::/64",        // discard-only
	"2001::/23",       // IETF protocol assignments, such as Teredo
	"2001:db8::/32",   // documentation
	"3fff::/20",       // documentation
	"5f00::/16",       // segment routing (SRv6)
	"fec0::/10",       // site-local (deprecated)
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
