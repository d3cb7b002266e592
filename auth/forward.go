package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yroom/yroom/consumer"
)

// ForwardConfig configures a Forward. URL is required.
type ForwardConfig struct {
	// URL is the address that is asked, with http or https.
	URL string
	// Timeout bounds how long a client waits for the answer. The default is 5 seconds.
	Timeout time.Duration
	// Every is how often the address is asked again about each connection. The default is
	// a minute.
	Every time.Duration
}

// Forward admits clients by asking another server, such as the app that the users have
// logged in to. Forward sends it a GET request with these header fields of the client:
//
//   - Cookie and Authorization. If the client has sent a token in another way, it is the
//     bearer token of Authorization.
//   - X-Yroom-Room: the name of the room, percent-encoded.
//   - X-Forwarded-For: the address of the client, after those that a proxy in front has
//     written there. X-Forwarded-Host and X-Forwarded-Uri: the host and the path of the
//     client's request.
//   - User-Agent and Origin.
//
// The answer is a JSON object with the status 200:
//
//	{"access": "write", "user": "u17", "name": "Ada", "expires": "2027-01-31T12:00:00Z"}
//
// access is write, read, hidden or hidden-write. user, name and expires are optional: see
// consumer.Admission. The status 401, 403 or 404 refuses the client; its reason is the body,
// if that is one line of plain text. Any other response, or none in time, is a failure: the
// client is refused with 503, and may try again.
//
// Answers are used for 10 seconds, for all clients about which exactly the same is asked.
// The address is asked again about each open connection, about every minute: see
// consumer.Admission.Renew.
type Forward struct {
	cfg     ForwardConfig
	client  *http.Client
	answers *cache
}

const (
	maxInFlight = 64       // requests at once
	maxAnswer   = 64 << 10 // bytes
)

// NewForward returns a Forward.
func NewForward(cfg ForwardConfig) (*Forward, error) {
	if err := checkAddress(cfg.URL, "to ask"); err != nil {
		return nil, err
	}
	cfg.Timeout = cmp.Or(max(cfg.Timeout, 0), 5*time.Second)
	cfg.Every = cmp.Or(max(cfg.Every, 0), time.Minute)
	return &Forward{
		cfg: cfg,
		client: &http.Client{
			Timeout:       cfg.Timeout,
			CheckRedirect: noRedirect,
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: maxInFlight, MaxIdleConnsPerHost: maxInFlight, IdleConnTimeout: time.Minute},
		},
		answers: newCache(min(keepAnswer, cfg.Every/2)),
	}, nil
}

// Close closes the connections that wait for requests.
func (f *Forward) Close() { f.client.CloseIdleConnections() }

// question is what is asked about a client.
type question struct {
	room   string
	header http.Header
}

// asked are the header fields of a client that are passed on as they are.
var asked = []string{"Cookie", "Authorization", "User-Agent", "Origin"}

// newQuestion returns the question for a request.
func newQuestion(r consumer.Request) (question, error) {
	q := question{room: r.Room, header: make(http.Header)}
	for _, name := range asked {
		for _, value := range r.HTTP.Header.Values(name) {
			q.header.Add(name, strings.Clone(value)) // the whole header may be large
		}
	}
	if r.Token != "" {
		if strings.ContainsFunc(r.Token, func(c rune) bool { return c <= ' ' || c > '~' }) || len(r.Token) > maxToken {
			return q, unauthorized("The token has characters that can't be sent, or is too long.")
		}
		q.header.Set("Authorization", "Bearer "+r.Token)
	}
	q.header.Set("X-Yroom-Room", url.PathEscape(r.Room))
	q.header.Set("X-Forwarded-Host", r.HTTP.Host)
	q.header.Set("X-Forwarded-Uri", (&url.URL{Path: r.HTTP.URL.Path}).EscapedPath()) // the query may hold a token
	from := r.HTTP.Header.Values("X-Forwarded-For")
	if host, _, err := net.SplitHostPort(r.HTTP.RemoteAddr); err == nil {
		from = append(slices.Clip(from), host)
	}
	q.header.Set("X-Forwarded-For", strings.Join(from, ", "))
	return q, nil
}

// id identifies the question among others. The answer may depend on all that is asked, such
// as the address of the client. The id doesn't reveal a secret.
func (q *question) id() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", q.room, q.header) // a map is printed in the order of its keys
	return [sha256.Size]byte(h.Sum(nil))
}

// Admit decides about a request. It is a function for consumer.Hooks.Admit.
func (f *Forward) Admit(ctx context.Context, r consumer.Request) (consumer.Admission, error) {
	q, err := newQuestion(r)
	if err != nil {
		return consumer.Admission{}, err
	}
	return f.admit(ctx, &q)
}

// admit decides about a question.
func (f *Forward) admit(ctx context.Context, q *question) (consumer.Admission, error) {
	a, err := f.answers.get(ctx, q.id(), func() (answer, error) { return f.ask(q) })
	if err != nil {
		return consumer.Admission{}, err
	}
	admission, err := a.admit(q.room)
	if err != nil {
		return admission, err
	}
	admission.RenewAt = time.Now().Add(f.cfg.Every*9/10 + rand.N(f.cfg.Every/5)) // not all at once
	admission.Renew = func(ctx context.Context) (consumer.Admission, error) { return f.admit(ctx, q) }
	return admission, nil
}

// ask asks a question.
func (f *Forward) ask(q *question) (answer, error) {
	header := q.header.Clone()
	header.Set("Accept", "application/json")
	r, err := fetch(f.client, f.cfg.URL, header, maxAnswer)
	if err != nil {
		return answer{}, err
	}
	return parseAnswer(r.status, r.contentType, r.body)
}
