package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/protocol"
)

const (
	pacePerConn = 2 * time.Millisecond
	paceLongest = 5 * time.Second
)

var restarting = protocol.CloseError{Code: protocol.CloseRestart, Reason: "the server restarts"}

// Shutdown admits no more requests, closes the connections with 1012, a few at a
// time so that the clients don't all connect again at the same instant, waits
// for their goroutines and detaches from the layer. If ctx ends first, the remaining
// connections are cut off, and the error is that of ctx. A second call waits for the
// first.
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
	close(c.pool.stop)
	<-c.swept
	if e := c.front.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("consumer: detach from the layer: %w", e))
	}
	return err
}

// closeAll closes the sockets evenly over a period that grows with their number.
func (c *Consumer) closeAll(ctx context.Context) {
	sockets := c.all(nil)
	window := min(time.Duration(len(sockets))*pacePerConn, paceLongest)
	if end, ok := ctx.Deadline(); ok {
		window = min(window, max(0, time.Until(end)/2))
	}
	start := time.Now()
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
