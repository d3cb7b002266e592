package consumer

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/yroom/yroom/protocol"
)

const (
	closeWait = 5 * time.Second // for the outbox to be written, and then for the client to answer
	rudeWait  = time.Second     // for a client that broke the rules to read why
	maxLogged = 256             // bytes in the log of what somebody outside said
)

// cause is why a connection ended.
type cause struct {
	protocol.CloseError
	peer bool  // the client ended it
	err  error // for the log alone
}

// broken is the cause when reading or writing failed.
func broken(err error) cause {
	return cause{CloseError: protocol.CloseError{Code: closeBroken, Reason: "the line broke"}, peer: true, err: err}
}

// end ends the connection: what waits is written, then a close frame, and what
// comes later is dropped. It doesn't block. Only the first end counts.
func (c *Conn) end(why cause) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended, c.cause = true, why
	if why.peer {
		c.out.discard()
		why.Reason = ""
	}
	c.out.bye = newClose(why.CloseError)
	start := c.start()
	c.mu.Unlock()
	close(c.ending)
	_ = c.sock.conn.SetWriteDeadline(time.Now().Add(closeWait))
	if start {
		go c.run()
	}
}

// kill cuts the connection off.
func (c *Conn) kill(why cause) {
	c.mu.Lock()
	if !c.ended {
		c.ended, c.cause = true, why
		close(c.ending)
	}
	c.out.discard()
	c.mu.Unlock()
	_ = c.sock.conn.Close()
}

// What the reader does when the connection has ended.
type farewell uint8

const (
	readOn farewell = iota // until the client answers the close frame
	skip                   // what comes, for a moment: it can't be understood
	goAtOnce
)

// endFor ends the connection for what stopped the reader.
func (c *Conn) endFor(err error) farewell {
	var said *peerCloseError
	var read *readError
	var broke *protocol.CloseError
	switch {
	case errors.Is(err, errEnding):
		return readOn
	case errors.As(err, &said):
		c.end(cause{CloseError: said.CloseError, peer: true})
		return goAtOnce
	case errors.As(err, &read) && !errors.As(err, &broke):
		c.kill(broken(read.error))
		return goAtOnce
	case read != nil:
		c.end(causeOf(err))
		return skip
	default:
		c.end(causeOf(err))
		return readOn
	}
}

// linger waits until the close frame is written and the client had time to read
// it, and closes the socket. To close it earlier could destroy the frame on its way.
func (c *Conn) linger(how farewell) {
	c.writer.Wait()
	switch how {
	case readOn:
		c.sock.drain()
	case skip:
		_ = c.sock.conn.SetReadDeadline(time.Now().Add(rudeWait))
		_, _ = io.Copy(io.Discard, c.sock.in)
	}
	_ = c.sock.conn.Close()
}

func (c *Conn) guard(what string, f func() error) error { return c.consumer.guard(c, what, f) }

func (c *Conn) log() *slog.Logger { return c.consumer.log }

// attrs name the connection in the log. The request's query stays out: it may
// hold a token.
func (c *Conn) attrs() []any {
	return []any{"room", c.room, "conn", uint64(c.id), "addr", c.request.RemoteAddr}
}

func (c *Conn) logEnd() {
	by := "server"
	if c.cause.peer {
		by = "client"
	}
	attrs := append(c.attrs(), "code", int(c.cause.Code), "reason", cut(c.cause.Reason, maxLogged), "by", by, "after", time.Since(c.since))
	if c.cause.err != nil {
		attrs = append(attrs, "error", c.cause.err)
	}
	c.log().Info("disconnected", attrs...)
}
