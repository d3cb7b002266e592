package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
)

const shortestToken = 16

// apiToken is the token for operators. nil: there is none.
type apiToken struct{ sum [sha256.Size]byte }

func newToken(token string) *apiToken { return &apiToken{sha256.Sum256([]byte(token))} }

// readToken reads the token from a file that contains nothing else, as readTokenFile does,
// and logs its warning. Without a path there is no token.
func readToken(path string, log *slog.Logger) (*apiToken, error) {
	if path == "" {
		return nil, nil
	}
	text, warning, err := readTokenFile(path)
	if err != nil {
		return nil, fmt.Errorf("--api-token-file: %w", err)
	}
	if warning != "" {
		log.Warn(warning)
	}
	return newToken(text), nil
}

// readTokenFile reads a token, as readSecretFile does, and checks it.
func readTokenFile(path string) (token, warning string, err error) {
	token, warning, err = readSecretFile(path)
	if err != nil {
		return "", "", err
	}
	if err := checkToken(token); err != nil {
		return "", "", fmt.Errorf("%s %w", path, err)
	}
	return token, warning, nil
}

// readSecretFile reads a file that contains a secret and nothing else. It refuses a file that
// others may change. The warning, if it isn't empty, says that others may read the file:
// secrets of Kubernetes and of Docker have the modes 0644 and 0444.
func readSecretFile(path string) (secret, warning string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	if perm := info.Mode().Perm(); runtime.GOOS != "windows" {
		if perm&0o022 != 0 {
			return "", "", fmt.Errorf("others may change %s (its mode is %#o): chmod 600 %s", path, perm, path)
		}
		if perm&0o004 != 0 {
			warning = fmt.Sprintf("others may read %s (its mode is %#o): chmod 600 %s, unless only this server can see the file", path, perm, path)
		}
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return "", "", err
	}
	return strings.TrimSpace(string(data)), warning, nil
}

func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("is empty: write a token into it, such as the output of openssl rand -hex 32")
	case strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		return errors.New("holds more than one token, or one with characters that can't be sent: want one of ASCII letters, digits and signs")
	case len(token) < shortestToken:
		return fmt.Errorf("holds a token of %d characters: want %d at least, such as the output of openssl rand -hex 32", len(token), shortestToken)
	}
	return nil
}

// in reports whether r has the token. The comparison takes constant time.
func (t *apiToken) in(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return t != nil && strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1
}
