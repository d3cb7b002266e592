package main

import (
	"context"
	"errors"

	"github.com/yroom/yroom/auth"
	"github.com/yroom/yroom/consumer"
)

// admitFunc is a consumer.Hooks.Admit.
type admitFunc = func(context.Context, consumer.Request) (consumer.Admission, error)

// hasLogin reports whether clients are admitted by tokens or by the user's app.
func (s AuthSettings) hasLogin() bool {
	return s.JWTKeyFile != "" || s.JWTKeysURL != "" || s.ForwardAuth != ""
}

// admission returns the function that admits clients. Without a login it admits all.
func (s AuthSettings) admission() (admitFunc, error) {
	decide := admitAll
	switch {
	case s.ForwardAuth != "" && (s.JWTKeyFile != "" || s.JWTKeysURL != ""):
		return nil, errors.New("either tokens admit clients, or your app does: set --forward-auth, or --jwt-key-file or --jwt-keys-url")
	case s.JWTKeyFile != "" && s.JWTKeysURL != "":
		return nil, errors.New("the keys of tokens are in a file, or at an address: set --jwt-key-file or --jwt-keys-url, not both")
	case s.ForwardAuth != "":
		app, err := auth.NewForward(auth.ForwardConfig{URL: s.ForwardAuth, Timeout: s.ForwardAuthTimeout, Every: s.ForwardAuthEvery})
		if err != nil {
			return nil, err
		}
		decide = app.Admit
	case s.hasLogin():
		keys, err := s.keys()
		if err != nil {
			return nil, err
		}
		tokens, err := auth.NewJWT(auth.JWTConfig{Keys: keys, Issuer: s.JWTIssuer, Audience: s.JWTAudience, Cookie: s.JWTCookie})
		if err != nil {
			return nil, err
		}
		decide = tokens.Admit
	}
	return func(ctx context.Context, r consumer.Request) (consumer.Admission, error) {
		a, err := decide(ctx, r)
		if err == nil && r.HTTP.URL.Query().Has("readonly") {
			a = withoutWrite(a)
		}
		return a, err
	}, nil
}

func (s AuthSettings) keys() (auth.Keys, error) {
	if s.JWTKeysURL != "" {
		return auth.NewJWKS(s.JWTKeysURL)
	}
	return auth.ReadKeys(s.JWTKeyFile)
}
