package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is the clients of a scenario.
type crowd struct {
	*Target

	name    string // begins the names of the rooms, and is new for each crowd
	began   time.Time
	ctx     context.Context // ends with the first error of a client
	fail    context.CancelCauseFunc
	reading sync.WaitGroup
	number  atomic.Int64 // of the next client

	from, to atomic.Int64 // what arrives between these times counts
}

// gather returns a crowd without clients. The caller must call leave.
func (t *Target) gather(ctx context.Context) *crowd {
	c := &crowd{Target: t, name: "bench-" + strconv.FormatUint(rand.Uint64N(1<<40), 36) + "-", began: time.Now()}
	c.ctx, c.fail = context.WithCancelCause(ctx)
	return c
}

// errLeft is the cause of the end of a crowd that has done its work.
var errLeft = errors.New("the clients have left")

// ErrInterrupted means that a scenario was ended before it was complete.
var ErrInterrupted = errors.New("interrupted before the documents were compared")

// err returns why the crowd has ended, or nil.
func (c *crowd) err() error {
	err := context.Cause(c.ctx)
	if errors.Is(err, context.Canceled) {
		return ErrInterrupted
	}
	return err
}

// leave ends all connections, and waits until they are no longer read.
func (c *crowd) leave() {
	c.fail(errLeft)
	c.reading.Wait()
}

// now returns the time since the crowd has gathered.
func (c *crowd) now() time.Duration { return time.Since(c.began) }

// room returns the name of a room.
func (c *crowd) room(i int) string { return c.name + strconv.Itoa(i) }

// join connects a person to a room, and reads what the server sends. An end of the
// connection is an error of the crowd, unless the client has left.
func (c *crowd) join(room string, p person) (*client, error) {
	one, err := c.open(room, p)
	if err == nil {
		c.reading.Go(func() { c.attend(one) })
	}
	return one, err
}

// open connects a person to a room, once the server has time for it.
func (c *crowd) open(room string, p person) (*client, error) {
	number := int(c.number.Add(1) - 1)
	since := time.Now()
	for {
		one, err := c.connect(c.ctx, number, room, p, c.now)
		if err == nil {
			return one, nil
		}
		if c.ctx.Err() != nil {
			return nil, c.err()
		}
		if !isBusy(err) || time.Since(since) > c.patience() {
			return nil, err
		}
		c.sleep(pause)
	}
}

// attend reads what the server sends to a client.
func (c *crowd) attend(one *client) {
	defer close(one.gone)
	defer one.close()
	defer context.AfterFunc(c.ctx, one.close)()
	if err := one.readAll(); !one.left.Load() {
		c.fail(fmt.Errorf("a client in the room %s: %w", one.room, err))
	}
}

// sleep waits, but not longer than the crowd is there.
func (c *crowd) sleep(d time.Duration) {
	select {
	case <-c.ctx.Done():
	case <-time.After(d):
	}
}

// each calls do with the numbers below n, some at a time, until one returns an error.
func (c *crowd) each(n, atOnce int, do func(i int) error) error {
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(n, atOnce) {
		working.Go(func() {
			for i := int(next.Add(1) - 1); i < n && c.ctx.Err() == nil; i = int(next.Add(1) - 1) {
				if err := do(i); err != nil {
					c.fail(err)
				}
			}
		})
	}
	working.Wait()
	return c.err()
}

// errStuck means that what the clients wait for doesn't happen.
var errStuck = errors.New("no client makes progress: check the address, the dialect and the log of the server")

// await waits until count, which grows, returns want. The error is errStuck if it stays the
// same for the patience of the target, or that of the crowd.
func (c *crowd) await(want int64, count func() int64) error {
	last, since := int64(-1), time.Now()
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		n := count()
		switch {
		case n >= want:
			return nil
		case c.ctx.Err() != nil:
			return c.err()
		case n != last:
			last, since = n, time.Now()
		case time.Since(since) > c.patience():
			return errStuck
		}
		c.sleep(pause)
	}
}

// report calls Progress once a second with what line returns, until stop is called.
func (c *crowd) report(line func() string) (stop func()) {
	if c.Progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var working sync.WaitGroup
	working.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				c.Progress(line())
			}
		}
	})
	return func() { close(done); working.Wait() }
}

// counts reports whether what arrives at a time is measured.
func (c *crowd) counts(at time.Duration) bool {
	return int64(at) >= c.from.Load() && int64(at) < c.to.Load()
}

// during measures for the span, after a time of warming up. count, which grows, is called
// at both ends of the span; its growth is returned.
func (c *crowd) during(warmUp, span time.Duration, count func() int64) (m measured, growth int64, err error) {
	c.sleep(warmUp)
	return c.while(count, func() error { c.sleep(span); return nil })
}

// while measures until do returns. count is as in during.
func (c *crowd) while(count func() int64, do func() error) (m measured, growth int64, err error) {
	end, err := c.begin()
	if err != nil {
		return m, 0, err
	}
	before := count()
	c.from.Store(int64(c.now()))
	err = do()
	c.to.Store(int64(c.now()))
	growth = count() - before
	m, failed := end()
	return m, growth, errors.Join(err, failed)
}

// countNothing ends the time in which what arrives counts, until the next during.
func (c *crowd) countNothing() {
	c.from.Store(math.MaxInt64)
	c.to.Store(math.MaxInt64)
}

// pace calls send once in each interval until ctx ends, with the time from which the delay
// is measured: the time at which it was due, if the sending before it has taken so long.
func (c *crowd) pace(ctx context.Context, interval time.Duration, send func(at time.Duration) error) {
	timer := time.NewTimer(rand.N(max(interval, 1)))
	defer timer.Stop()
	for due := time.Duration(-1); ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := c.now()
		if due < 0 {
			due = now
		}
		at := now
		if now-due > interval {
			at = due
		}
		if err := send(at); err != nil {
			c.fail(fmt.Errorf("sending to the server: %w", err))
			return
		}
		due += interval
		timer.Reset(due - c.now())
	}
}
