package consumer

import (
	"time"

	"github.com/yroom/yroom/protocol"
)

const (
	sweepEvery     = 5 * time.Second
	pingEvery      = 30 * time.Second
	keepaliveAfter = 20 * time.Second // stock clients close a connection after 30 s without a message; pings don't count for them
	silenceLimit   = 60 * time.Second // a client that sent nothing for so long, not even a pong, is cut off
	renewBefore    = 30 * time.Second // how long before its authorization expires a Hocuspocus client is asked for a new token
	stallLimit     = 60 * time.Second // a client that read nothing for so long is cut off
)

// clock returns the nanoseconds from the start of the consumer to t, by the monotonic
// clock: sockets measure durations, which a step of the system's clock must not change.
func (c *Consumer) clock(t time.Time) int64 { return int64(t.Sub(c.began)) }

// sweep checks all sockets on one goroutine: a timer for each would cost more
// than an idle connection.
func (c *Consumer) sweep() {
	defer close(c.swept)
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	var sockets []*socket
	for {
		select {
		case <-c.stop:
			return
		case now := <-ticker.C:
			c.gate.forget(now)
			c.quotas.forget(now)
			sockets = c.all(sockets[:0])
			var backlog backlog
			for _, s := range sockets {
				s.check(now)
				backlog.add(s)
			}
			c.counts.note(backlog)
			clear(sockets)
			for _, conn := range c.answers.overdue(now) {
				conn.socket.kill(cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "the client reads a large answer too slowly while other clients wait for theirs"}})
			}
		}
	}
}

// check sends a ping or a keepalive if one is due, ends connections that have expired,
// and cuts off a client that is dead.
func (s *socket) check(now time.Time) {
	since := func(then int64) time.Duration { return time.Duration(s.consumer.clock(now) - then) }
	if since(s.touched.Load()) >= silenceLimit {
		s.kill(cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "the client sent nothing for a minute"}})
		return
	}
	if moved := s.moved.Load(); moved != 0 && since(moved) >= stallLimit {
		s.kill(cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "the client read nothing for a minute"}})
		return
	}
	if s.isHoarding(now) {
		s.kill(cause{CloseError: protocol.CloseError{Code: protocol.CloseAbnormal, Reason: "a large message arrives too slowly while little memory is left for those of other clients"}})
		return
	}
	if s.tidy != nil {
		s.tidy(now)
	}
	s.renew(now)
	s.endDoomed(now)
	for _, c := range s.expired(now) {
		c.end(cause{CloseError: protocol.CloseError{Code: protocol.CloseUnauthorized, Reason: "the authorization has expired"}})
	}
	if since(s.pinged) >= pingEvery {
		s.pinged = s.consumer.clock(now)
		s.addControl(controlPing, pingFrame)
	}
	if since(s.wrote.Load()) >= keepaliveAfter {
		s.mu.Lock()
		f := s.keepalive
		s.mu.Unlock()
		s.addControl(controlKeepalive, f)
	}
}

// endDoomed ends the socket if the time for it has come.
func (s *socket) endDoomed(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doom != nil && !now.Before(s.doom.at) {
		s.setEnding(s.doom.cause)
	}
}

// expired returns the Conns whose admission has expired. It asks the clients of those whose
// admission expires soon to send their token again.
func (s *socket) expired(now time.Time) (conns []*Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		switch {
		case c.expires.IsZero():
		case !now.Before(c.expires):
			conns = append(conns, c)
		case c.expires.Sub(now) <= renewBefore && !c.renewing:
			c.renewing = true
			c.requestToken()
		}
	}
	return conns
}
