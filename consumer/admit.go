package consumer

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/yroom/yroom/event"
)

// Request is a client's request to connect to a room.
type Request struct {
	// HTTP is the request that is to be upgraded, or that has opened the socket of a
	// Hocuspocus client. It must not be kept, because its header may be large: what later hooks
	// need of it belongs into Admission.User.
	HTTP *http.Request
	// Room is the {room} or {room...} of the pattern that the request matched, or the path
	// without its leading slash if the pattern has none. It isn't checked yet. For a Hocuspocus
	// client it is the name of the document, which is checked.
	Room string
	// Token is what a Hocuspocus client has sent for the document, or else the query
	// parameter "token", or the bearer token of the Authorization header, or empty.
	Token string
}

// Admission is the decision of Hooks.Admit about a request.
type Admission struct {
	Room   string       // a name that event.CheckName accepts
	Access event.Access // the zero value is read-only
	// User is the value that Conn.User returns. Connections whose Users are the same string
	// are connections of one user, who may take over a client id in awareness from one of
	// them with another. Between other connections this is possible only once the
	// connection that has the client id has ended or doesn't answer a ping.
	User any
	// Expires is when the connection is closed with 4401, to within some seconds.
	// The zero time means never.
	Expires time.Time
	// Name is the name of the user, or empty. It takes the place of the field "name" in the
	// field "user" of the awareness states that the client sends, by which editors show the
	// others. So the client can't appear under another name.
	Name string
	// Renew, unless it is nil, is called some seconds after RenewAt at most, on a goroutine of
	// its own. The Admission that it returns replaces this one. It must be for
	// the same Room and User. A *StatusError below 500 closes the connection: with 4401 if it
	// is 401, and otherwise with 4403. Any other error is a failure to decide. Then Renew is
	// called again every 5 seconds, and the connection is closed with 1013 after a minute.
	Renew   func(context.Context) (Admission, error)
	RenewAt time.Time
}

// StatusError refuses a request with an HTTP status before the upgrade, of which the
// client sees both fields, or a document to a Hocuspocus client, which sees Reason.
type StatusError struct {
	Status int // 400 to 599; any other becomes 403
	Reason string

	why Refusal // "": a hook has refused
}

func (e *StatusError) Error() string { return e.Reason }

// admit decides about a request before it is upgraded. If it returns a Conn, this is
// counted by the gate.
func (c *Consumer) admit(ctx context.Context, w http.ResponseWriter, r *http.Request) (admitted *Conn, err error) {
	hook := c.cfg.Hooks.Admit
	a := Admission{Room: roomOfPath(r), Access: event.AccessWrite | event.AccessPresent}
	if err := c.checkOrigin(r); err != nil {
		return nil, err
	}
	from, wait, err := c.gate.enter(r, time.Now())
	if err != nil {
		return nil, err
	}
	var count []tally
	defer func() {
		if admitted == nil {
			c.quotas.leave(count)
			c.gate.leave(from)
		}
	}()
	if err := await(ctx, wait); err != nil {
		return nil, err
	}
	if hook != nil {
		if err := c.guard(nil, "Admit", func() (err error) {
			a, err = hook(ctx, Request{HTTP: r, Room: a.Room, Token: token(r)})
			return err
		}); err != nil {
			return nil, err
		}
	}
	if err := checkRoom(a.Room); err != nil {
		return nil, err
	}
	set := c.settings(a.Room)
	if count, err = c.quotas.enter(&set, userName(a.User), from, c.opens(a.Room), time.Now()); err != nil {
		return nil, err
	}
	if err := checkRequest(w, r); err != nil {
		return nil, err
	}
	a.Room = strings.Clone(a.Room) // it may be a part of a long URL
	s := c.newSocket(r.RemoteAddr, set.MessageSize)
	s.from = from
	conn := s.newConn(plain, a, set)
	conn.tallies = count
	s.attach(conn)
	s.handle = conn.receive
	if hook := c.cfg.Hooks.PreConnect; hook != nil {
		if err := conn.guard("PreConnect", func() error { return hook(conn, r) }); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// checkRequest returns an error unless r asks for a WebSocket. It is called last, so that
// other requests get the answer that an upgrade would get: a page can't see why its
// WebSocket was refused, and learns it by another request to the same address.
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
		"This address accepts WebSockets. Connect a Yjs client to it, such as y-websocket's WebsocketProvider.",
		RefusalUpgrade,
	}
}

// hasToken reports whether the header name lists token.
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

// roomOfPath returns the name of the room in the address of r.
func roomOfPath(r *http.Request) string {
	if strings.Contains(r.Pattern, "{room}") || strings.Contains(r.Pattern, "{room...}") {
		return r.PathValue("room")
	}
	return strings.TrimPrefix(r.URL.Path, "/")
}

// token returns the token that r carries, or "".
func token(r *http.Request) string {
	if t := r.URL.Query().Get("token"); t != "" {
		return t
	}
	scheme, t, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(t)
}

func checkRoom(name string) error {
	if event.CheckName(name) != nil {
		return &StatusError{http.StatusBadRequest, "A room name is 1 to 255 bytes of UTF-8, not blank and without control or invisible characters.", RefusalRoom}
	}
	return nil
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
	switch {
	case c.refused(w, r, err):
	case errors.Is(err, errOrigin):
		origin := r.Header.Get("Origin")
		c.log.Warn("origin refused: if this page may connect, add its host to the allowed origins",
			"addr", r.RemoteAddr, "origin", cut(origin, maxLogged), "host", cut(r.Host, maxLogged), "add", cut(originHost(origin), maxLogged))
	case c.gate.noted.Take(time.Now()):
		c.log.Info("refused", "addr", r.RemoteAddr, "status", status, "error", err)
	}
	if refused := c.cfg.Events.Refused; refused != nil {
		_ = c.guard(nil, "Events", func() error { refused(r, status, refusalOf(err)); return nil })
	}
	http.Error(w, reason, status)
}
