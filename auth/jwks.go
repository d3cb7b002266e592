package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Times and sizes of a key set that is fetched.
const (
	jwksTimeout = 5 * time.Second
	jwksFresh   = 5 * time.Minute  // older keys are fetched again, while they are in use
	jwksPause   = 10 * time.Second // between two attempts to fetch
	jwksStale   = time.Hour        // older keys are not used
	maxJWKS     = 1 << 20          // bytes
	maxKeys     = 100
)

// jwks is a key set at an address. It implements Keys.
type jwks struct {
	url    string
	client *http.Client

	mu      sync.Mutex
	keys    []key
	fetched time.Time     // when keys arrived
	tried   time.Time     // when the last attempt to fetch began
	flight  chan struct{} // closed when the attempt that runs has ended; nil if none runs
	err     error         // of the last attempt
}

// NewJWKS returns the keys in a JSON Web Key Set (RFC 7517) at an http or https address.
//
// They are fetched when a token has to be verified, again after 5 minutes, and when a
// token names an unknown key, at most every 10 seconds. If the address can't be reached,
// the keys are used for an hour after they were fetched; then tokens are refused with 503
// until the keys can be fetched.
func NewJWKS(address string) (Keys, error) {
	if err := checkAddress(address, "of a key set"); err != nil {
		return nil, err
	}
	return &jwks{url: address, client: &http.Client{Timeout: jwksTimeout, CheckRedirect: noRedirect}}, nil
}

// find implements Keys. It waits for the keys only if it has none that can be used.
func (s *jwks) find(ctx context.Context, id string) ([]key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		found := withID(s.keys, id)
		if time.Since(s.fetched) >= jwksStale {
			found = nil
		}
		switch {
		case len(found) > 0 && time.Since(s.fetched) < jwksFresh:
			return found, nil
		case s.flight == nil && time.Since(s.tried) >= jwksPause:
			s.tried, s.flight = time.Now(), make(chan struct{})
			go s.fetch(s.flight)
		}
		if len(found) > 0 {
			return found, nil
		}
		if s.flight == nil { // the last attempt was a moment ago
			if s.err != nil {
				return nil, unavailable("The server can't fetch the keys that verify tokens. Try again.", s.err)
			}
			return nil, nil
		}
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// wait waits for the attempt that runs. The lock must be held, and is not held meanwhile.
func (s *jwks) wait(ctx context.Context) error {
	flight := s.flight
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-flight:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch fetches the keys, and closes flight.
func (s *jwks) fetch(flight chan struct{}) {
	keys, err := s.get()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight, s.err = nil, err; err == nil {
		s.keys, s.fetched = keys, time.Now()
	}
	close(flight)
}

func (s *jwks) get() ([]key, error) {
	r, err := fetch(s.client, s.url, nil, maxJWKS)
	if err != nil {
		return nil, fmt.Errorf("fetch the key set: %w", err)
	}
	if r.status != http.StatusOK {
		return nil, fmt.Errorf("fetch the key set: status %d", r.status)
	}
	return parseJWKS(r.body)
}

// parseJWKS returns the keys of a key set that can verify tokens. Secrets are left out: an
// address that others can read must not hold any.
func parseJWKS(data []byte) ([]key, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("read the key set: %w", err)
	}
	var keys []key
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var jwk jose.JSONWebKey
		if json.Unmarshal(raw, &jwk) != nil || !jwk.IsPublic() || jwk.Use != "" && jwk.Use != "sig" {
			continue
		}
		k, err := newKey(jwk.KeyID, jwk.Key)
		if err != nil {
			continue
		}
		if jwk.Algorithm != "" {
			k.algorithms = slices.DeleteFunc(slices.Clone(k.algorithms), func(a jose.SignatureAlgorithm) bool { return string(a) != jwk.Algorithm })
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no public key that can verify tokens")
	}
	return keys, nil
}
