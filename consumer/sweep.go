package consumer

import (
	"time"

	"github.com/yroom/yroom/protocol"
)

const (
	sweepEvery     = 5 * time.Second
	pingEvery      = 30 * time.Second
	keepaliveAfter = 20 * time.Second // stock clients give up a line after 30 s without a message; pings don't count for them
	silenceLimit   = 60 * time.Second // a client from which nothing came for so long, no pong either, is gone
	stallLimit     = 60 * time.Second // and so is one that took nothing for so long
)

// sweep looks after all connections on one goroutine: a timer for each would
// cost more than the connection.
func (c *Consumer) sweep() {
	defer close(c.swept)
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	var conns []*Conn
	for {
		select {
		case <-c.stop:
			return
		case now := <-ticker.C:
			conns = c.all(conns[:0])
			for _, conn := range conns {
				conn.check(now)
			}
			clear(conns)
		}
	}
}

// check pings the client, tells it that the line is alive, or gives it up.
func (c *Conn) check(now time.Time) {
	if now.Sub(time.Unix(0, c.sock.touched.Load())) >= silenceLimit {
		c.kill(cause{CloseError: protocol.CloseError{Code: closeBroken, Reason: "nothing came from the client for a minute"}})
		return
	}
	if moved := c.sock.moved.Load(); moved != 0 && now.Sub(time.Unix(0, moved)) >= stallLimit {
		c.kill(cause{CloseError: protocol.CloseError{Code: closeBroken, Reason: "the client read nothing for a minute"}})
		return
	}
	if now.Sub(c.pinged) >= pingEvery {
		c.pinged = now
		c.add(pingFrame)
	}
	if now.Sub(time.Unix(0, c.wrote.Load())) >= keepaliveAfter {
		c.add(keepaliveFrame)
	}
}
