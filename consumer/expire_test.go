package consumer

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/protocol"
)

func TestExpires(t *testing.T) {
	var admitted time.Time
	hooks := Hooks{Admit: func(_ context.Context, r Request) (Admission, error) {
		admitted = time.Now()
		a := Admission{Room: r.Room}
		if r.Token == "short" {
			a.Expires = admitted.Add(30 * time.Second)
		}
		return a, nil
	}}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		h.join("/doc") // never expires
		c, _ := h.join("/doc?token=short")
		c.wantClose(protocol.CloseUnauthorized, "expired")
		if after := time.Since(admitted); after < 30*time.Second || after > 30*time.Second+sweepEvery {
			t.Errorf("closed after %v", after)
		}
		synctest.Wait()
		if n := len(h.all(nil)); n != 1 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestToken(t *testing.T) {
	for name, tc := range map[string]struct {
		r    *http.Request
		want string
	}{
		"none":            {upgradeRequest("/doc"), ""},
		"query":           {upgradeRequest("/doc?a=b&token=x%20y%26z"), "x y&z"},
		"bearer":          {upgradeRequest("/doc", "Authorization", "Bearer abc.def"), "abc.def"},
		"lower case":      {upgradeRequest("/doc", "Authorization", "bearer  abc "), "abc"},
		"basic":           {upgradeRequest("/doc", "Authorization", "Basic abc"), ""},
		"no token":        {upgradeRequest("/doc", "Authorization", "Bearer"), ""},
		"the query first": {upgradeRequest("/doc?token=q", "Authorization", "Bearer b"), "q"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := token(tc.r); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// Admit is called with the context of the request and the Request as it was sent.
func TestAdmitRequest(t *testing.T) {
	type key struct{}
	var got Request
	var value any
	hooks := Hooks{Admit: func(ctx context.Context, r Request) (Admission, error) {
		got, value = r, ctx.Value(key{})
		return Admission{}, &StatusError{Status: http.StatusUnauthorized, Reason: "no"}
	}}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		r := upgradeRequest("/a%20b?token=t")
		r = r.WithContext(context.WithValue(r.Context(), key{}, "value"))
		var refused []int
		h.cfg.Events.Refused = func(_ *http.Request, status int, _ Refusal) { refused = append(refused, status) }
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got.HTTP != r || got.Room != "a b" || got.Token != "t" || value != "value" {
			t.Errorf("Admit got %+v and %v", got, value)
		}
		if len(refused) != 1 || refused[0] != http.StatusUnauthorized {
			t.Errorf("Refused was called with %v", refused)
		}
	})
}
