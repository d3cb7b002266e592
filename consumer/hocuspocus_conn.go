package consumer

import (
	"slices"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// SendStateless sends a text to a Hocuspocus client. Other clients don't receive it.
func (c *Conn) SendStateless(payload string) {
	m := protocol.Message{Type: protocol.Stateless, Data: []byte(payload)}
	c.take(&m, newFrame(c.dialect, &event.Output{To: c.id, Message: m}))
}

// RequestToken asks a Hocuspocus client to send its token again. When the token arrives,
// Hooks.Admit decides again: its Admission replaces the access and the expiry of the
// connection, and an error ends the connection. Providers before version 3.3 don't answer,
// and other clients don't receive the request.
func (c *Conn) RequestToken() {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	c.requestToken()
}

// requestToken is RequestToken with the socket's lock held.
func (c *Conn) requestToken() {
	if d, ok := c.dialect.(protocol.Hocuspocus); ok {
		c.addOwn(d.AppendTokenRequest(nil))
	}
}

// endRefused ends the connection, because a token that the client has sent again doesn't
// admit it.
func (c *Conn) endRefused(err error) {
	why := refusedCause(err)
	if isOutage(err) { // an error that the client may not see
		_, reason := denial(err)
		why.CloseError = protocol.CloseError{Code: protocol.CloseForbidden, Reason: reason}
	}
	c.end(why)
}

// askAgain makes the client be asked for its token again before its admission expires.
func (c *Conn) askAgain() {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	c.renewing = false
}

// tellScope tells a Hocuspocus client that it is admitted, and whether it may write.
func (c *Conn) tellScope() {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	if !c.ended {
		c.told = true
		_, _ = c.addFrame(c.scopeFrame()) // only awareness can cause an error
	}
}

// addOwn adds a frame that is not from the room. The socket's lock must be held.
func (c *Conn) addOwn(payload []byte) {
	if c.ended {
		return
	}
	f := &outbox.Frame{Type: outbox.FromConsumer, Head: encode(ws.OpBinary, payload)}
	if change, _ := c.addFrame(f); change == outbox.ChangeOverrun { // only awareness can cause an error
		c.socket.setEnding(tooSlow)
	}
}

// reject answers an update that a hook has dropped.
func (c *Conn) reject(m protocol.Message) {
	if !c.acks || m.Type != protocol.SyncStep2 && m.Type != protocol.Update {
		return
	}
	f := newFrame(c.dialect, &event.Output{To: c.id, Message: protocol.Message{Type: protocol.Reject, Count: 1}})
	s := c.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.ended {
		c.out.Refuse(f)
		s.writeSoon(c)
	}
}

// forget removes a connection that was not admitted after all.
func (c *Conn) forget() {
	s := c.socket
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(other *Conn) bool { return other == c })
	s.mu.Unlock()
	c.consumer.quotas.leave(c.tallies)
	c.slot.documents.uncount()
}
