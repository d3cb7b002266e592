package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8":              true,
		"93.184.216.34":        true,
		"2606:4700::1111":      true,
		"127.0.0.1":            false,
		"127.8.9.10":           false,
		"::1":                  false,
		"0.0.0.0":              false,
		"::":                   false,
		"0.1.2.3":              false,
		"10.1.2.3":             false,
		"172.16.0.1":           false,
		"172.31.255.255":       false,
		"172.32.0.1":           true,
		"192.168.1.1":          false,
		"100.64.0.1":           false,
		"100.128.0.1":          true,
		"169.254.169.254":      false, // the metadata of clouds
		"fe80::1":              false,
		"fe80::1%eth0":         false,
		"fd00:ec2::254":        false,
		"fc00::1":              false,
		"fec0::1":              false,
		"224.0.0.1":            false,
		"ff02::1":              false,
		"255.255.255.255":      false,
		"240.0.0.1":            false,
		"192.0.0.1":            false,
		"198.18.0.1":           false,
		"::ffff:127.0.0.1":     false,
		"::ffff:8.8.8.8":       true,
		"::127.0.0.1":          false,
		"64:ff9b::7f00:1":      false, // 127.0.0.1
		"64:ff9b::808:808":     true,  // 8.8.8.8
		"64:ff9b:1::808:808":   false,
		"2002:7f00:1::1":       false, // 127.0.0.1
		"2002:a9fe:a9fe::":     false, // 169.254.169.254
		"2002:808:808::1":      true,
		"2001:0:4136:e378::1":  false,
		"2001:4860:4860::8888": true,
		"2001:db8::1":          false,
	} {
		h := Hook{}
		if got := !h.refuses(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: requests may be sent there: %v, want %v", text, got, want)
		}
	}
}

func TestAllow(t *testing.T) {
	for _, test := range []struct {
		allow, address string
		refused        bool
	}{
		{"127.0.0.1", "127.0.0.1", false},
		{"127.0.0.1", "127.0.0.2", true},
		{"127.0.0.1", "::ffff:127.0.0.1", false},
		{"::ffff:127.0.0.1", "127.0.0.1", false},
		{"10.0.0.0/8", "10.200.1.1", false},
		{"10.1.2.3/8", "10.200.1.1", false},
		{"10.0.0.0/8", "192.168.0.1", true},
		{"fe80::/10", "fe80::1%eth0", false},
	} {
		network, err := ParseNetwork(test.allow)
		if err != nil {
			t.Error(err)
			continue
		}
		h := Hook{Allow: []netip.Prefix{network}}
		if got := h.refuses(netip.MustParseAddr(test.address)); got != test.refused {
			t.Errorf("with allow %s, %s is refused: %v, want %v", test.allow, test.address, got, test.refused)
		}
	}
	for _, bad := range []string{"", "localhost", "10.0.0.0/33", "search.internal"} {
		if network, err := ParseNetwork(bad); err == nil {
			t.Errorf("ParseNetwork(%q) returned %v, want an error", bad, network)
		}
	}
}

// sendTo sends a request to an address.
func sendTo(t *testing.T, url string, allow ...string) error {
	t.Helper()
	h := Hook{Name: hookName, URL: url, Secret: secret}
	for _, text := range allow {
		network, err := ParseNetwork(text)
		if err != nil {
			t.Fatal(err)
		}
		h.Allow = append(h.Allow, network)
	}
	h = h.withDefaults()
	f := &feed{hook: h, client: h.client()}
	defer f.client.CloseIdleConnections()
	return f.send(t.Context(), &request{"msg_1", []byte("{}")})
}

// The address of a connection is checked once the host's name was resolved, and redirects are not
// followed.
func TestRequestsToThisMachine(t *testing.T) {
	var asked, reached atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer target.Close()
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, target.URL, http.StatusPermanentRedirect)
	}))
	defer redirecting.Close()
	_, port, err := net.SplitHostPort(target.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{target.URL, "http://localhost:" + port, "http://2130706433:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://0.0.0.0:" + port} {
		if err := sendTo(t, url); err == nil {
			t.Errorf("a request to %s was sent", url)
		} else if !errors.Is(err, errAddress) && !strings.Contains(url, "2130706433") {
			t.Errorf("a request to %s: %v, want an error about its address", url, err)
		}
	}
	if err := sendTo(t, redirecting.URL, "127.0.0.1"); err == nil || !strings.Contains(err.Error(), "308, and redirects are not followed") {
		t.Errorf("a request that is redirected: %v", err)
	}
	if asked.Load() != 1 || reached.Load() != 0 {
		t.Errorf("%d requests have reached the server that was allowed, and %d another one", asked.Load(), reached.Load())
	}
	if err := sendTo(t, target.URL, "127.0.0.0/8"); err != nil || reached.Load() != 1 {
		t.Errorf("a request to an address that is allowed: %v", err)
	}
}
