package yroom

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
)

const (
	answerPatience = 10 * time.Second // where the context has no deadline
	firstRetry     = time.Millisecond // while the room is full, or nobody serves it
	lastRetry      = 100 * time.Millisecond
)

// line is a Server's own end of the layer. Whoever asks has a ConnID for
// itself, by which the answer finds it.
type line struct {
	port layer.Port

	mu    sync.Mutex
	takes map[room.ConnID]func(room.Output) // they must not block
	done  chan struct{}                     // closed when nobody will answer any more
}

func newLine(l layer.Layer) (*line, error) {
	n := &line{takes: make(map[room.ConnID]func(room.Output)), done: make(chan struct{})}
	port, err := l.Attach(n.deliver)
	if err != nil {
		return nil, fmt.Errorf("yroom: attach to the layer: %w", err)
	}
	n.port = port
	return n, nil
}

// deliver is the layer's callback.
func (n *line) deliver(outs []layer.Output) {
	for i := range outs {
		n.mu.Lock()
		take := n.takes[outs[i].To]
		n.mu.Unlock()
		if take != nil {
			take(outs[i].Output)
		}
	}
}

// open gives somebody who asks a ConnID, until shut.
func (n *line) open(take func(room.Output)) room.ConnID {
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		conn := room.ConnID(rand.Uint64())
		if _, taken := n.takes[conn]; conn != room.Everyone && !taken {
			n.takes[conn] = take
			return conn
		}
	}
}

func (n *line) shut(conn room.ConnID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.takes, conn)
}

func (n *line) close() error {
	err := n.port.Close()
	close(n.done)
	return err
}

// patient is ctx with a deadline.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, answerPatience)
}

// ended is the error for a context that has ended while nobody answered.
func ended(ctx context.Context) error {
	if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
}

// send sends an input, and tries again while the room can't take it or nobody
// serves it. The error is ErrTimeout, ErrClosed, ctx's, or what broke the line;
// ErrUnavailable for what can't be the name of a room.
func (n *line) send(ctx context.Context, name string, in room.Input) error {
	if !ValidRoom(name) {
		return fmt.Errorf("%w: none can have the name %.300q", ErrUnavailable, name)
	}
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := n.port.Send(layer.Input{Room: name, Input: in})
		switch {
		case err == nil:
			return nil
		case errors.Is(err, layer.ErrClosed):
			return ErrClosed
		case !errors.Is(err, layer.ErrFull) && !errors.Is(err, layer.ErrNoOwner):
			return fmt.Errorf("yroom: %w", err)
		}
		select {
		case <-time.After(wait):
		case <-n.done:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", ended(ctx), err)
		}
	}
}

// ask asks a room and waits for the answer. The error is that of a refusal, or send's.
func (n *line) ask(ctx context.Context, name string, kind room.Kind, ask room.Ask) (room.Answer, error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return room.Answer{}, ended(ctx)
	}
	answered := make(chan room.Answer, 1)
	conn := n.open(func(out room.Output) {
		if out.Answer != nil {
			select {
			case answered <- *out.Answer:
			default:
			}
		}
	})
	defer n.shut(conn)
	if err := n.send(ctx, name, room.Input{Kind: kind, Conn: conn, Ask: &ask}); err != nil {
		return room.Answer{}, err
	}
	var late error
	select {
	case a := <-answered:
		return a, refused(a.Refusal)
	case <-n.done:
		late = ErrClosed
	case <-ctx.Done():
		late = ended(ctx)
	}
	select {
	case a := <-answered: // just in time
		return a, refused(a.Refusal)
	default:
		return room.Answer{}, late
	}
}

// refused is the error that stands for a Refusal; nil for none.
func refused(r room.Refusal) error {
	var err error
	switch r.Cause {
	case 0:
		return nil
	case room.Malformed:
		err = ErrMalformed
	case room.OverLimit:
		err = ErrLimit
	case room.Stale:
		return ErrConflict
	case room.Unavailable:
		return ErrUnavailable
	case room.Exists:
		return ErrExists
	case room.Unsupported:
		return ErrUnsupported
	default:
		return &CloseError{Code: r.Code, Reason: r.Reason}
	}
	return fmt.Errorf("%w: %s", err, r.Reason)
}

// malformed makes an error of package blocks one of this package.
func malformed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, blocks.ErrLimit):
		return fmt.Errorf("%w: %w", ErrLimit, err)
	case errors.Is(err, blocks.ErrMalformed):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return fmt.Errorf("yroom: %w", err)
}
