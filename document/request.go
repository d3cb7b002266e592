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
	requestTimeout = 10 * time.Second // if the context has no deadline
	slowestStore   = 1 << 20          // bytes in a second: how fast a store is expected to take an update
	leaveTimeout   = 10 * time.Second // how long leave waits for a room that is full
	ownerTimeout   = 10 * time.Second // how long a request waits for a worker for the room
	firstRetry     = time.Millisecond // while the room is full, or has no worker
	lastRetry      = 100 * time.Millisecond
)

// withTimeout returns ctx with a deadline: its own, or one for a request that brings
// an update of this size in bytes.
func withTimeout(ctx context.Context, update int) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, requestTimeout+time.Duration(update)*time.Second/slowestStore)
}

// send sends an input to a room. See retry.
func (ds *Documents) send(ctx context.Context, room string, in event.Input) error {
	return ds.retry(ctx, func() error { return ds.front.Send(layer.Input{Room: room, Input: in}) })
}

// leave sends InputLeave, even if ctx has ended. A room without a worker has no
// connections. If the layer or ds is closed, the worker's Gone removes conn.
func (ds *Documents) leave(ctx context.Context, room string, conn event.ConnID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_ = ds.retry(ctx, func() error {
		err := ds.front.Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputLeave, Conn: conn}})
		if errors.Is(err, layer.ErrNoOwner) {
			return nil
		}
		return err
	})
}

// retry calls try, which sends an input, until the layer has taken it. It tries again
// with growing pauses while the room is full or has no worker. The error is ErrTimeout,
// ErrClosed, ErrNoWorker, that of ctx, or another one of the layer.
func (ds *Documents) retry(ctx context.Context, try func() error) error {
	var ownerless time.Time // the time since which the room has no worker; zero if it has one
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
			return ErrNoWorker
		}
		select {
		case <-time.After(wait):
		case <-ds.closed:
			return ErrClosed
		case <-ctx.Done():
			if !ownerless.IsZero() && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%w (%w)", ErrNoWorker, ctx.Err())
			}
			return fmt.Errorf("%w (%w)", contextError(ctx), err)
		}
	}
}

// checkName returns ErrNotFound if a room of this name can't be opened.
func checkName(room string) error { return checkWith(event.CheckName, room) }

// checkNameFor returns ErrNotFound if a request can't be for a room of this name.
func checkNameFor(r event.Request, room string) error {
	switch r.Kind {
	case event.RequestQuery, event.RequestLog, event.RequestCut, event.RequestDelete:
		return checkWith(event.CheckStored, room)
	}
	return checkName(room)
}

func checkWith(check func(string) error, room string) error {
	if err := check(room); err != nil {
		return fmt.Errorf("%w: %w: %.300q", ErrNotFound, err, room)
	}
	return nil
}

// call is a request that waits for its response.
type call struct {
	response chan event.Response // holds the first response
	closed   chan protocol.CloseError
	lost     chan struct{} // holds one value if the request or its response may be lost
}

func newCall() *call {
	return &call{make(chan event.Response, 1), make(chan protocol.CloseError, 1), make(chan struct{}, 1)}
}

// put puts v into a channel that holds one value, unless it holds one already.
func put[T any](ch chan T, v T) {
	select {
	case ch <- v:
	default:
	}
}

func (c *call) deliver(out event.Output) {
	switch {
	case out.Kind == event.OutputResponse && out.Response != nil:
		put(c.response, *out.Response)
	case out.Kind == event.OutputRejoin:
		c.lose()
	case out.Kind == event.OutputMessage && out.Message.Type == protocol.Close:
		put(c.closed, protocol.CloseError{Code: out.Message.Code, Reason: out.Message.Reason})
	}
}

func (c *call) lose() { put(c.lost, struct{}{}) }

// found clears a loss that was reported before the request is sent.
func (c *call) found() {
	select {
	case <-c.lost:
	default:
	}
}

// request sends a request to a room and waits for the response. build returns the
// request each time it is sent. If ctx has no deadline, request waits as long as for
// one without an update. The error is that of a refusal, ErrOutcomeUnknown, or one of
// retry.
func (ds *Documents) request(ctx context.Context, room string, build func() event.Request) (event.Response, error) {
	r := build()
	if err := checkNameFor(r, room); err != nil {
		return event.Response{}, err
	}
	ctx, cancel := withTimeout(ctx, 0)
	defer cancel()
	if ctx.Err() != nil {
		return event.Response{}, contextError(ctx)
	}
	c := newCall()
	conn := ds.register(receiver{room: room, deliver: c.deliver, lost: c.lose})
	defer ds.unregister(conn)
	trace := traceOf(ctx)
	for sent := false; ; sent, r = true, build() {
		err := ds.retry(ctx, func() error {
			c.found()
			return ds.front.Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputRequest, Conn: conn, Request: &r, Trace: trace}})
		})
		switch {
		case err == nil:
		case sent && r.Kind != event.RequestQuery && errors.Is(err, ErrNoWorker):
			return event.Response{}, ErrOutcomeUnknown // the worker that was lost may have made the change
		default:
			return event.Response{}, err
		}
		response, err := ds.await(ctx, c)
		switch {
		case !errors.Is(err, errLost):
			return response, err
		case !repeatable(&r):
			return event.Response{}, ErrOutcomeUnknown
		case r.Kind == event.RequestAccess || r.Kind == event.RequestExpel:
			if err := ds.pause(ctx, rejoinPause); err != nil {
				return event.Response{}, err
			}
		}
	}
}

// rejoinPause is how long a change of connections waits, when a worker was lost, before it
// is sent again. By then the connections have joined again, at another worker.
const rejoinPause = 2 * time.Second

// pause returns when d has passed, or an error if ctx or ds ends before.
func (ds *Documents) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ds.closed:
		return ErrClosed
	case <-ctx.Done():
		return contextError(ctx)
	}
}

// repeatable reports whether a request may be sent again that may have been carried out.
func repeatable(r *event.Request) bool {
	switch r.Kind {
	case event.RequestQuery, event.RequestAccess, event.RequestExpel:
		return true
	case event.RequestApply:
		return r.Client == 0
	}
	return false
}

// errLost means that a request or its response may be lost.
var errLost = errors.New("document: lost")

// await waits for a response. It returns a response that has arrived, whatever else has
// happened meanwhile.
func (ds *Documents) await(ctx context.Context, c *call) (event.Response, error) {
	var err error
	select {
	case r := <-c.response:
		return r, refusalError(r.Refusal)
	case e := <-c.closed:
		err = closeError(e)
	case <-c.lost:
		err = errLost
	case <-ds.closed:
		err = ErrClosed
	case <-ctx.Done():
		err = contextError(ctx)
	}
	select {
	case r := <-c.response:
		return r, refusalError(r.Refusal)
	default:
		return event.Response{}, err
	}
}
