package consumer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/yroom/yroom/protocol"
)

const (
	pacePerConn = 2 * time.Millisecond
	paceLongest = 5 * time.Second // if the time for a shutdown isn't bounded
	paceShare   = 3               // otherwise, the part of that time
)

var restarting = protocol.CloseError{Code: protocol.CloseRestart, Reason: "the server restarts"}

// Shutdown admits no more requests, closes the connections with 1012, one after the other
// so that the clients don't all connect again at the same instant, waits for their
// goroutines and detaches from the layer. Closing takes 2 ms for each connection, but no
// more than a third of the time until the deadline of ctx, or 5 s if it has none. If ctx
// ends first, the remaining connections are cut off, and the error is that of ctx. A second
// call waits for the first.
func (c *Consumer) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	again := c.stopping
	c.stopping = true
	if !again && c.active == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	if again {
		select {
		case <-c.down:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("consumer: shutdown: %w", ctx.Err())
		}
	}
	defer close(c.down)

	c.closeAll(ctx)
	var err error
	select {
	case <-c.idle:
	case <-ctx.Done():
		err = fmt.Errorf("consumer: shutdown: %w", ctx.Err())
		close(c.aborted)
		for _, s := range c.all(nil) {
			s.kill(cause{CloseError: restarting, err: err})
		}
		select {
		case <-c.idle:
		case <-time.After(abortGrace):
		}
	}
	close(c.stop)
	c.pool.Close()
	<-c.swept
	if e := c.front.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("consumer: detach from the layer: %w", e))
	}
	return err
}

// closeAll closes the sockets in a random order, evenly over a period that grows with their
// number. So neither the clients of a room nor those of a time come back together.
func (c *Consumer) closeAll(ctx context.Context) {
	sockets := c.all(nil)
	rand.Shuffle(len(sockets), func(i, j int) { sockets[i], sockets[j] = sockets[j], sockets[i] })
	start, longest := time.Now(), paceLongest
	if end, ok := ctx.Deadline(); ok {
		longest = max(end.Sub(start)/paceShare, 0)
	}
	window := min(time.Duration(len(sockets))*pacePerConn, longest)
	for i, s := range sockets {
		due := window * time.Duration(i) / time.Duration(len(sockets))
		if wait := due - time.Since(start); wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
		s.end(cause{CloseError: restarting})
	}
}
