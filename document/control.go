package document

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Selection selects connections: one of them, or those of a user.
type Selection struct {
	Conn event.ConnID // 0: those of User
	User string       // the Admission.User with which they were admitted, if that is a string
}

// MaxPayload is the size of the largest payload of a Broadcast, in bytes.
const MaxPayload = 1 << 20

var (
	errSelection = errors.New("document: the selection names neither a connection nor a user")
	errPayload   = fmt.Errorf("document: the payload has to be UTF-8 of %d bytes at most", MaxPayload)
)

// forbidden is the default for the connections that Expel closes.
var forbidden = protocol.CloseError{Code: protocol.CloseForbidden, Reason: "You may not be in this document any more."}

// request returns a request for the connections that s selects.
func (s Selection) request(kind event.RequestKind) (event.Request, error) {
	if s.Conn == 0 && s.User == "" {
		return event.Request{}, errSelection
	}
	return event.Request{Kind: kind, Target: s.Conn, User: s.User}, nil
}

// SetAccess changes the access of connections in the room, and returns how many there are.
// It takes effect at once: what a client may not send is ignored from then on. SetAccess
// returns when the processes that have the connections know it, so that no
// failure undoes it. A room that isn't in memory has no connections.
//
// A connection that is made later has the access that the consumer's Hooks.Admit returns.
func (d *Document) SetAccess(ctx context.Context, s Selection, a event.Access) (conns int, err error) {
	r, err := s.request(event.RequestAccess)
	if err != nil {
		return 0, err
	}
	r.Access = a
	return d.control(ctx, r)
}

// Expel closes connections in the room, and returns how many there were. If why has no
// code, they are closed with 4403. They can change nothing from then on. Expel returns when
// they have left, for which a client that doesn't answer the Close has 5 seconds.
//
// Clients may connect again, and stock clients of y-websocket before 3.1 do so at once. So
// the consumer's Hooks.Admit must refuse them before Expel is called.
func (d *Document) Expel(ctx context.Context, s Selection, why protocol.CloseError) (conns int, err error) {
	r, err := s.expel(why)
	if err != nil {
		return 0, err
	}
	return d.control(ctx, r)
}

func (s Selection) expel(why protocol.CloseError) (event.Request, error) {
	r, err := s.request(event.RequestExpel)
	why.Code, why.Reason = cmp.Or(why.Code, forbidden.Code), cmp.Or(why.Reason, forbidden.Reason)
	r.Message = why.Message()
	return r, err
}

// Broadcast sends a text to the connections in the room, and returns how many there are.
// It doesn't change the document and isn't stored. The Hocuspocus dialect has such
// messages and calls them stateless; clients of the plain dialect don't receive them.
func (d *Document) Broadcast(ctx context.Context, payload string) (conns int, err error) {
	if len(payload) > MaxPayload || !utf8.ValidString(payload) {
		return 0, errPayload
	}
	return d.control(ctx, event.Request{
		Kind:    event.RequestBroadcast,
		Message: protocol.Message{Type: protocol.Stateless, Data: []byte(payload)},
	})
}

func (d *Document) control(ctx context.Context, r event.Request) (conns int, err error) {
	a, err := d.documents.request(ctx, d.room, func() event.Request { return r })
	return a.Count, err
}

// SetAccess changes the access of connections in all rooms, as Document.SetAccess does in
// one.
func (ds *Documents) SetAccess(ctx context.Context, s Selection, a event.Access) (conns int, err error) {
	r, err := s.request(event.RequestAccess)
	if err != nil {
		return 0, err
	}
	r.Access = a
	return ds.control(ctx, r)
}

// Expel closes connections in all rooms, as Document.Expel does in one.
func (ds *Documents) Expel(ctx context.Context, s Selection, why protocol.CloseError) (conns int, err error) {
	r, err := s.expel(why)
	if err != nil {
		return 0, err
	}
	return ds.control(ctx, r)
}

// control sends a request to all workers. If one is lost, it sends the request again when
// the connections have joined their rooms again at others.
func (ds *Documents) control(ctx context.Context, r event.Request) (conns int, err error) {
	ctx, cancel := withTimeout(ctx, 0)
	defer cancel()
	if ctx.Err() != nil {
		return 0, contextError(ctx)
	}
	for {
		all, err := ds.requestAll(ctx, r)
		switch {
		case err == nil:
			for _, a := range all {
				if err := refusalError(a.Refusal); err != nil {
					return 0, err
				}
				conns += a.Count
			}
			return conns, nil
		case !errors.Is(err, errLost):
			return 0, err
		}
		if err := ds.pause(ctx, rejoinPause); err != nil {
			return 0, err
		}
	}
}
