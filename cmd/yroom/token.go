package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/yroom/yroom/auth"
)

type tokenCmd struct {
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`

	Room []string `required:"" placeholder:"NAME" help:"A room that the token opens, or the beginning of names with * after it. May be repeated."`

	Access string `default:"write" placeholder:"ACCESS" values:"write,read,hidden,hidden-write" help:"write, read, hidden or hidden-write (default: write)."`

	Expires time.Duration `default:"1h" placeholder:"DURATION" help:"How long the token is valid (default: 1h)."`

	User    string `placeholder:"ID"   help:"The user (default: none)."`
	Name    string `placeholder:"NAME" help:"The name under which others see the user (default: the one that the client sends)."`
	KeyFile string `placeholder:"FILE" help:"File with the private key, or the secret (default: jwt_key_file in the settings file, if that is a secret)."`
}

// Run prints a token for trying out.
func (c tokenCmd) Run(stdout io.Writer) error {
	file, err := readSettings(c.Config)
	if err != nil {
		return err
	}
	path := cmp.Or(c.KeyFile, file.JWTKeyFile)
	if path == "" {
		return errors.New("there is no key to sign the token with: set --key-file to the private key or the secret")
	}
	signer, err := auth.ReadSigner(path)
	if err != nil {
		return err
	}
	if c.Expires <= 0 {
		return fmt.Errorf("--expires has to be longer than zero, not %v", c.Expires)
	}
	token, err := signer.Sign(auth.Grant{
		Rooms: c.Room, Access: c.Access, User: c.User, Name: c.Name,
		Issuer: file.JWTIssuer, Audience: file.JWTAudience, Expires: time.Now().Add(c.Expires),
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, token)
	return err
}
