// Package busurl parses the addresses of brokers. They may name several hosts, as in
// nats://user:password@a:4222,b:4222, which net/url refuses. Errors contain only the
// scheme, the prefix and the names of the parameters of an address, because the rest may
// contain a password.
package busurl

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// URL is the address of a broker.
type URL struct {
	Scheme string
	User   *url.Userinfo // nil if the address has none
	Hosts  []string      // with ports
	Path   string        // without the slash before it
	Prefix string        // all names that the layer uses at the broker begin with it
	Query  url.Values
}

// Parse parses an address. A host without a port gets the given port. The query of the
// address may have the parameter prefix and the given parameters.
func Parse(address, port string, parameters ...string) (*URL, error) {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return nil, errors.New("the address has no scheme, as in redis://host:6379")
	}
	malformed := fmt.Errorf("the address is not a valid URL %s://user:password@host:%s, in which user and password are percent-encoded", scheme, port)
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, rest := rest[:end], rest[end:]
	at := strings.LastIndex(authority, "@") + 1
	if strings.Contains(rest, "@") || strings.Count(authority, "@") > 1 {
		return nil, malformed // a part of the password could be taken for something else, and then be shown
	}
	var u URL
	for host := range strings.SplitSeq(authority[at:], ",") {
		one, err := url.Parse(scheme + "://" + authority[:at] + host + rest)
		if err != nil || one.Hostname() == "" || one.Fragment != "" {
			return nil, malformed
		}
		query, err := url.ParseQuery(one.RawQuery)
		if err != nil {
			return nil, malformed
		}
		p := one.Port()
		if p == "" {
			p = port
		}
		u.Scheme, u.User, u.Path, u.Query = one.Scheme, one.User, strings.TrimPrefix(one.Path, "/"), query
		u.Hosts = append(u.Hosts, net.JoinHostPort(one.Hostname(), p))
	}
	known := append([]string{"prefix"}, parameters...)
	for _, name := range slices.Sorted(maps.Keys(u.Query)) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("the address has the unknown parameter %q; the parameters are %s", name, strings.Join(known, ", "))
		}
	}
	u.Prefix = "yroom"
	if u.Query.Has("prefix") {
		u.Prefix = u.Query.Get("prefix")
	}
	if len(u.Prefix) == 0 || len(u.Prefix) > 64 || strings.ContainsFunc(u.Prefix, unfit) {
		return nil, fmt.Errorf("the prefix %.100q in the address is not 1 to 64 letters, digits, - or _", u.Prefix)
	}
	return &u, nil
}

// unfit reports whether a character may have a meaning in the names of a broker.
func unfit(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// Password returns the password, or "" if the address has none.
func (u *URL) Password() string {
	password, _ := u.User.Password()
	return password
}
