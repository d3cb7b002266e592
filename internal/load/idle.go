package load

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Idle is people who do nothing. In each room, one of them has typed a letter, or written
// the document.
type Idle struct {
	Rooms, People int
	Document      *Document     // of each room; optional
	WarmUp        time.Duration // after all are there
	Span          time.Duration
}

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (i Idle) Run(ctx context.Context, target Target) (r *Report, err error) {
	var crowd *crowd
	var before usage
	var check func() error
	if i.Document != nil {
		crowd, before, check, err = i.withDocument(ctx, target)
	} else {
		crowd, before, check, err = i.withLetter(ctx, target)
	}
	if err != nil {
		return nil, err
	}
	defer crowd.leave()
	stop := crowd.report(func() string { return fmt.Sprintf("%d clients in %d rooms are idle", i.Rooms*i.People, i.Rooms) })
	crowd.sleep(i.WarmUp)
	end, err := crowd.begin()
	if err != nil {
		return nil, err
	}
	crowd.sleep(i.Span)
	m, err := end()
	stop()
	err = errors.Join(err, crowd.err())
	if err == nil {
		err = check()
	}
	r = &Report{Scenario: "idle", Dialect: target.Dialect}
	r.add("rooms", float64(i.Rooms))
	r.add("connections", float64(i.Rooms*i.People))
	r.addMeasured(m, target.PIDs)
	if len(target.PIDs) > 0 {
		growth := m.end.resident - before.resident
		r.addPerConnection(growth, i.Rooms*i.People, target.PIDs)
		r.add("server_memory_kb_per_room", kilobytes(growth)/float64(i.Rooms))
		r.add("server_cpu_us_per_connection_second", float64(m.cpu.Microseconds())/m.span.Seconds()/float64(i.Rooms*i.People))
	}
	if err == nil {
		r.add("clients_compared", float64(i.Rooms))
	}
	return r, err
}

// withLetter lets people join, of whom one in each room types a letter.
func (i Idle) withLetter(ctx context.Context, target Target) (*crowd, usage, func() error, error) {
	t, err := JoinTyping(ctx, target, Shape{Rooms: i.Rooms, People: i.People, Writers: 1})
	if err != nil {
		return nil, usage{}, nil, err
	}
	err = t.crowd.each(i.Rooms, 1, func(k int) error { return t.rooms[k].authors[0].write(0) })
	if err == nil {
		err = settle(t.crowd, t.people)
	}
	if err != nil {
		t.Leave()
	}
	return t.crowd, t.before, t.Check, err
}

// withDocument lets people join rooms into which the first of them writes the document.
func (i Idle) withDocument(ctx context.Context, target Target) (c *crowd, before usage, check func() error, err error) {
	if before, err = usageOf(target.PIDs); err != nil {
		return nil, before, nil, err
	}
	if err := checkFiles(i.Rooms * i.People); err != nil {
		return nil, before, nil, err
	}
	c = target.gather(ctx)
	err = c.each(i.Rooms, 4, func(k int) error {
		if err := c.bring(i.Document, c.room(k)); err != nil {
			return err
		}
		for range i.People - 1 {
			if _, err := c.enter(c.room(k), newJoiner(c)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.leave()
	}
	return c, before, func() error {
		return c.each(i.Rooms, 4, func(k int) error { return c.verify(i.Document, c.room(k)) })
	}, err
}
