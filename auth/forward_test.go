package auth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newForward(tb testing.TB, h *host) *Forward {
	tb.Helper()
	f, err := NewForward(ForwardConfig{URL: "http://app.example.com/rooms?key=password"})
	if err != nil {
		tb.Fatal(err)
	}
	f.client.Transport = h
	return f
}

func answers(status int, contentType, body string) func(*http.Request) (int, string, string, error) {
	return func(*http.Request) (int, string, string, error) { return status, contentType, body, nil }
}

// What the app is asked.
func TestForwardAsks(t *testing.T) {
	h := &host{answer: answers(200, "application/json", `{"access":"write","user":"u1","name":"Ada","expires":"2099-01-31T12:00:00Z","more":1}`)}
	f := newForward(t, h)
	r := consumer.Request{HTTP: httptest.NewRequest(http.MethodGet, "http://docs.example.com/ws/a%20b?token=secret", nil), Room: "a b/ü", Token: "secret"}
	r.HTTP.RemoteAddr = "10.0.0.9:1234"
	for name, value := range map[string]string{"Cookie": "session=1", "User-Agent": "browser", "Origin": "https://docs.example.com", "X-Forwarded-For": "192.0.2.1", "X-Other": "x"} {
		r.HTTP.Header.Set(name, value)
	}
	a, err := f.Admit(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if a.Room != r.Room || a.Access != write || a.User != "u1" || a.Name != "Ada" || a.Expires.Year() != 2099 || a.Renew == nil {
		t.Errorf("admitted with %+v", a)
	}
	if until := time.Until(a.RenewAt); until < 50*time.Second || until > 70*time.Second {
		t.Errorf("renewed in %v", until)
	}
	got := h.asked[0]
	for name, want := range map[string]string{
		"Cookie": "session=1", "Authorization": "Bearer secret", "User-Agent": "browser", "Origin": "https://docs.example.com",
		"X-Yroom-Room": "a%20b%2F%C3%BC", "X-Forwarded-For": "192.0.2.1, 10.0.0.9", "X-Forwarded-Host": "docs.example.com",
		"X-Forwarded-Uri": "/ws/a%20b", "Accept": "application/json", "X-Other": "",
	} {
		if v := got.Header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	if got.Method != http.MethodGet || got.URL.String() != "http://app.example.com/rooms?key=password" {
		t.Errorf("asked with %s %s", got.Method, got.URL)
	}
}

func TestForwardRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		answer func(*http.Request) (int, string, string, error)
		status int
		reason string
	}{
		"unauthorized":   {answers(401, "text/plain; charset=utf-8", "Log in first.\n"), 401, "Log in first."},
		"forbidden":      {answers(403, "text/html", "<h1>No</h1>"), 403, "You may not open this room."},
		"not found":      {answers(404, "", ""), 404, "You may not open this room."},
		"long reason":    {answers(403, "text/plain", strings.Repeat("x", 300)), 403, "You may not open this room."},
		"two lines":      {answers(403, "text/plain", "a\nb"), 403, "You may not open this room."},
		"redirect":       {answers(302, "", ""), 503, "Try again."},
		"server error":   {answers(500, "text/plain", "secret trace"), 503, "Try again."},
		"no content":     {answers(204, "", ""), 503, "Try again."},
		"nonsense":       {answers(200, "text/html", "<h1>Log in</h1>"), 503, "Try again."},
		"no access":      {answers(200, "application/json", `{}`), 503, "Try again."},
		"unknown access": {answers(200, "application/json", `{"access":"admin"}`), 503, "Try again."},
		"access a list":  {answers(200, "application/json", `{"access":["write"]}`), 503, "Try again."},
		"null":           {answers(200, "application/json", `null`), 503, "Try again."},
		"long user":      {answers(200, "application/json", `{"access":"read","user":"`+strings.Repeat("x", 300)+`"}`), 503, "Try again."},
		"large":          {answers(200, "application/json", `{"access":"write","x":"`+strings.Repeat("x", maxAnswer)+`"}`), 503, "Try again."},
		"down":           {unreachable, 503, "Try again."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newForward(t, &host{answer: tc.answer}).Admit(context.Background(), request("doc", "secret"))
			wantRefused(t, err, tc.status, tc.reason)
			if err != nil && strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error reveals too much: %v", err)
			}
		})
	}
	_, err := newForward(t, &host{}).Admit(context.Background(), request("doc", "a\r\nX-Admin: 1"))
	wantRefused(t, err, 401, "characters that can't be sent")
}

