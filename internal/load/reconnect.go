package load

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Reconnect is people who lose their connections all at once, type on, and come back all at
// once.
type Reconnect struct {
	Rooms, People int
	// Restart waits until the server has ended all connections, which its operator is to
	// restart. Otherwise the clients end them.
	Restart bool
}

// edits that each person makes before the connections end, and as many without a connection.
const editsBefore = 10

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (r Reconnect) Run(ctx context.Context, target Target) (*Report, error) {
	if r.Restart && len(target.PIDs) > 0 {
		return nil, errors.New("a server that was restarted has other process ids: leave them out")
	}
	t, err := JoinTyping(ctx, target, Shape{Rooms: r.Rooms, People: r.People, Writers: r.People})
	if err != nil {
		return nil, err
	}
	defer t.Leave()
	if err := t.eachAuthor((*author).write); err != nil {
		return nil, err
	}
	if err := settle(t.crowd, t.people); err != nil {
		return nil, err
	}
	if err := t.lose(r.Restart); err != nil {
		return nil, err
	}
	if err := t.eachAuthor((*author).note); err != nil {
		return nil, err
	}
	end, err := t.crowd.begin()
	if err != nil {
		return nil, err
	}
	began := t.crowd.now()
	if err = t.enter(len(t.people)); err == nil {
		err = settle(t.crowd, t.people)
	}
	m, failed := end()
	if err == nil {
		err = errors.Join(failed, t.Check())
	}
	var back latencies
	for _, p := range t.people {
		if at := time.Duration(p.in.Load()); at > 0 {
			back.add(at - began)
		}
	}
	report := &Report{Scenario: "reconnect", Dialect: target.Dialect}
	report.add("rooms", float64(r.Rooms))
	report.add("connections", float64(len(t.people)))
	report.add("offline_edits", float64(len(t.people)*editsBefore))
	report.addLatencies("reconnect", &back)
	report.addMeasured(m, target.PIDs)
	if err == nil {
		report.add("clients_compared", float64(len(t.people)+len(t.rooms)))
	}
	return report, err
}

// eachAuthor lets each author make some edits.
func (t *Typing) eachAuthor(edit func(a *author, at time.Duration) error) error {
	for _, room := range t.rooms {
		for _, a := range room.authors {
			for range editsBefore {
				if err := edit(a, t.crowd.now()); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// lose ends all connections, or waits until the server has ended them and is back.
func (t *Typing) lose(restart bool) error {
	for _, p := range t.people {
		p.client.left.Store(true)
	}
	if !restart {
		for _, p := range t.people {
			p.client.close()
		}
	}
	var open atomic.Int64
	open.Store(int64(len(t.people)))
	stop := t.crowd.report(func() string { return fmt.Sprintf("restart the server: %d clients are connected", open.Load()) })
	defer stop()
	for _, p := range t.people {
		select {
		case <-p.client.gone:
			open.Add(-1)
		case <-t.crowd.ctx.Done():
			return t.crowd.err()
		}
	}
	for restart {
		s, err := t.crowd.dial(t.crowd.ctx, 0, t.rooms[0].name, t.crowd.now)
		if err == nil {
			return s.conn.Close()
		}
		if t.crowd.ctx.Err() != nil {
			return t.crowd.err()
		}
		t.crowd.sleep(pause)
	}
	return nil
}
