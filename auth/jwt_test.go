package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
)

const (
	write  = event.AccessWrite | event.AccessPresent
	read   = event.AccessPresent
	hidden = event.AccessRead
)

// secret is a key for HMAC.
const secret = "0123456789abcdef0123456789abcdef"

func inFile(tb testing.TB, data string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "key")
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func newJWT(tb testing.TB, key string, change func(*JWTConfig)) *JWT {
	tb.Helper()
	keys, err := ReadKeys(inFile(tb, key))
	if err != nil {
		tb.Fatal(err)
	}
	cfg := JWTConfig{Keys: keys}
	if change != nil {
		change(&cfg)
	}
	j, err := NewJWT(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

// sign returns a token with claims.
func sign(tb testing.TB, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// request is one of a client that has sent a token.
func request(room, token string) consumer.Request {
	return consumer.Request{HTTP: httptest.NewRequest(http.MethodGet, "/ws/x", nil), Room: room, Token: token}
}

// wantRefused fails unless err refuses the client with status and a reason that contains
// reason.
func wantRefused(t *testing.T, err error, status int, reason string) {
	t.Helper()
	refused, ok := errors.AsType[*consumer.StatusError](err)
	if !ok {
		t.Errorf("the error is %v, want a refusal with %d", err, status)
		return
	}
	if refused.Status != status || !strings.Contains(refused.Reason, reason) {
		t.Errorf("refused with %d %q, want %d %q", refused.Status, refused.Reason, status, reason)
	}
}

func TestJWTAdmits(t *testing.T) {
	j := newJWT(t, secret+"\n", func(cfg *JWTConfig) { cfg.Issuer, cfg.Audience = "app", "yroom" })
	exp := in(time.Hour)
	for name, tc := range map[string]struct {
		claims map[string]any
		want   event.Access
	}{
		"object":            {map[string]any{"rooms": map[string]any{"a/b": "write"}}, write},
		"read":              {map[string]any{"rooms": map[string]any{"a/b": "read"}}, read},
		"hidden":            {map[string]any{"rooms": map[string]any{"a/b": "hidden"}}, hidden},
		"list":              {map[string]any{"rooms": []string{"x", "a/b"}}, read},
		"string":            {map[string]any{"rooms": "a/b"}, read},
		"list, write":       {map[string]any{"rooms": []string{"a/b"}, "access": "write"}, write},
		"all":               {map[string]any{"rooms": "*", "access": "write"}, write},
		"beginning":         {map[string]any{"rooms": map[string]any{"a/*": "write", "*": "read"}}, write},
		"longest beginning": {map[string]any{"rooms": map[string]any{"a*": "write", "a/*": "read", "*": "write"}}, read},
		"name first":        {map[string]any{"rooms": map[string]any{"a/*": "write", "a/b": "read"}}, read},
	} {
		t.Run(name, func(t *testing.T) {
			tc.claims["exp"], tc.claims["iss"], tc.claims["aud"] = exp, "app", []string{"other", "yroom"}
			tc.claims["sub"], tc.claims["name"] = "u1", "Ada"
			got, err := j.Admit(context.Background(), request("a/b", sign(t, jose.HS256, []byte(secret), tc.claims)))
			if err != nil {
				t.Fatal(err)
			}
			if got.Room != "a/b" || got.Access != tc.want || got.User != "u1" || got.Name != "Ada" || got.Expires.Unix() != exp || got.Renew != nil {
				t.Errorf("admitted with %+v", got)
			}
		})
	}
}

func TestJWTRefuses(t *testing.T) {
	j := newJWT(t, secret, func(cfg *JWTConfig) { cfg.Issuer, cfg.Audience = "app", "yroom" })
	good := func(change map[string]any) map[string]any {
		c := map[string]any{"exp": in(time.Hour), "iss": "app", "aud": "yroom", "rooms": map[string]any{"doc": "write"}}
		for k, v := range change {
			c[k] = v
			if v == nil {
				delete(c, k)
			}
		}
		return c
	}
	signed := func(change map[string]any) string { return sign(t, jose.HS256, []byte(secret), good(change)) }
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	valid := signed(nil)
	head, rest, _ := strings.Cut(valid, ".")
	body, signature, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, tc := range map[string]struct {
		token  string
		status int
		reason string
	}{
		"no token":          {"", 401, "A token is needed"},
		"nonsense":          {"abc", 401, "not a signed token"},
		"none":              {none + "." + body + ".", 401, "algorithm is not allowed"},
		"none, signed":      {none + "." + body + "." + signature, 401, "algorithm is not allowed"},
		"no signature":      {head + "." + body + ".", 401, "key of this server"},
		"changed":           {head + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"rooms":"*"}`)) + "." + signature, 401, "key of this server"},
		"wrong secret":      {sign(t, jose.HS256, []byte(strings.Repeat("x", 32)), good(nil)), 401, "key of this server"},
		"wrong algorithm":   {sign(t, jose.RS256, rsaKey, good(nil)), 401, "key of this server"},
		"expired":           {signed(map[string]any{"exp": in(-time.Minute)}), 401, "has expired"},
		"never expires":     {signed(map[string]any{"exp": nil}), 401, "no expiry"},
		"not yet valid":     {signed(map[string]any{"nbf": in(time.Minute)}), 401, "not valid yet"},
		"other issuer":      {signed(map[string]any{"iss": "x"}), 401, "another server"},
		"no issuer":         {signed(map[string]any{"iss": nil}), 401, "another server"},
		"other audience":    {signed(map[string]any{"aud": "x"}), 401, "another server"},
		"no audience":       {signed(map[string]any{"aud": nil}), 401, "another server"},
		"other room":        {signed(map[string]any{"rooms": "other"}), 403, "not for this room"},
		"no room":           {signed(map[string]any{"rooms": nil}), 403, "not for this room"},
		"longer room":       {signed(map[string]any{"rooms": "documents"}), 403, "not for this room"},
		"beginning":         {signed(map[string]any{"rooms": "do"}), 403, "not for this room"},
		"null rooms":        {signed(map[string]any{"rooms": json.RawMessage("null")}), 401, "can't be read"},
		"rooms a number":    {signed(map[string]any{"rooms": 5}), 401, "can't be read"},
		"rooms of numbers":  {signed(map[string]any{"rooms": []int{5}}), 401, "can't be read"},
		"access a number":   {signed(map[string]any{"rooms": map[string]any{"doc": 1}}), 401, "can't be read"},
		"null access":       {signed(map[string]any{"rooms": map[string]any{"doc": nil}, "access": "write"}), 401, "can't be read"},
		"empty access":      {signed(map[string]any{"rooms": map[string]any{"doc": ""}, "access": "write"}), 401, "can't be read"},
		"unknown access":    {signed(map[string]any{"rooms": map[string]any{"doc": "admin"}}), 401, "unknown access"},
		"long name":         {signed(map[string]any{"name": strings.Repeat("x", 300)}), 401, "too long"},
		"long token":        {signed(map[string]any{"x": strings.Repeat("x", maxToken)}), 401, "too long"},
		"exp of a text":     {signed(map[string]any{"exp": "tomorrow"}), 401, "can't be read"},
		"exp out of range":  {signed(map[string]any{"exp": 1e300}), 401, "can't be read"},
		"encrypted":         {"a.b.c.d.e", 401, "not a signed token"},
		"cookie, not asked": {"", 401, "A token is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request("doc", tc.token)
			r.HTTP.AddCookie(&http.Cookie{Name: "token", Value: valid})
			_, err := j.Admit(context.Background(), r)
			wantRefused(t, err, tc.status, tc.reason)
			if tc.token != "" && strings.Contains(err.Error(), tc.token) {
				t.Error("the error has the token")
			}
		})
	}
}

// A token is read from a cookie if the operator has named it.
func TestJWTCookie(t *testing.T) {
	j := newJWT(t, secret, func(cfg *JWTConfig) { cfg.Cookie = "room_token" })
	r := request("doc", "")
	r.HTTP.AddCookie(&http.Cookie{Name: "room_token", Value: sign(t, jose.HS256, []byte(secret), map[string]any{"exp": in(time.Hour), "rooms": "doc"})})
	if _, err := j.Admit(context.Background(), r); err != nil {
		t.Error(err)
	}
	r.Token = "another"
	_, err := j.Admit(context.Background(), r)
	wantRefused(t, err, 401, "not a signed token")
}

// pemOf returns a public key in PEM form.
func pemOf(tb testing.TB, public any) string {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Each kind of key verifies what its private key has signed, and nothing that is signed with
// the public key as a secret.
func TestJWTKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: rsaKey, jose.PS384: rsaKey, jose.EdDSA: edKey}
	for a, curve := range map[jose.SignatureAlgorithm]elliptic.Curve{jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521()} {
		if keys[a], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	claims := map[string]any{"exp": in(time.Hour), "rooms": "doc"}
	for a, key := range keys {
		t.Run(string(a), func(t *testing.T) {
			text := pemOf(t, key.Public())
			j := newJWT(t, pemOf(t, keys[jose.ES256].Public())+text, nil) // a file may hold several keys
			if _, err := j.Admit(context.Background(), request("doc", sign(t, a, key, claims))); err != nil {
				t.Error(err)
			}
			for _, forged := range []string{text, strings.TrimSpace(text)} {
				_, err := j.Admit(context.Background(), request("doc", sign(t, jose.HS256, []byte(forged), claims)))
				wantRefused(t, err, 401, "key of this server")
			}

			// The private key signs tokens for trying out.
			der, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := ReadSigner(inFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))))
			if err != nil {
				t.Fatal(err)
			}
			token, err := signer.Sign(Grant{Rooms: []string{"doc"}, Access: "write", User: "u", Expires: time.Now().Add(time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := j.Admit(context.Background(), request("doc", token)); err != nil || got.Access != write || got.User != "u" {
				t.Errorf("admitted with %+v, %v", got, err)
			}
		})
	}
}

func TestReadKeysRefuses(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), 1023)
	small := &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(pemOf(t, public)))
	jwk, err := jose.JSONWebKey{Key: public, KeyID: "1"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ data, want string }{
		"empty":        {"", "too short"},
		"short secret": {"secret\n", "too short: want 32"},
		"damaged PEM":  {"-----BEGIN PUBLIC KEY-----\nMIIB\n", "no PEM block"},
		"DER":          {string(block.Bytes), "public key in another form"},
		"JWK":          {string(jwk), "public key in another form"},
		"JWKS":         {"\n{\"keys\": [" + string(jwk) + "]}", "public key in another form"},
		"SSH":          {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKQ0tr9hM0yDPo5rk0cHtkAcGcAuVNmf ada@example.com", "public key in another form"},
		"other PEM":    {string(pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS"})), `"DH PARAMETERS" holds no key`},
		"small RSA":    {pemOf(t, small), "1024 bits is too short"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ReadKeys(inFile(t, tc.data)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	if _, err := ReadSigner(inFile(t, pemOf(t, small))); err == nil || !strings.Contains(err.Error(), "needs the private key") {
		t.Errorf("a public key signs: %v", err)
	}
}

func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{"rooms":{"a":"write"},"exp":1}`, `{"rooms":["a*"]}`, `{"rooms":"*","access":"read"}`, `{"rooms":[[]]}`, `{"rooms":null}`} {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, text, room string) {
		var c claims
		if json.Unmarshal([]byte(text), &c) != nil {
			return
		}
		if c.Expiry == nil {
			c.Expiry = jwt.NewNumericDate(time.Now())
		}
		a, err := c.admit(room)
		if err == nil && (a.Room != room || len(c.Rooms) == 0) {
			t.Errorf("admitted to %q with %+v", a.Room, c)
		}
	})
}

func BenchmarkJWT(b *testing.B) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		b.Fatal(err)
	}
	ec, claims := ecKey(b), map[string]any{"exp": in(time.Hour), "rooms": "doc"}
	for _, bc := range []struct {
		algorithm jose.SignatureAlgorithm
		signer    any
		file      string
	}{
		{jose.HS256, []byte(secret), secret},
		{jose.ES256, ec, pemOf(b, ec.Public())},
		{jose.RS256, rsaKey, pemOf(b, rsaKey.Public())},
	} {
		b.Run(string(bc.algorithm), func(b *testing.B) {
			j, r := newJWT(b, bc.file, nil), request("doc", sign(b, bc.algorithm, bc.signer, claims))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := j.Admit(context.Background(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