// Clients of which the same is asked are asked about once, while the answer is
// awaited and for a while after.
func TestForwardCaches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{answer: func(*http.Request) (int, string, string, error) {
			time.Sleep(time.Second)
			return 200, "", `{"access":"read"}`, nil
		}}
		f := newForward(t, h)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := f.Admit(context.Background(), request("doc", "1")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := h.count(); n != 1 {
			t.Errorf("asked %d times about one user", n)
		}
		for _, r := range []consumer.Request{request("doc", "2"), request("other", "1")} {
			if _, err := f.Admit(context.Background(), r); err != nil {
				t.Error(err)
			}
		}
		if n := h.count(); n != 3 {
			t.Errorf("asked %d times about three", n)
		}
		time.Sleep(keepAnswer)
		if _, err := f.Admit(context.Background(), request("doc", "1")); err != nil {
			t.Error(err)
		}
		if n := h.count(); n != 4 || len(f.answers.entries) != 1 || len(f.answers.order) != 1 {
			t.Errorf("asked %d times; %d answers are kept", n, len(f.answers.entries))
		}
	})
}

// An app that is asked often about a connection is not answered for by an old answer.
func TestForwardRenewsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{answer: answers(200, "", `{"access":"read"}`)}
		f, err := NewForward(ForwardConfig{URL: "http://app.example.com/", Every: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		f.client.Transport = h
		admission, err := f.Admit(context.Background(), request("doc", "1"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(admission.RenewAt))
		if _, err := admission.Renew(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := h.count(); n != 2 {
			t.Errorf("asked %d times, want 2", n)
		}
	})
}

// The answer about one client isn't used for another one that the app may tell apart.
func TestForwardTellsApart(t *testing.T) {
	h := &host{answer: answers(200, "", `{"access":"write"}`)}
	f := newForward(t, h)
	for i, change := range []func(r *http.Request){
		func(*http.Request) {},
		func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1" },
		func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") },
		func(r *http.Request) { r.Host = "other.example.com" },
		func(r *http.Request) { r.Header.Set("Origin", "https://other.example.com") },
		func(r *http.Request) { r.Header.Set("User-Agent", "other") },
		func(r *http.Request) { r.URL.Path = "/hocuspocus" },
	} {
		for range 2 {
			r := request("doc", "")
			change(r.HTTP)
			if _, err := f.Admit(context.Background(), r); err != nil {
				t.Fatal(err)
			}
		}
		if n := h.count(); n != i+1 {
			t.Errorf("asked %d times about %d clients", n, i+1)
		}
	}
}

// Failures aren't kept, and what is kept is bounded.
func TestForwardCacheIsBounded(t *testing.T) {
	c := newCache(keepAnswer)
	for i := range maxKept + 50 {
		id := [32]byte{byte(i), byte(i >> 8), byte(i >> 16)}
		if _, err := c.get(context.Background(), id, func() (answer, error) { return answer{Access: "read"}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	c.mu.Lock()
	c.trim()
	if len(c.entries) > maxKept || len(c.order) != len(c.entries) {
		t.Errorf("%d answers are kept, in an order of %d", len(c.entries), len(c.order))
	}
	n := len(c.entries)
	c.mu.Unlock()
	_, err := c.get(context.Background(), [32]byte{1, 2, 3, 4}, func() (answer, error) { return answer{}, errors.New("down") })
	wantRefused(t, err, 503, "Try again.")
	if len(c.entries) != n {
		t.Error("a failure is kept")
	}
}

// A client that gives up waiting leaves the answer to the others.
func TestForwardGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newForward(t, &host{answer: func(*http.Request) (int, string, string, error) {
			time.Sleep(3 * time.Second)
			return 200, "", `{"access":"read"}`, nil
		}})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := f.Admit(ctx, request("doc", "1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up with %v", err)
		}
		if _, err := f.Admit(context.Background(), request("doc", "1")); err != nil {
			t.Error(err)
		}
	})
}

// A right that was taken away is noticed by the renewal.
func TestForwardRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &host{answer: answers(200, "", `{"access":"write","user":"u1"}`)}
		f := newForward(t, h)
		a, err := f.Admit(context.Background(), request("doc", "1"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(a.RenewAt))
		h.set(answers(200, "", `{"access":"read","user":"u1"}`))
		if a, err = a.Renew(context.Background()); err != nil || a.Access != event.AccessPresent {
			t.Fatalf("renewed with %+v, %v", a, err)
		}
		time.Sleep(time.Until(a.RenewAt))
		h.set(answers(403, "text/plain", "You have left the team."))
		_, err = a.Renew(context.Background())
		wantRefused(t, err, 403, "You have left the team.")
	})
}

// A real server that is slow, or away, refuses in time.
func TestForwardTimeout(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	f, err := NewForward(ForwardConfig{URL: server.URL, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Admit(context.Background(), request("doc", "1"))
	wantRefused(t, err, 503, "Try again.")
	close(hang)
	server.Close()
	_, err = f.Admit(context.Background(), request("doc", "1"))
	wantRefused(t, err, 503, "Try again.")
	f.Close()
}

func TestNewForwardRefuses(t *testing.T) {
	for _, address := range []string{"", "app.example.com", "unix:///x", "http://"} {
		if _, err := NewForward(ForwardConfig{URL: address}); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}
