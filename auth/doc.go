// Package auth admits clients by JSON Web Tokens, or by asking another HTTP server, so
// that an app in any language decides about the rooms of its users. Its Admit methods
// are functions for consumer.Hooks.Admit:
//
//	keys, err := auth.ReadKeys("public.pem")
//	…
//	tokens, err := auth.NewJWT(auth.JWTConfig{Keys: keys})
//	…
//	server, err := yroom.New(yroom.Config{Hooks: consumer.Hooks{Admit: tokens.Admit}})
//
// Read in this order:
//
//   - access.go: the words for access, and the rooms that a token names
//   - jwt.go: JWT, which verifies tokens; key.go and jwks.go: the keys for it
//   - sign.go: tokens for trying out
//   - forward.go: Forward, which asks another server; answer.go: its answers;
//     cache.go: which it keeps for a while
//   - fetch.go: requests to an address
package auth
