package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/protocol"
)

// Replay is a client that sends the updates of a trace into a room, in which another client
// receives them.
type Replay struct {
	Trace *Trace
	Rate  float64 // updates a second; 0: as fast as the other client receives them
}

// ahead is how many updates are sent before the first of them has been received.
const ahead = 1000

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (p Replay) Run(ctx context.Context, target Target) (*Report, error) {
	c := target.gather(ctx)
	defer c.leave()
	room := c.room(0)
	reader := &follower{quiet: quiet{clock: c.now}, trace: p.Trace}
	if _, err := c.enter(room, reader); err != nil {
		return nil, err
	}
	writer, err := c.enter(room, newJoiner(c))
	if err != nil {
		return nil, err
	}
	end, err := c.begin()
	if err != nil {
		return nil, err
	}
	stop := c.report(func() string {
		return fmt.Sprintf("%d of %d updates received", reader.received.Load(), len(p.Trace.updates))
	})
	err = p.send(c, writer, reader)
	stop()
	m, failed := end()
	if err == nil {
		err = failed
	}
	if err == nil {
		err = p.check(c, room, reader)
	}
	c.leave() // so that nothing changes any more
	r := &Report{Scenario: "replay", Dialect: target.Dialect}
	r.add("rate_per_second", p.Rate)
	r.add("edits", float64(reader.sentSoFar.Load()))
	r.addDeliveries(&reader.late, m)
	r.addMeasured(m, target.PIDs)
	if err == nil {
		r.add("clients_compared", 2)
	}
	return r, err
}

// send sends all updates, and returns when the reader has received them.
func (p Replay) send(c *crowd, writer *client, reader *follower) error {
	all := int64(len(p.Trace.updates))
	began := c.now()
	for i := range all {
		at := c.now()
		if p.Rate > 0 {
			due := began + time.Duration(float64(i)/p.Rate*float64(time.Second))
			if wait := due - at; wait > time.Millisecond {
				c.sleep(wait)
				at = c.now()
			}
		} else if i-reader.received.Load() >= ahead {
			if err := p.await(c, i-ahead/2, reader); err != nil {
				return err
			}
			at = c.now()
		}
		if err := reader.sent.set(i, at); err != nil {
			return err
		}
		reader.sentSoFar.Store(i + 1)
		if err := writer.send(protocol.Update, p.Trace.updates[i]); err != nil {
			return fmt.Errorf("sending the update %d: %w", i, err)
		}
		if c.ctx.Err() != nil {
			return c.err()
		}
	}
	return p.await(c, all, reader)
}

// await waits until the reader has received so many updates.
func (p Replay) await(c *crowd, n int64, reader *follower) error {
	err := c.await(n, reader.received.Load)
	if errors.Is(err, errStuck) {
		return fmt.Errorf("the other client has received only %d of the %d updates that were sent: %w", reader.received.Load(), reader.sentSoFar.Load(), err)
	}
	return err
}

// check returns an error unless the reader, and a client that joins now, have the text.
func (p Replay) check(c *crowd, room string, reader *follower) error {
	newcomer := keeping(c)
	one, err := c.enter(room, newcomer)
	if err != nil {
		return err
	}
	one.leave()
	c.leave()
	for says, updates := range map[string][][]byte{"the client that has read along": reader.all, "a client that joins now": newcomer.kept} {
		text, err := textOf(updates...)
		if err != nil {
			return fmt.Errorf("%s has a document that can't be read: %w", says, err)
		}
		if text != p.Trace.text {
			return fmt.Errorf("%s has another text than the trace leads to: %d bytes in place of %d", says, len(text), len(p.Trace.text))
		}
	}
	return nil
}

// follower is a person who receives a trace.
type follower struct {
	quiet

	trace     *Trace
	sent      times
	sentSoFar atomic.Int64
	received  atomic.Int64 // updates
	elements  int64        // that were inserted and deleted so far
	all       [][]byte
	late      latencies
}

// update implements person.
func (f *follower) update(update []byte, at time.Duration) error {
	elements, err := elementsOf(update)
	if err != nil {
		return fmt.Errorf("the server sends an update that can't be read: %w", err)
	}
	f.all = append(f.all, bytes.Clone(update))
	f.elements += elements
	n := f.received.Load()
	for ; n < f.sentSoFar.Load() && f.trace.ends[n] <= f.elements; n++ {
		f.late.add(at - f.sent.at(n))
	}
	f.received.Store(n)
	return nil
}
