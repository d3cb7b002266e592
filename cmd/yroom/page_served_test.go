package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/yroom/yroom"
)

// upgrade sends a WebSocket handshake, and returns the cookies of the response.
func (p *place) upgrade(query string) []*http.Cookie {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.web.URL+"/ws/a"+query, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"MDEyMzQ1Njc4OWFiY2RlZg=="},
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		p.t.Errorf("%s: status %d", query, resp.StatusCode)
	}
	return resp.Cookies()
}

// The response to a page's socket has a cookie with the name of the consumer.
func TestSocketTellsItsConsumer(t *testing.T) {
	p := newPlace(t, yroom.Config{})
	cookies := p.upgrade("?tab=0a9z")
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	if c := cookies[0]; c.Name != "yroom-consumer-0a9z" || c.Value != "c" || c.Path != "/" || c.MaxAge != 10 || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %v", c)
	}
	for _, query := range []string{"", "?tab=", "?tab=a%3Bb", "?tab=A", "?tab=" + strings.Repeat("a", 33)} {
		if cookies := p.upgrade(query); len(cookies) > 0 {
			t.Errorf("%s: cookies %v", query, cookies)
		}
	}
}

func TestServed(t *testing.T) {
	p := newPlace(t, yroom.Config{Name: "w"})
	p.connect("a").MustAwait(t, emptyStep1) // so that the room is open
	for room, want := range map[string]processes{"a": {"c", "w"}, "none": {"c", ""}} {
		if status, got := get[processes](p, "/served.json", "room", room); status != http.StatusOK || got != want {
			t.Errorf("%s: %d %v, want %v", room, status, got, want)
		}
	}
	if status, got := get[problem](p, "/served.json"); status != http.StatusBadRequest || got.Error == "" {
		t.Errorf("without a room: %d %v", status, got)
	}
	resp, err := http.Post(p.web.URL+"/served.json?room=a", "text/plain", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}
