package webhook

import (
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrSignature means that a request is not signed with the secret, or that its timestamp is more
// than five minutes in the past or in the future. Answer it with http.StatusUnauthorized.
var ErrSignature = errors.New("webhook: the request is not signed with the secret, or its time is more than five minutes from now")

// oldest is how far the timestamp of a request may be from now.
const oldest = 5 * time.Minute

// Receive checks the signature of a webhook's request and returns its message. It is for the
// program that receives the requests. The error is ErrSignature, or says why the request can't be
// read. Bound the body before, with http.MaxBytesReader.
func Receive(r *http.Request, secret Secret) (Message, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Message{}, fmt.Errorf("webhook: the request can't be read: %w", err)
	}
	seconds, err := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
	sent := time.Unix(seconds, 0)
	if age := time.Since(sent); err != nil || age > oldest || age < -oldest {
		return Message{}, ErrSignature
	}
	want, signed := []byte(secret.sign(r.Header.Get("Webhook-Id"), sent, body)), false
	for signature := range strings.FieldsSeq(r.Header.Get("Webhook-Signature")) {
		signed = signed || hmac.Equal([]byte(signature), want)
	}
	if !signed {
		return Message{}, ErrSignature
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		return Message{}, fmt.Errorf("webhook: the request is not JSON of a webhook: %w", err)
	}
	return m, nil
}
