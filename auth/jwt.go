package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
)

// JWTConfig configures a JWT. Keys is required.
type JWTConfig struct {
	// Keys verify the signatures: see ReadKeys and NewJWKS.
	Keys Keys
	// Issuer and Audience are what the claims "iss" and "aud" must name, unless they are
	// empty.
	Issuer, Audience string
	// Cookie is the name of a cookie that holds the token, for requests without another. If
	// it is empty, no cookie is read.
	Cookie string
}

// JWT admits clients by JSON Web Tokens (RFC 7519).
//
// The token of a client is the one that its Hocuspocus provider sends, the query parameter
// "token", the bearer token of the Authorization header, or a cookie. The token must be
// signed and must have these claims:
//
//   - exp: when it expires. The connection is closed then.
//   - rooms: an object with the access to each room, such as {"doc-1": "write",
//     "team-a/*": "read"}, where "*" stands for the rest of any name; or a list of rooms,
//     or one room, with the access in the claim "access".
//
// These claims are optional:
//
//   - access: the access to the rooms that don't have their own: write, read, hidden or
//     hidden-write. Default: read.
//   - sub: the user; see consumer.Admission.User.
//   - name: the name of the user, under which the others see the client; see
//     consumer.Admission.Name.
//   - nbf: when it becomes valid.
type JWT struct{ cfg JWTConfig }

// NewJWT returns a JWT.
func NewJWT(cfg JWTConfig) (*JWT, error) {
	if cfg.Keys == nil {
		return nil, errors.New("auth: JWTConfig.Keys is missing")
	}
	return &JWT{cfg}, nil
}

// claims are the claims of a token.
type claims struct {
	jwt.Claims

	Name   string    `json:"name,omitempty"`
	Rooms  roomClaim `json:"rooms"`
	Access string    `json:"access,omitempty"`
}

const (
	maxToken = 16 << 10        // the length of the longest token, in bytes
	maxName  = 256             // the length of the longest name or user, in bytes
	leeway   = 5 * time.Second // how much the clocks of two servers may differ
	maxTried = 8               // how many keys are tried for a token that names none
)

// Admit decides about a request. It is a function for consumer.Hooks.Admit.
func (j *JWT) Admit(ctx context.Context, r consumer.Request) (consumer.Admission, error) {
	token := tokenOf(r, j.cfg.Cookie)
	if token == "" {
		return consumer.Admission{}, unauthorized("A token is needed to open this room.")
	}
	c, err := j.verify(ctx, token)
	if err != nil {
		return consumer.Admission{}, err
	}
	return c.admit(r.Room)
}

// admit returns the admission to a room.
func (c *claims) admit(room string) (a consumer.Admission, err error) {
	word, ok := c.Rooms.access(room, cmp.Or(c.Access, wordRead))
	if !ok {
		return a, forbidden("The token is not for this room.")
	}
	if a.Access, ok = event.ParseAccess(word); !ok {
		return a, unauthorized("The token has an unknown access.")
	}
	if len(c.Subject) > maxName || len(c.Name) > maxName {
		return a, unauthorized("The token has a name that is too long.")
	}
	a.Room, a.Name, a.Expires = room, c.Name, c.Expiry.Time()
	if c.Subject != "" {
		a.User = c.Subject
	}
	return a, nil
}

// verify returns the claims of a token, if it is valid now.
func (j *JWT) verify(ctx context.Context, token string) (*claims, error) {
	if len(token) > maxToken {
		return nil, unauthorized("The token is too long.")
	}
	signed, err := jwt.ParseSigned(token, algorithms)
	if err != nil { // the text of err may quote the token
		return nil, unauthorized("This is not a signed token, or its algorithm is not allowed.")
	}
	c, err := j.claims(ctx, signed)
	if err != nil {
		return nil, err
	}
	switch err := c.ValidateWithLeeway(j.expected(), leeway); {
	case c.Expiry == nil:
		return nil, unauthorized("The token has no expiry.")
	case err == nil:
		return c, nil
	case errors.Is(err, jwt.ErrExpired):
		return nil, unauthorized("The token has expired.")
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return nil, unauthorized("The token is not valid yet.")
	case errors.Is(err, jwt.ErrInvalidIssuer), errors.Is(err, jwt.ErrInvalidAudience):
		return nil, unauthorized("The token is for another server.")
	default:
		return nil, unauthorized("The token is not valid.")
	}
}

func (j *JWT) expected() jwt.Expected {
	e := jwt.Expected{Issuer: j.cfg.Issuer, Time: time.Now()}
	if j.cfg.Audience != "" {
		e.AnyAudience = jwt.Audience{j.cfg.Audience}
	}
	return e
}

// claims returns the claims of a token, if one of the keys has signed it. Which algorithm
// is allowed depends on the key, and not on the token.
func (j *JWT) claims(ctx context.Context, signed *jwt.JSONWebToken) (*claims, error) {
	header := signed.Headers[0]
	keys, err := j.cfg.Keys.find(ctx, header.KeyID)
	if err != nil {
		return nil, err
	}
	tried := 0
	for _, k := range keys {
		if !k.allows(jose.SignatureAlgorithm(header.Algorithm)) {
			continue
		}
		if tried++; tried > maxTried {
			break
		}
		var c claims
		switch err := signed.Claims(k.key, &c); {
		case err == nil:
			return &c, nil
		case !errors.Is(err, jose.ErrCryptoFailure):
			return nil, unauthorized("The claims of the token can't be read.")
		}
	}
	return nil, unauthorized("The token is not signed with a key of this server.")
}

// tokenOf returns the token of a request, or "".
func tokenOf(r consumer.Request, cookie string) string {
	if r.Token != "" || cookie == "" {
		return r.Token
	}
	c, err := r.HTTP.Cookie(cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

func unauthorized(reason string) error {
	return &consumer.StatusError{Status: http.StatusUnauthorized, Reason: reason}
}

func forbidden(reason string) error {
	return &consumer.StatusError{Status: http.StatusForbidden, Reason: reason}
}

// unavailable returns the error for a failure that may pass: clients try again.
func unavailable(reason string, err error) error {
	return fmt.Errorf("%w (%w)", &consumer.StatusError{Status: http.StatusServiceUnavailable, Reason: reason}, err)
}
