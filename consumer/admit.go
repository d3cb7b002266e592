package consumer

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yroom/yroom/room"
)

const maxRoomName = 255

// errOrigin is told apart from other refusals because the log says what to do.
var errOrigin = &StatusError{http.StatusForbidden, "This page's origin is not allowed to connect here."}

// checkRequest tells whether r asks for a WebSocket.
func checkRequest(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet &&
		hasToken(r.Header, "Connection", "upgrade") &&
		hasToken(r.Header, "Upgrade", "websocket") &&
		r.Header.Get("Sec-WebSocket-Version") == "13" {
		return nil
	}
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Sec-WebSocket-Version", "13")
	return &StatusError{
		http.StatusUpgradeRequired,
		"This address speaks WebSocket. Connect a Yjs client to it, such as y-websocket's WebsocketProvider.",
	}
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// checkOrigin refuses browsers that come from somebody else's page.
func (c *Consumer) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	host := originHost(origin)
	if host != "" && strings.EqualFold(host, r.Host) {
		return nil
	}
	for _, pattern := range c.cfg.Origins {
		if ok, err := path.Match(strings.ToLower(pattern), host); ok && err == nil {
			return nil
		}
	}
	return errOrigin
}

// originHost is "" where an origin has no host, as "null" has none.
func originHost(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

func roomOfPath(r *http.Request) string {
	if strings.Contains(r.Pattern, "{room}") || strings.Contains(r.Pattern, "{room...}") {
		return r.PathValue("room")
	}
	return strings.TrimPrefix(r.URL.Path, "/")
}

// ValidRoom tells whether a room can have that name: 1 to 255 bytes of UTF-8,
// not blank, without control characters.
func ValidRoom(name string) bool {
	return len(name) <= maxRoomName && utf8.ValidString(name) && strings.TrimSpace(name) != "" && !strings.ContainsFunc(name, unicode.IsControl)
}

func checkRoom(name string) error {
	if !ValidRoom(name) {
		return &StatusError{http.StatusBadRequest, "A room name is 1 to 255 bytes of UTF-8, not blank and without control characters."}
	}
	return nil
}

// admit decides about a request before it is upgraded.
func (c *Consumer) admit(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	named := c.cfg.Hooks.Admit == nil
	a := Admission{Room: roomOfPath(r), Access: room.Write | room.Present}
	if named { // a wrong address is a wrong address, whatever is asked for there
		if err := checkRoom(a.Room); err != nil {
			return nil, err
		}
	}
	if err := checkRequest(w, r); err != nil {
		return nil, err
	}
	if err := c.checkOrigin(r); err != nil {
		return nil, err
	}
	if !named {
		if err := c.guard(nil, "Admit", func() (err error) {
			a, err = c.cfg.Hooks.Admit(r)
			return err
		}); err != nil {
			return nil, err
		}
		if err := checkRoom(a.Room); err != nil {
			return nil, err
		}
	}
	conn := c.newConn(a, r)
	if c.cfg.Hooks.PreConnect != nil {
		if err := conn.guard("PreConnect", func() error { return c.cfg.Hooks.PreConnect(conn) }); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// refuse answers a request that isn't upgraded.
func (c *Consumer) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, reason := http.StatusForbidden, "Forbidden."
	var se *StatusError
	switch {
	case errors.As(err, &se):
		if reason = se.Reason; se.Status >= 400 && se.Status < 600 {
			status = se.Status
		}
	case errors.Is(err, errPanic):
		status, reason = http.StatusInternalServerError, "The server made a mistake."
	}
	if errors.Is(err, errOrigin) {
		origin := r.Header.Get("Origin")
		c.log.Warn("origin refused: if this page may connect, add its host to the allowed origins",
			"addr", r.RemoteAddr, "origin", cut(origin, maxLogged), "host", cut(r.Host, maxLogged), "add", cut(originHost(origin), maxLogged))
	} else {
		c.log.Info("refused", "addr", r.RemoteAddr, "status", status, "error", err)
	}
	http.Error(w, reason, status)
}
