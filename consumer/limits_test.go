package consumer

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// requestFrom returns a request from an address, with the values of X-Forwarded-For.
func requestFrom(addr string, forwarded ...string) *http.Request {
	r := upgradeRequest("/doc")
	r.RemoteAddr = addr
	for _, value := range forwarded {
		r.Header.Add("X-Forwarded-For", value)
	}
	return r
}

func TestAddressOf(t *testing.T) {
	const header = "x-forwarded-for"
	for name, tc := range map[string]struct {
		header string
		r      *http.Request
		want   string // "": it isn't counted
	}{
		"a public address":                  {r: requestFrom("192.0.2.7:1"), want: "192.0.2.7/32"},
		"IPv6":                              {r: requestFrom("[2001:db8:1:2:3:4:5:6]:1"), want: "2001:db8:1:2::/64"},
		"IPv4 in IPv6":                      {r: requestFrom("[::ffff:192.0.2.7]:1"), want: "192.0.2.7/32"},
		"this machine":                      {r: requestFrom("127.0.0.1:1")},
		"this machine, IPv6":                {r: requestFrom("[::1]:1")},
		"a private network":                 {r: requestFrom("172.17.0.1:1")},
		"a private network, IPv6":           {r: requestFrom("[fd00::1]:1")},
		"a link":                            {r: requestFrom("[fe80::1%eth0]:1")},
		"no address":                        {r: requestFrom("pipe")},
		"a header that is not trusted":      {r: requestFrom("127.0.0.1:1", "192.0.2.7")},
		"a proxy":                           {header, requestFrom("127.0.0.1:1", "192.0.2.7"), "192.0.2.7/32"},
		"a proxy that adds to what is sent": {header, requestFrom("10.0.0.1:1", "198.51.100.1, 192.0.2.7"), "192.0.2.7/32"},
		"a proxy that adds a field":         {header, requestFrom("10.0.0.1:1", "198.51.100.1", "192.0.2.7"), "192.0.2.7/32"},
		"IPv6 at a proxy":                   {header, requestFrom("10.0.0.1:1", "2001:db8::1"), "2001:db8::/64"},
		"a proxy without the header":        {header, requestFrom("10.0.0.1:1"), ""},
		"a proxy with nonsense":             {header, requestFrom("10.0.0.1:1", "192.0.2.7, unknown"), ""},
		"a private client of a proxy":       {header, requestFrom("127.0.0.1:1", "192.168.1.5"), ""},
		"a client that is not a proxy":      {header, requestFrom("192.0.2.7:1", "198.51.100.1"), "192.0.2.7/32"},
	} {
		t.Run(name, func(t *testing.T) {
			got := newGate(Limits{AddressHeader: tc.header}).addressOf(tc.r)
			if want, _ := netip.ParsePrefix(tc.want); got != want {
				t.Errorf("%v, want %q", got, tc.want)
			}
		})
	}
}

func TestGate(t *testing.T) {
	now := time.Now()
	g := newGate(Limits{Connections: 4, ConnectionsPerAddress: 2, JoinsPerSecond: 100})
	var open []netip.Prefix
	enter := func(addr string, want error) {
		t.Helper()
		from, _, err := g.enter(requestFrom(addr), now)
		if !errors.Is(err, want) {
			t.Errorf("a connection from %s: %v, want %v", addr, err, want)
		}
		if err == nil {
			open = append(open, from)
		}
	}
	enter("192.0.2.1:1", nil)
	enter("192.0.2.1:2", nil)
	enter("192.0.2.1:3", errAddressFull)
	enter("192.0.2.2:1", nil)
	enter("127.0.0.1:1", nil)
	enter("127.0.0.1:2", errFull)
	g.leave(open[0])
	enter("192.0.2.1:3", nil)
	for range 2 {
		g.leave(open[1]) // of the same address
		enter("192.0.2.1:4", nil)
	}
	g.leave(open[1])
	enter("192.0.2.1:5", errAddressFast)
	now = now.Add(time.Second)
	enter("192.0.2.1:5", nil)
	for _, i := range []int{2, 3, 4, 7} { // those that are left
		g.leave(open[i])
	}
	g.forget(now)
	if len(g.from) == 0 {
		t.Error("addresses that have connected are forgotten at once")
	}
	now = now.Add(10 * time.Second)
	g.forget(now)
	if g.open != 0 || len(g.from) != 0 {
		t.Errorf("after all have left, %d are counted, from %v", g.open, g.from)
	}
	admitted, last := 0, time.Duration(0)
	for range 1000 {
		from, wait, err := g.enter(requestFrom("127.0.0.1:1"), now)
		if err == nil {
			admitted++
			if want := max(time.Duration(admitted-5*100)*time.Second/100, 0); wait != want {
				t.Fatalf("connection %d waits %v, want %v", admitted, wait, want)
			}
			last = wait
			g.leave(from)
		} else if !errors.Is(err, errTooFast) {
			t.Fatal(err)
		}
	}
	if want := 5*100 + 50; admitted != want || last != joinPatience {
		t.Errorf("%d connections were admitted, the last after %v, want %d and %v", admitted, last, want, joinPatience)
	}
	now = now.Add(time.Second)
	enter("192.0.2.1:1", nil)
}

