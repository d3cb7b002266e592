package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Secret is the key that signs requests. A receiver checks the signature with it.
type Secret []byte

// secretPrefix is the beginning of a secret as text.
const secretPrefix = "whsec_"

// ParseSecret parses a secret in the form of Standard Webhooks: whsec_ and the base64 of 24 to 64
// bytes. The error doesn't have the text.
func ParseSecret(text string) (Secret, error) {
	const example = "such as the output of: echo whsec_$(openssl rand -base64 32)"
	encoded, found := strings.CutPrefix(text, secretPrefix)
	if !found {
		return nil, errors.New("a secret begins with whsec_, " + example)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, errors.New("what follows whsec_ in a secret is base64, " + example)
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("the secret has %d bytes: want 24 to 64, %s", len(key), example)
	}
	return key, nil
}

// sign returns the signature of a request.
func (s Secret) sign(id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, s)
	_, _ = fmt.Fprintf(mac, "%s.%d.", id, at.Unix()) // a hash returns no error
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
