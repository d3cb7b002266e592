package auth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Keys are the keys that verify the signatures of tokens.
type Keys interface {
	// find returns the keys that may have signed a token with the given key id, which may
	// be empty. The error is a *consumer.StatusError.
	find(ctx context.Context, id string) ([]key, error)
}

// key is a public key, or a secret.
type key struct {
	id         string // empty if the key has none
	key        any    // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or []byte
	algorithms []jose.SignatureAlgorithm
}

func (k key) allows(a jose.SignatureAlgorithm) bool { return slices.Contains(k.algorithms, a) }

var (
	rsaAlgorithms  = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
	hmacAlgorithms = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}

	// algorithms are those of all keys. The algorithm "none" is not among them.
	algorithms = slices.Concat(hmacAlgorithms, rsaAlgorithms, []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.EdDSA})
)

const (
	shortestSecret = 32   // bytes
	shortestRSA    = 2048 // bits
)

// newKey returns the key with the algorithms that its kind allows.
func newKey(id string, public any) (key, error) {
	k := key{id: id, key: public}
	switch p := public.(type) {
	case []byte:
		if len(p) < shortestSecret {
			return k, fmt.Errorf("a secret of %d bytes is too short: want %d at least, such as the output of openssl rand -hex 32", len(p), shortestSecret)
		}
		k.algorithms = hmacAlgorithms
	case *rsa.PublicKey:
		if p.N.BitLen() < shortestRSA {
			return k, fmt.Errorf("an RSA key of %d bits is too short: want %d at least", p.N.BitLen(), shortestRSA)
		}
		k.algorithms = rsaAlgorithms
	case *ecdsa.PublicKey:
		switch p.Curve {
		case elliptic.P256():
			k.algorithms = []jose.SignatureAlgorithm{jose.ES256}
		case elliptic.P384():
			k.algorithms = []jose.SignatureAlgorithm{jose.ES384}
		case elliptic.P521():
			k.algorithms = []jose.SignatureAlgorithm{jose.ES512}
		default:
			return k, fmt.Errorf("keys on the curve %s are not supported: want P-256, P-384 or P-521", p.Curve.Params().Name)
		}
	case ed25519.PublicKey:
		k.algorithms = []jose.SignatureAlgorithm{jose.EdDSA}
	default:
		return k, fmt.Errorf("keys of type %T are not supported: want RSA, ECDSA or Ed25519", public)
	}
	return k, nil
}

// fixedKeys are keys that don't change.
type fixedKeys []key

func (f fixedKeys) find(_ context.Context, id string) ([]key, error) { return withID(f, id), nil }

// withID returns the keys with the id, and those without an id. An empty id stands for
// all keys.
func withID(keys []key, id string) (found []key) {
	for _, k := range keys {
		if id == "" || k.id == "" || k.id == id {
			found = append(found, k)
		}
	}
	return found
}

// ReadKeys reads keys from a file. It holds public keys or certificates in PEM form, or
// one secret of at least 32 bytes for HMAC, without the newline at its end.
func ReadKeys(path string) (Keys, error) {
	keys, err := readFile(path, parsePublic)
	if err != nil {
		return nil, err
	}
	return fixedKeys(keys), nil
}

// readFile reads a file with keys.
func readFile[T any](path string, parse func([]byte) (T, error)) (parsed T, err error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return parsed, fmt.Errorf("auth: read the key: %w", err)
	}
	if parsed, err = parse(data); err != nil {
		return parsed, fmt.Errorf("auth: %s: %w", path, err)
	}
	return parsed, nil
}

// parsePublic parses what ReadKeys reads.
func parsePublic(data []byte) (keys []key, err error) {
	if !isPEM(data) {
		if isPublic(data) {
			return nil, errors.New("this is a public key in another form: convert it to PEM, or set the address of the key set")
		}
		k, err := newKey("", secretOf(data))
		return []key{k}, err
	}
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		public, err := parseBlock(block)
		if err != nil {
			return nil, err
		}
		k, err := newKey("", public)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("no PEM block could be read")
	}
	return keys, nil
}

// isPEM reports whether data is in PEM form, and so no secret: a public key that was
// taken for a secret would let everyone sign tokens.
func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN")) }

// isPublic reports whether data is a public key in another form than PEM, or a certificate:
// a JSON Web Key or a set of them, DER, or the form of SSH. It is no secret, either.
func isPublic(data []byte) bool {
	text := bytes.TrimSpace(data)
	_, notKey := x509.ParsePKIXPublicKey(data)
	_, notCertificate := x509.ParseCertificate(data)
	return notKey == nil || notCertificate == nil || bytes.HasPrefix(text, []byte("{")) && json.Valid(text) ||
		bytes.HasPrefix(text, []byte("ssh-")) || bytes.HasPrefix(text, []byte("ecdsa-sha2-"))
}

// secretOf returns the secret in a file.
func secretOf(data []byte) []byte { return bytes.TrimRight(data, "\r\n") }

// parseBlock returns the public key in a PEM block.
func parseBlock(block *pem.Block) (public any, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	default:
		private, err := parsePrivate(block)
		if err != nil {
			return nil, err
		}
		return private.Public(), nil
	}
}

// parsePrivate returns the private key in a PEM block.
func parsePrivate(block *pem.Block) (crypto.Signer, error) {
	switch block.Type {
	case "PRIVATE KEY":
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if signer, ok := private.(crypto.Signer); ok {
			return signer, nil
		}
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, fmt.Errorf("the PEM block %.40q holds no key that can be used", block.Type)
}
