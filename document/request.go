package document

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

const (
	requestTimeout = 10 * time.Second // where the context has no deadline
	leaveTimeout   = 10 * time.Second // how long a room that is full is waited for, to leave it
	ownerTimeout   = 10 * time.Second // how long a worker for the room is waited for
	firstRetry     = time.Millisecond // while the room is full, or has no worker
	lastRetry      = 100 * time.Millisecond
)

// withTimeout returns ctx with a deadline.
func withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, requestTimeout)
}

// send sends an input to a room. See retry.
func (c *Client) send(ctx context.Context, room string, in event.Input) error {
	return c.retry(ctx, func() error { return c.front.Send(layer.Input{Room: room, Input: in}) })
}

// leave sends InputLeave, even if ctx has ended. A room without a worker has
// forgotten conn already, and where the layer or the client is closed, the worker
// learns that the front is gone.
func (c *Client) leave(ctx context.Context, room string, conn event.ConnID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_ = c.retry(ctx, func() error {
		err := c.front.Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputLeave, Conn: conn}})
		if errors.Is(err, layer.ErrNoOwner) {
			return nil
		}
		return err
	})
}

// retry calls try, which sends something, until the layer has taken it: again
// with growing pauses while the room is full or has no worker. The error is
// ErrTimeout, ErrClosed, errNoOwner, that of ctx, or another one of the layer.
func (c *Client) retry(ctx context.Context, try func() error) error {
	var ownerless time.Time // since when the room has no worker; zero if it has one
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := try()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, layer.ErrClosed):
			return ErrClosed
		case errors.Is(err, layer.ErrFull):
			ownerless = time.Time{}
		case !errors.Is(err, layer.ErrNoOwner):
			return fmt.Errorf("document: %w", err)
		case ownerless.IsZero():
			ownerless = time.Now()
		case time.Since(ownerless) >= ownerTimeout:
			return errNoOwner
		}
		select {
		case <-time.After(wait):
		case <-c.closed:
			return ErrClosed
		case <-ctx.Done():
			if !ownerless.IsZero() && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%w (%w)", errNoOwner, ctx.Err())
			}
			return fmt.Errorf("%w (%w)", contextError(ctx), err)
		}
	}
}

// checkName returns ErrNotFound for what can't be the name of a room.
func checkName(room string) error {
	if err := event.CheckName(room); err != nil {
		return fmt.Errorf("%w: %w: %.300q", ErrNotFound, err, room)
	}
	return nil
}

// pending is a request that waits for its response.
type pending struct {
	response chan event.Response // holds the first one
	closed   chan protocol.CloseError
	lost     chan struct{} // holds one value if the request or its response may be lost
}

func newPending() *pending {
	return &pending{make(chan event.Response, 1), make(chan protocol.CloseError, 1), make(chan struct{}, 1)}
}

// put puts v into a channel that holds one value, unless it holds one already.
func put[T any](ch chan T, v T) {
	select {
	case ch <- v:
	default:
	}
}

func (p *pending) deliver(out event.Output) {
	switch {
	case out.Kind == event.OutputResponse && out.Response != nil:
		put(p.response, *out.Response)
	case out.Kind == event.OutputRejoin:
		p.lose()
	case out.Kind == event.OutputMessage && out.Message.Type == protocol.Close:
		put(p.closed, protocol.CloseError{Code: out.Message.Code, Reason: out.Message.Reason})
	}
}

func (p *pending) lose() { put(p.lost, struct{}{}) }

// found forgets what was lost before the request is sent.
func (p *pending) found() {
	select {
	case <-p.lost:
	default:
	}
}

// request sends a request to a room and waits for the response. build makes the
// request each time it is sent. The error is that of a refusal, errUnknown, or
// one of retry.
func (c *Client) request(ctx context.Context, room string, build func() event.Request) (event.Response, error) {
	if err := checkName(room); err != nil {
		return event.Response{}, err
	}
	ctx, cancel := withTimeout(ctx)
	defer cancel()
	if ctx.Err() != nil {
		return event.Response{}, contextError(ctx)
	}
	p := newPending()
	conn := c.register(receiver{room: room, deliver: p.deliver, lost: p.lose})
	defer c.unregister(conn)
	for {
		r := build()
		err := c.retry(ctx, func() error {
			p.found()
			return c.front.Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputRequest, Conn: conn, Request: &r}})
		})
		if err != nil {
			return event.Response{}, err
		}
		response, err := c.await(ctx, p)
		switch {
		case !errors.Is(err, errLost):
			return response, err
		case r.Kind != event.RequestQuery && (r.Kind != event.RequestApply || r.Client != 0):
			return event.Response{}, errUnknown
		}
	}
}

// errLost means that a request or its response may be lost.
var errLost = errors.New("document: lost")

// await waits for a response. One that has come is returned, whatever else has
// happened meanwhile.
func (c *Client) await(ctx context.Context, p *pending) (event.Response, error) {
	var err error
	select {
	case r := <-p.response:
		return r, refusalError(r.Refusal)
	case e := <-p.closed:
		err = closeError(e)
	case <-p.lost:
		err = errLost
	case <-c.closed:
		err = ErrClosed
	case <-ctx.Done():
		err = contextError(ctx)
	}
	select {
	case r := <-p.response:
		return r, refusalError(r.Refusal)
	default:
		return event.Response{}, err
	}
}
