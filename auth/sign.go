package auth

import (
	"cmp"
	"encoding/pem"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Grant is what a token permits. See JWT for its fields.
type Grant struct {
	Rooms            []string // names, or beginnings of names with "*" after them
	Access           string   // write, read, hidden or hidden-write
	User, Name       string   // may be empty
	Issuer, Audience string   // may be empty
	Expires          time.Time
}

// Signer signs tokens.
type Signer struct{ signer jose.Signer }

// ReadSigner reads the key of a Signer from a file: a private key in PEM form, or a
// secret as ReadKeys reads it.
func ReadSigner(path string) (*Signer, error) { return readFile(path, parseSigner) }

func parseSigner(data []byte) (*Signer, error) {
	var private any = secretOf(data)
	public := private
	if isPEM(data) {
		block, _ := pem.Decode(data)
		if block == nil {
			return nil, errors.New("no PEM block could be read")
		}
		signer, err := parsePrivate(block)
		if err != nil {
			return nil, errors.New("this is not a private key: the server verifies tokens with the public key, but signing needs the private key")
		}
		private, public = signer, signer.Public()
	}
	k, err := newKey("", public)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.algorithms[0], Key: private}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, err
	}
	return &Signer{signer}, nil
}

// Sign returns a token. The error says what is wrong with g.
func (s *Signer) Sign(g Grant) (string, error) {
	g.Access = cmp.Or(g.Access, wordRead)
	if err := CheckAccess(g.Access); err != nil {
		return "", err
	}
	c := claims{
		Claims: jwt.Claims{Issuer: g.Issuer, Subject: g.User, Expiry: jwt.NewNumericDate(g.Expires)},
		Name:   g.Name,
		Rooms:  make(roomClaim, len(g.Rooms)),
	}
	if g.Audience != "" {
		c.Audience = jwt.Audience{g.Audience}
	}
	for _, room := range g.Rooms {
		c.Rooms[room] = g.Access
	}
	return jwt.Signed(s.signer).Claims(c).Serialize()
}
