package webhook

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	good := Hook{Name: hookName, URL: "https://example.com/hook", Secret: secret}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Hook){
		`the name "a b": want 1 to 64 letters`:                 func(h *Hook) { h.Name = "a b" },
		"webhook search: its address must begin with http":     func(h *Hook) { h.URL = "ftp://example.com" },
		"search: its address must begin with http://":          func(h *Hook) { h.URL = "http://" },
		"search: it has no secret":                             func(h *Hook) { h.Secret = nil },
		`search: content "xml": want none, text or json`:       func(h *Hook) { h.Content = "xml" },
		"search: delay, timeout, give_up_after and content_l":  func(h *Hook) { h.Delay = -1 },
		`there is no event "room.opened": want room.created, `: func(h *Hook) { h.Events = []Event{"room.opened"} },
		"room.deleted, connected or disconnected":              func(h *Hook) { h.Events = []Event{"joined"} },
	} {
		h := good
		change(&h)
		if err := h.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: the error is %v, want %q", h, err, want)
		}
	}
	if _, err := New(Config{Hooks: []Hook{good, good}}); err == nil || !strings.Contains(err.Error(), "there are two of this name") {
		t.Errorf("two webhooks of one name: %v", err)
	}
}

func TestParseSecret(t *testing.T) {
	key := strings.Repeat("k", 32)
	got, err := ParseSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(key)))
	if err != nil || string(got) != key {
		t.Errorf("ParseSecret returned %q, %v", got, err)
	}
	for text, want := range map[string]string{
		"0123456789abcdef": "begins with whsec_",
		"whsec_%%%":        "is base64",
		"whsec_c2hvcnQ=":   "has 5 bytes: want 24 to 64",
	} {
		if _, err := ParseSecret(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c2hv") {
			t.Errorf("ParseSecret(%q) returned the error %v, want %q", text, err, want)
		}
	}
}

// The signature is that of the libraries of Standard Webhooks.
func TestSign(t *testing.T) {
	key, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("the signature is %s, want %s", got, want)
	}
}
