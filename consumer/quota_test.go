package consumer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

func TestQuotas(t *testing.T) {
	q, now := newQuotas(), time.Now()
	open := &Settings{}
	own := &Settings{User: Quota{Connections: 3, RoomsPerMinute: 60}, Address: Quota{Connections: 5, RoomsPerMinute: 4}}
	public := &Settings{User: Quota{Connections: 1}}
	home, office := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/64")
	all := map[string][][]tally{}
	enter := func(set *Settings, user string, from netip.Prefix, opens bool, want error) {
		t.Helper()
		count, err := q.enter(set, user, from, opens, now)
		if !errors.Is(err, want) {
			t.Errorf("a connection of %q from %v: %v, want %v", user, from, err, want)
		}
		if err == nil {
			all[user] = append(all[user], count)
		}
	}
	for range 10 {
		enter(open, "ada", home, true, nil)
		enter(own, "", netip.Prefix{}, true, nil)
	}
	for range 3 {
		enter(own, "ada", home, false, nil)
	}
	enter(own, "ada", home, false, errUserFull)
	enter(public, "ada", home, false, errUserFull)
	enter(own, "bob", home, false, nil)
	enter(own, "bob", home, false, nil)
	enter(own, "bob", home, false, errAddressFull)
	enter(own, "bob", office, false, nil) // the refused one was not counted for bob
	for range 4 {
		enter(own, "", office, true, nil)
	}
	enter(own, "", office, true, errAddressFull)
	for _, count := range all["ada"] {
		q.leave(count)
	}
	enter(public, "ada", home, false, nil)
	for range 3 {
		enter(own, "eve", home, false, nil)
	}
	q.leave(all["eve"][0])
	enter(own, "eve", netip.Prefix{}, false, nil)
	for _, count := range append(all["bob"], all["eve"][1:]...) {
		q.leave(count)
	}
	for range 2 {
		enter(own, "fay", home, true, nil)
	}
	for _, user := range []string{"", "fay"} {
		for _, count := range all[user] {
			q.leave(count)
		}
	}
	enter(own, "", office, true, errAddressRooms) // four were opened
	now = now.Add(16 * time.Second)
	enter(own, "", office, true, nil)
	enter(own, "", office, true, errAddressRooms)
	q.leave(all[""][len(all[""])-1])
	q.leave(all["ada"][len(all["ada"])-1])
	q.forget(now)
	if len(q.subjects) == 0 {
		t.Error("addresses that have opened rooms are forgotten at once")
	}
	now = now.Add(2 * time.Minute)
	q.forget(now)
	if len(q.subjects) != 0 {
		t.Errorf("after all have left, %d are counted", len(q.subjects))
	}
}

// byUser admits a client as the user whom its token names.
func byUser(_ context.Context, r Request) (Admission, error) {
	return Admission{Room: r.Room, Access: event.AccessWrite | event.AccessPresent, User: r.Token}, nil
}

// A user who has too many connections, or opens rooms too often, is refused with a reason, and
// admitted later.
func TestUserIsRefused(t *testing.T) {
	var refused []Refusal
	cfg := Config{
		Hooks:    Hooks{Admit: byUser},
		Events:   Events{Refused: func(_ *http.Request, _ int, why Refusal) { refused = append(refused, why) }},
		Settings: func(string) Settings { return Settings{User: Quota{Connections: 2, RoomsPerMinute: 3}} },
	}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		wantRefused := func(room string, why Refusal) {
			t.Helper()
			refused = nil
			w := httptest.NewRecorder()
			h.ServeHTTP(w, upgradeRequest("/"+room+"?token=ada"))
			if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "60" || len(refused) != 1 || refused[0] != why {
				t.Errorf("%s: status %d, header %v, refused for %q, want %q", room, w.Code, w.Header(), refused, why)
			}
		}
		a, _ := h.join("/a?token=ada")
		b, _ := h.join("/b?token=ada")
		wantRefused("a", RefusalUserConnections)
		bob, _ := h.join("/a?token=bob")
		b.close()
		again, _ := h.join("/a?token=ada") // isn't opened
		again.close()
		c, _ := h.join("/c?token=ada")
		c.close()
		synctest.Wait()
		wantRefused("d", RefusalUserRooms)
		a.close()
		bob.close()
		time.Sleep(20 * time.Second)
		d, _ := h.join("/d?token=ada")
		d.close()
		synctest.Wait()
		for _, s := range h.quotas.subjects {
			if s.users != 0 || s.conns != 0 {
				t.Errorf("%d connections are counted after the end", s.conns)
			}
		}
	})
}

// Documents of a Hocuspocus client count as connections. The socket of one that is one too
// many ends, so that the client comes back.
func TestUserIsRefusedADocument(t *testing.T) {
	cfg := withTokens
	cfg.Hooks.Admit = byUser
	cfg.Settings = func(string) Settings { return Settings{User: Quota{Connections: 2}} }
	withProvider(t, cfg, func(t *testing.T, h *harness, p provider) {
		for i := range 2 {
			p.put(fmt.Sprint(i), auth("ada"))
			p.get(fmt.Sprint(i), bodyWrites)
		}
		p.put("2", auth("ada"))
		p.wantClose(protocol.CloseTryLater, "too many connections")
		synctest.Wait()
		for _, s := range h.quotas.subjects {
			if s.users != 0 || s.conns != 0 {
				t.Errorf("%d connections are counted after the end", s.conns)
			}
		}
	})
}

// A user who sends too much is read more slowly, through all connections, and loses none.
func TestUserIsReadSlowly(t *testing.T) {
	cfg := Config{
		Hooks:    Hooks{Admit: byUser},
		Settings: func(string) Settings { return Settings{User: Quota{BytesPerSecond: 1000}} },
	}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		a, _ := h.join("/doc?token=ada")
		b, _ := h.join("/doc?token=ada")
		other, _ := h.join("/doc?token=bob")
		message := testkit.Update(make([]byte, 500-3)) // of 500 bytes
		arrived := func() int {
			h.worker.mu.Lock()
			defer h.worker.mu.Unlock()
			return len(h.worker.inputs) - 3
		}
		start := time.Now()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for range 10 {
				a.MustSend(t, message)
				b.MustSend(t, message)
			}
		}()
		synctest.Wait()
		if n := arrived(); n < 2 || n > 4 {
			t.Errorf("%d messages of 500 bytes have arrived at once", n)
		}
		n := arrived()
		other.MustSend(t, message)
		synctest.Wait()
		if got := arrived(); got != n+1 {
			t.Errorf("a message of another user has not arrived")
		}
		<-sent
		synctest.Wait()
		if took := time.Since(start); took < 8*time.Second || took > 10*time.Second {
			t.Errorf("10,500 bytes took %v", took)
		}
		if s := h.Stats(); s.Rests < 5 || s.Received.Messages != 21 {
			t.Errorf("%+v", s)
		}
		a.close()
		b.close()
		other.close()
	})
}

// A socket that isn't read ends at once when the server shuts down.
func TestShutdownMeetsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Config{
			Hooks:    Hooks{Admit: byUser},
			Settings: func(string) Settings { return Settings{User: Quota{BytesPerSecond: 1}} },
		})
		c, _ := h.join("/doc?token=ada")
		c.MustSend(t, testkit.Update(make([]byte, 10_000)))
		synctest.Wait()
		start := time.Now()
		closed := make(chan struct{})
		go func() { defer close(closed); c.wantClose(protocol.CloseRestart, "restarts") }()
		h.shutdown()
		<-closed
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
