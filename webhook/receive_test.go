package webhook

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestReceive(t *testing.T) {
	const body = `{"type":"room.changed","timestamp":"2026-05-06T07:08:09.123Z","data":{"room":"minutes","position":17,"content":"text"}}`
	now := time.Now()
	for name, test := range map[string]struct {
		change func(header http.Header)
		body   string
		err    error
	}{
		"a request":                 {func(http.Header) {}, body, nil},
		"another signature before":  {func(h http.Header) { h.Set("Webhook-Signature", "v1,AAAA "+h.Get("Webhook-Signature")) }, body, nil},
		"another body":              {func(http.Header) {}, strings.Replace(body, "17", "18", 1), ErrSignature},
		"another id":                {func(h http.Header) { h.Set("Webhook-Id", "msg_2") }, body, ErrSignature},
		"no signature":              {func(h http.Header) { h.Del("Webhook-Signature") }, body, ErrSignature},
		"no time":                   {func(h http.Header) { h.Del("Webhook-Timestamp") }, body, ErrSignature},
		"a time that is not signed": {func(h http.Header) { h.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix()-1, 10)) }, body, ErrSignature},
		"an old request":            {at(now.Add(-6*time.Minute), body), body, ErrSignature},
		"a request of the future":   {at(now.Add(6*time.Minute), body), body, ErrSignature},
		"a request of a minute ago": {at(now.Add(-time.Minute), body), body, nil},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(test.body)))
		at(now, body)(r.Header)
		test.change(r.Header)
		m, err := Receive(r, secret)
		if !errors.Is(err, test.err) {
			t.Errorf("%s: the error is %v, want %v", name, err, test.err)
		}
		if err == nil && (m.Type != Changed || m.At.Year() != 2026 || m.Data.Room != "minutes" || m.Data.Position != 17 || string(m.Data.Content) != `"text"`) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("text"))
	at(now, "text")(r.Header)
	if _, err := Receive(r, secret); err == nil || errors.Is(err, ErrSignature) {
		t.Errorf("a signed request without JSON: %v", err)
	}
}

// at signs a request that is sent at a time.
func at(sent time.Time, body string) func(http.Header) {
	return func(h http.Header) {
		h.Set("Webhook-Id", "msg_1")
		h.Set("Webhook-Timestamp", strconv.FormatInt(sent.Unix(), 10))
		h.Set("Webhook-Signature", secret.sign("msg_1", sent, []byte(body)))
	}
}
