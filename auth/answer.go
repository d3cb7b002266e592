package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
)

// answer is the answer to a question: a refusal, or what the client may do.
type answer struct {
	refused *consumer.StatusError // nil: the client is admitted

	Access  string    `json:"access"`
	User    string    `json:"user"`
	Name    string    `json:"name"`
	Expires time.Time `json:"expires"`
}

// parseAnswer parses the response to a question. An error means that it isn't an answer.
func parseAnswer(status int, contentType string, body []byte) (a answer, err error) {
	switch status {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		a.refused = &consumer.StatusError{Status: status, Reason: reasonOf(contentType, body)}
		return a, nil
	default:
		return a, fmt.Errorf("the answer has the status %d: want 200, 401, 403 or 404", status)
	}
	if json.Unmarshal(body, &a) != nil { // the error may quote the body
		return answer{}, errors.New(`the answer isn't JSON such as {"access": "write", "user": "u17", "name": "Ada", "expires": "2027-01-31T12:00:00Z"}`)
	}
	if err := CheckAccess(a.Access); err != nil {
		return answer{}, fmt.Errorf("the answer has an unknown access: %w", err)
	}
	if len(a.User) > maxName || len(a.Name) > maxName {
		return answer{}, fmt.Errorf("the answer has a user or a name of more than %d bytes", maxName)
	}
	return a, nil
}

// admit returns the admission to a room.
func (a *answer) admit(room string) (consumer.Admission, error) {
	if a.refused != nil {
		return consumer.Admission{}, a.refused
	}
	admission := consumer.Admission{Room: room, Name: a.Name, Expires: a.Expires}
	admission.Access, _ = event.ParseAccess(a.Access)
	if a.User != "" {
		admission.User = a.User
	}
	return admission, nil
}

// maxRefusal is the length of the longest reason that is passed on, in bytes.
const maxRefusal = 200

// reasonOf returns the reason of a refusal: the body if it is one line of plain text.
func reasonOf(contentType string, body []byte) string {
	const fallback = "You may not open this room."
	kind, _, err := mime.ParseMediaType(contentType)
	reason := strings.TrimSpace(string(body))
	if err != nil || kind != "text/plain" || reason == "" || len(reason) > maxRefusal ||
		!utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl) {
		return fallback
	}
	return reason
}