// Requests past a limit are refused before they are admitted. One that is refused for
// another reason, and a connection that has ended, don't count.
func TestConnectionLimits(t *testing.T) {
	admitted := 0
	hooks := Hooks{PreConnect: func(*Conn, *http.Request) error {
		admitted++
		if admitted%2 == 0 {
			return errors.New("not you")
		}
		return nil
	}}
	withHarness(t, Config{Limits: Limits{Connections: 2, JoinsPerSecond: 1}, Hooks: hooks}, func(t *testing.T, h *harness) {
		status := func() (int, string) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, upgradeRequest("/doc"))
			return w.Code, w.Header().Get("Retry-After")
		}
		want := func(code int, after string) {
			t.Helper()
			if gotCode, gotAfter := status(); gotCode != code || gotAfter != after {
				t.Errorf("status %d, Retry-After %q, want %d, %q", gotCode, gotAfter, code, after)
			}
		}
		a, _ := h.join("/doc")
		want(http.StatusForbidden, "")
		b, _ := h.join("/doc")
		want(http.StatusServiceUnavailable, "10")
		if admitted != 3 {
			t.Errorf("%d requests were admitted, want 3", admitted)
		}
		a.close()
		synctest.Wait()
		want(http.StatusForbidden, "")
		c, _ := h.join("/doc")
		b.close()
		c.close()
		if admitted != 5 {
			t.Errorf("%d requests were admitted, want the 5 that may be at once", admitted)
		}
		want(http.StatusServiceUnavailable, "1")
		if n := strings.Count(h.logs.String(), "connection refused: "); n != 2 {
			t.Errorf("%d refusals are logged as warnings, want 2:\n%s", n, h.logs)
		}
		time.Sleep(time.Second)
		want(http.StatusForbidden, "")
		time.Sleep(time.Second)
		d, _ := h.join("/doc")
		d.close()
		if h.gate.open != 0 {
			t.Errorf("%d connections are counted, want none", h.gate.open)
		}
	})
}

// When clients connect faster than they are admitted, they are admitted in their order, and
// a client that has given up is not.
func TestConnectionsWaitForTheirTurn(t *testing.T) {
	var mu sync.Mutex
	var admitted []string
	took := func() (rooms []string) {
		mu.Lock()
		defer mu.Unlock()
		rooms, admitted = admitted, nil
		return rooms
	}
	hooks := Hooks{Admit: func(_ context.Context, r Request) (Admission, error) {
		mu.Lock()
		defer mu.Unlock()
		admitted = append(admitted, r.Room)
		return Admission{}, errors.New("no")
	}}
	withHarness(t, Config{Limits: Limits{JoinsPerSecond: 10}, Hooks: hooks}, func(t *testing.T, h *harness) {
		ask := func(room string) (giveUp func()) {
			ctx, giveUp := context.WithCancel(t.Context())
			go h.ServeHTTP(httptest.NewRecorder(), upgradeRequest("/"+room).WithContext(ctx))
			synctest.Wait()
			return giveUp
		}
		for range 50 { // after a pause, as many are admitted at once
			ask("first")
		}
		if n := len(took()); n != 50 {
			t.Errorf("%d requests were admitted at once, want 50", n)
		}
		giveUp := ask("gone")
		ask("a")
		ask("b")
		giveUp()
		time.Sleep(250 * time.Millisecond)
		if got := strings.Join(took(), " "); got != "a" {
			t.Errorf("after 250 ms, %q were admitted, want a", got)
		}
		time.Sleep(time.Second)
		if got := strings.Join(took(), " "); got != "b" {
			t.Errorf("then %q were admitted, want b", got)
		}
		synctest.Wait()
		if h.gate.open != 0 {
			t.Errorf("%d connections are counted, want none", h.gate.open)
		}
	})
}
