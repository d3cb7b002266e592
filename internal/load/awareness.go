package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

// Awareness is people in rooms. They move their cursors: each shows the others its awareness
// state.
type Awareness struct {
	Rooms, People int
	Rate          float64 // states of each person a second
	WarmUp, Span  time.Duration
}

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (a Awareness) Run(ctx context.Context, target Target) (*Report, error) {
	if err := (Shape{Rooms: a.Rooms, People: a.People, Writers: a.People}).check(); err != nil {
		return nil, err
	}
	if a.Rate <= 0 {
		return nil, fmt.Errorf("each person has to send states, not %v a second", a.Rate)
	}
	before, err := usageOf(target.PIDs)
	if err != nil {
		return nil, err
	}
	c := target.gather(ctx)
	defer c.leave()
	s := &showing{crowd: c}
	if err := s.join(a.Rooms, a.People); err != nil {
		return nil, err
	}
	r := &Report{Scenario: "awareness", Dialect: target.Dialect}
	r.add("rooms", float64(a.Rooms))
	r.add("connections", float64(len(s.people)))
	r.add("rate_per_second", a.Rate)
	m, states, err := s.show(a) //nolint:contextcheck // the clients have the context
	if err == nil {
		err = settle(c, s.people)
	}
	if err == nil {
		err = s.check()
	}
	c.leave() // so that nothing changes any more
	var late latencies
	entries := int64(0)
	for _, p := range s.people {
		late.addAll(&p.late)
		entries += p.entries
	}
	r.add("edits", float64(states))
	r.addDeliveries(&late, m)
	r.add("entries", float64(entries))
	r.addMeasured(m, target.PIDs)
	r.addPerConnection(m.end.resident-before.resident, len(s.people), target.PIDs)
	if err == nil {
		r.add("clients_compared", float64(len(s.people)+a.Rooms))
	}
	return r, err
}

// showing is the people of an Awareness.
type showing struct {
	crowd  *crowd
	people []*present
}

// present is a person whose awareness state the others see.
type present struct {
	quiet

	crowd  *crowd
	room   string
	others []*present // all of the room, also itself
	first  uint64     // the client id of the first of them
	own    int        // its number among them, or -1
	client *client

	states atomic.Int64 // how many it has sent, which is the clock of the last one
	sent   times        // of the states, by clock

	seen      []int64 // by person: the clock of the last state
	entries   int64   // that have arrived while this is measured
	late      latencies
	delivered atomic.Int64
}

func (s *showing) join(rooms, people int) error {
	for i := range rooms {
		first := uint64(rand.Uint32()>>1 + 1)
		all := make([]*present, people)
		for k := range all {
			all[k] = &present{quiet: quiet{clock: s.crowd.now}, crowd: s.crowd, room: s.crowd.room(i), others: all, first: first, own: k, seen: make([]int64, people)}
		}
		s.people = append(s.people, all...)
	}
	err := s.crowd.each(len(s.people), 32, func(i int) (err error) {
		s.people[i].client, err = s.crowd.join(s.people[i].room, s.people[i])
		return err
	})
	if err != nil {
		return err
	}
	err = s.crowd.await(int64(len(s.people)), func() (n int64) {
		for _, p := range s.people {
			n += p.isIn()
		}
		return n
	})
	if errors.Is(err, errStuck) {
		err = errNotIn
	}
	return err
}

// show lets the people send states.
func (s *showing) show(a Awareness) (m measured, states int64, err error) {
	s.crowd.countNothing()
	ctx, cancel := context.WithCancel(s.crowd.ctx)
	var sending sync.WaitGroup
	for _, p := range s.people {
		sending.Go(func() { s.crowd.pace(ctx, perSecond(a.Rate), p.show) })
	}
	delivered := int64(0)
	stop := s.crowd.report(func() string {
		now := received(s.people)
		line := fmt.Sprintf("%d states delivered a second", now-delivered)
		delivered = now
		return line
	})
	m, states, err = s.crowd.during(a.WarmUp, a.Span, func() (n int64) {
		for _, p := range s.people {
			n += p.states.Load()
		}
		return n
	})
	cancel()
	sending.Wait()
	stop()
	return m, states, errors.Join(err, s.crowd.err())
}

// show sends the next state.
func (p *present) show(at time.Duration) error {
	clock := p.states.Load() + 1
	if err := p.sent.set(clock, at); err != nil {
		return err
	}
	p.states.Store(clock)
	return p.client.send(protocol.Awareness, p.state())
}

// position is what precedes the number of a state in it.
const position = `"anchor":`

// state implements person.
func (p *present) state() []byte {
	clock := p.states.Load()
	if clock == 0 {
		return nil
	}
	text := `{"user":{"name":"Person ` + strconv.Itoa(p.own) + `","color":"#30bced","colorLight":"#30bced33"},"cursor":{` +
		position + strconv.FormatInt(clock, 10) + `,"head":` + strconv.FormatInt(clock, 10) + `}}`
	update := lib0.AppendUint(lib0.AppendUint([]byte{1}, p.first+uint64(p.own)), uint64(clock))
	return lib0.AppendString(update, text)
}

// presence implements person.
func (p *present) presence(update []byte, at time.Duration) error {
	r := lib0.NewReader(update)
	counts := p.crowd.counts(at)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		i, clock, state := r.Uint()-p.first, int64(r.Uint()), r.Bytes()
		if r.Err() != nil {
			break
		}
		if i >= uint64(len(p.others)) || clock > p.others[i].states.Load() {
			return fmt.Errorf("the server sends an awareness state that no client of this program has made: client %d, clock %d", i+p.first, clock)
		}
		if int(i) == p.own || clock <= p.seen[i] {
			continue
		}
		if !bytes.Contains(state, strconv.AppendInt([]byte(position), clock, 10)) {
			return fmt.Errorf("the server sends another awareness state of client %d than that of clock %d: %.200s", i+p.first, clock, state)
		}
		last := p.seen[i]
		p.seen[i] = clock
		if counts {
			p.entries++
			for k := last + 1; k <= clock; k++ {
				p.late.add(at - p.others[i].sent.at(k))
			}
		}
		p.delivered.Add(clock - last)
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("the server sends an awareness update that can't be read: %w", err)
	}
	return nil
}

// expected implements receiver.
func (p *present) expected() (n int64) {
	for i, other := range p.others {
		if i != p.own {
			n += other.states.Load()
		}
	}
	return n
}

// received implements receiver.
func (p *present) received() int64 { return p.delivered.Load() }

// lacks implements receiver.
func (p *present) lacks() string {
	for i, other := range p.others {
		if seen, clock := p.seen[i], other.states.Load(); i != p.own && seen < clock {
			return fmt.Sprintf("the awareness state of client %d with the clock %d, and has that with %d", p.first+uint64(i), clock, seen)
		}
	}
	return ""
}

// place implements receiver.
func (p *present) place() string { return p.room }

// update implements person. No one types.
func (p *present) update([]byte, time.Duration) error { return nil }

// check connects another client to each room, and returns an error unless it is sent all
// states.
func (s *showing) check() error {
	var newcomers []*present
	for _, p := range s.people {
		if p.own == 0 {
			newcomers = append(newcomers, &present{quiet: quiet{clock: s.crowd.now}, crowd: s.crowd, room: p.room, others: p.others, first: p.first, own: -1, seen: make([]int64, len(p.others))})
		}
	}
	return s.crowd.each(len(newcomers), 8, func(i int) error { return s.crowd.checkNewcomer(newcomers[i]) })
}
