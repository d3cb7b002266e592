package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// host is an http.RoundTripper in place of a server, so that tests can use the clock of
// synctest.
type host struct {
	mu     sync.Mutex
	asked  []*http.Request
	answer func(*http.Request) (status int, contentType, body string, err error)
}

func (h *host) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.asked = append(h.asked, r)
	answer := h.answer
	h.mu.Unlock()
	status, contentType, body, err := answer(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (h *host) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked)
}

func (h *host) set(answer func(*http.Request) (int, string, string, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func ecKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// keySet answers with a key set.
func keySet(tb testing.TB, keys ...jose.JSONWebKey) func(*http.Request) (int, string, string, error) {
	tb.Helper()
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		tb.Fatal(err)
	}
	return func(*http.Request) (int, string, string, error) { return http.StatusOK, "", string(data), nil }
}

func unreachable(*http.Request) (int, string, string, error) {
	return 0, "", "", io.ErrUnexpectedEOF
}

func newTestJWKS(tb testing.TB, h *host) *JWT {
	tb.Helper()
	keys, err := NewJWKS("https://user:password@app.example.com/jwks.json")
	if err != nil {
		tb.Fatal(err)
	}
	keys.(*jwks).client.Transport = h
	j, err := NewJWT(JWTConfig{Keys: keys})
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

// withID returns the private key for signing with a key id.
func signerWithID(key *ecdsa.PrivateKey, id string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: id}
}

func TestJWKS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := ecKey(t), ecKey(t)
		h := &host{answer: unreachable}
		j := newTestJWKS(t, h)
		token := func(k *ecdsa.PrivateKey, id string) string {
			return sign(t, jose.ES256, signerWithID(k, id), map[string]any{"exp": in(24 * time.Hour), "rooms": "doc"})
		}
		admitted := func(token string) {
			t.Helper()
			if _, err := j.Admit(context.Background(), request("doc", token)); err != nil {
				t.Error(err)
			}
		}
		refused := func(token string, status int, reason string) {
			t.Helper()
			_, err := j.Admit(context.Background(), request("doc", token))
			wantRefused(t, err, status, reason)
			if err != nil && strings.Contains(err.Error(), "password") {
				t.Errorf("the error has the password: %v", err)
			}
		}

		// The key set can't be had at first.
		refused(token(first, "1"), 503, "Try again")
		h.set(keySet(t, jose.JSONWebKey{Key: first.Public(), KeyID: "1", Use: "sig", Algorithm: "ES256"}))
		refused(token(first, "1"), 503, "Try again") // the next attempt has to wait
		time.Sleep(jwksPause)
		admitted(token(first, "1"))
		admitted(token(first, "1"))
		if n := h.count(); n != 2 {
			t.Errorf("fetched %d times", n)
		}

		// The app has another key from now on.
		time.Sleep(jwksPause)
		h.set(keySet(t, jose.JSONWebKey{Key: second.Public(), KeyID: "2"}))
		admitted(token(second, "2"))
		refused(token(first, "1"), 401, "key of this server")

		// Unknown keys don't make the server fetch each time.
		before := h.count()
		for range 100 {
			refused(token(first, "x"), 401, "key of this server")
		}
		if n := h.count() - before; n > 1 {
			t.Errorf("fetched %d times for unknown keys", n)
		}

		// While the key set can't be had, the keys are used for an hour.
		h.set(unreachable)
		time.Sleep(jwksFresh)
		admitted(token(second, "2"))
		time.Sleep(jwksStale - jwksFresh - time.Minute)
		admitted(token(second, "2"))
		time.Sleep(2 * time.Minute)
		refused(token(second, "2"), 503, "Try again")
		h.set(keySet(t, jose.JSONWebKey{Key: second.Public(), KeyID: "2"}))
		time.Sleep(jwksPause)
		admitted(token(second, "2"))
	})
}

func TestParseJWKS(t *testing.T) {
	k := ecKey(t)
	if _, err := parseJWKS([]byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}`)); err == nil {
		t.Error("a secret is used")
	}
	for _, bad := range []string{``, `[]`, `{}`, `{"keys":[5]}`, `{"keys":[{"kty":"RSA"}]}`} {
		if _, err := parseJWKS([]byte(bad)); err == nil {
			t.Errorf("%s is a key set", bad)
		}
	}
	data, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: k.Public(), KeyID: "e", Use: "enc"}, {Key: k.Public(), KeyID: "a", Algorithm: "RS256"}, {Key: k.Public(), KeyID: "s"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := parseJWKS(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.id == "e" || k.allows(jose.ES256) != (k.id == "s") {
			t.Errorf("key %q allows %v", k.id, k.algorithms)
		}
	}
}

func TestNewJWKSRefuses(t *testing.T) {
	for _, address := range []string{"", "app.example.com/jwks", "file:///etc/passwd", "https://"} {
		if _, err := NewJWKS(address); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}
