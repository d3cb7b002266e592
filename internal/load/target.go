package load

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Dialect is how messages are framed.
type Dialect string

const (
	Plain      Dialect = "plain"      // of y-websocket
	Hocuspocus Dialect = "hocuspocus" // of Hocuspocus providers
)

// Target is the server to measure.
type Target struct {
	// URLs are the addresses at which clients connect. The clients of a room take turns among
	// them. "{room}" in an address stands for the name of the room. Without it, the name is
	// appended to the path of a plain address.
	URLs    []string
	Dialect Dialect // default: Plain
	// Token is sent as the token of Hocuspocus clients, and as the query parameter "token" of
	// plain ones.
	Token  string
	Header http.Header // of each request
	// PIDs are the processes of the server. They are measured with all processes that they have
	// started. Without any, only the clients are measured.
	PIDs []int
	// Patience is how long the server may do nothing of what the clients wait for. Default: 10 s.
	Patience time.Duration
	// Progress is called once a second with a line of text. Optional.
	Progress func(line string)
}

const defaultPatience = 10 * time.Second

func (t *Target) patience() time.Duration { return cmp.Or(t.Patience, defaultPatience) }

// placeholder stands for the name of the room in a URL.
const placeholder = "{room}"

// address returns the address at which a client with this number connects to a room.
func (t *Target) address(client int, room string) (string, error) {
	if len(t.URLs) == 0 {
		return "", errors.New("there is no address of a server")
	}
	text := t.URLs[client%len(t.URLs)]
	named := strings.Contains(text, placeholder)
	u, err := url.Parse(strings.ReplaceAll(text, placeholder, url.PathEscape(room)))
	if err != nil {
		return "", fmt.Errorf("the address %q: %w", text, err)
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http", "https":
		u.Scheme = "ws" + strings.TrimPrefix(u.Scheme, "http")
	default:
		return "", fmt.Errorf("the address %q: want one such as ws://127.0.0.1:8000/ws", text)
	}
	if t.Dialect != Hocuspocus {
		if !named {
			u = u.JoinPath(url.PathEscape(room))
		}
		if t.Token != "" {
			query := u.Query()
			query.Set("token", t.Token)
			u.RawQuery = query.Encode()
		}
	}
	return u.String(), nil
}
