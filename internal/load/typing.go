package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Shape says how many people are in how many rooms.
type Shape struct {
	Rooms   int
	People  int // in each room
	Writers int // of the people in each room, those that type
}

func (s Shape) check() error {
	switch {
	case s.Rooms < 1:
		return fmt.Errorf("there have to be rooms, not %d", s.Rooms)
	case s.People < 2:
		return fmt.Errorf("a room needs two people or more, not %d, so that one receives what another types", s.People)
	case s.Writers < 1 || s.Writers > s.People:
		return fmt.Errorf("of %d people in a room, between 1 and %[1]d can write, not %d", s.People, s.Writers)
	}
	return checkFiles(s.Rooms * s.People)
}

// Typing is people who type into rooms. JoinTyping makes one.
type Typing struct {
	crowd  *crowd
	rooms  []*typedRoom
	people []*typist
	before usage // of the server, without the people

	inTurn   atomic.Bool  // an author types on when a neighbour has received their edit
	from, to atomic.Int64 // what arrives between these times counts
}

// typedRoom is a room of a Typing.
type typedRoom struct {
	name    string
	firstID uint64 // the client ids of the authors are this and the next ones
	authors []*author
}

// Typed is what was measured while people were typing.
type Typed struct {
	Edits      int64
	Deliveries int64 // each is an edit that reaches another client

	measured

	late latencies
}

// PerSecond returns the number of deliveries in a second.
func (t *Typed) PerSecond() float64 { return float64(t.Deliveries) / t.span.Seconds() }

// Late returns how long this part of the deliveries took at most: Late(0.99) is the 99th
// percentile. It is right to within 2 %.
func (t *Typed) Late(part float64) time.Duration { return t.late.quantile(part) }

// JoinTyping connects people to rooms. The caller must call Leave.
func JoinTyping(ctx context.Context, target Target, shape Shape) (t *Typing, err error) {
	if err := shape.check(); err != nil {
		return nil, err
	}
	t = &Typing{}
	if t.before, err = usageOf(target.PIDs); err != nil {
		return nil, err
	}
	t.crowd = target.gather(ctx)
	defer func() {
		if err != nil {
			t.crowd.leave()
		}
	}()
	var connected atomic.Int64
	stop := t.crowd.report(func() string {
		return fmt.Sprintf("connecting: %d of %d clients", connected.Load(), shape.Rooms*shape.People)
	})
	defer stop()
	t.place(shape)
	err = t.crowd.each(len(t.people), 32, func(i int) error {
		p := t.people[i]
		one, err := t.crowd.join(p.room.name, p)
		if err == nil && p.own >= 0 {
			p.room.authors[p.own].client = one
		}
		connected.Add(1)
		return err
	})
	if err == nil {
		err = t.crowd.await(int64(len(t.people)), t.synced)
	}
	if errors.Is(err, errStuck) {
		err = fmt.Errorf("only %d of %d clients have received a SyncStep2: %w", t.synced(), len(t.people), err)
	}
	return t, err
}

// place makes the people and their rooms.
func (t *Typing) place(shape Shape) {
	for i := range shape.Rooms {
		room := &typedRoom{name: t.crowd.room(i), firstID: uint64(rand.Uint32()>>1 + 1)}
		for k := range shape.Writers {
			room.authors = append(room.authors, &author{id: room.firstID + uint64(k), size: 1})
		}
		t.rooms = append(t.rooms, room)
		for k := range shape.People {
			p := t.newPerson(room)
			if k < shape.Writers {
				p.own = k
			}
			if beside := (k + shape.People - 1) % shape.People; beside < shape.Writers {
				p.answers = beside
			}
			t.people = append(t.people, p)
		}
	}
}

func (t *Typing) newPerson(room *typedRoom) *typist {
	return &typist{typing: t, room: room, own: -1, answers: -1, got: make([]int64, len(room.authors))}
}

func (t *Typing) synced() (n int64) {
	for _, p := range t.people {
		if p.in.Load() {
			n++
		}
	}
	return n
}

// counts reports whether what arrives at a time is measured.
func (t *Typing) counts(at time.Duration) bool {
	return int64(at) >= t.from.Load() && int64(at) < t.to.Load()
}

// Leave ends the connections.
func (t *Typing) Leave() { t.crowd.leave() }

// edits returns how many edits were typed so far.
func (t *Typing) edits() (n int64) {
	for _, room := range t.rooms {
		for _, a := range room.authors {
			n += a.clock.Load() / a.size
		}
	}
	return n
}

// delivered returns how many edits have reached other clients so far.
func (t *Typing) delivered() (n int64) {
	for _, p := range t.people {
		n += p.delivered.Load()
	}
	return n
}

// Type lets the writers type for the span: each as often in a second as the rate says, or if
// it is 0, each types the next letter once a neighbour has received the last one. What
// happens in the time of warming up, before the span, isn't measured. Type returns when all
// clients have received all edits, or with what was measured until an error.
func (t *Typing) Type(rate float64, warmUp, span time.Duration) (*Typed, error) {
	began := t.crowd.now()
	t.from.Store(math.MaxInt64)
	t.to.Store(math.MaxInt64)
	for _, p := range t.people {
		p.late = latencies{}
	}
	delivered := t.delivered()
	stop := t.crowd.report(func() string {
		now := t.delivered()
		line := fmt.Sprintf("typing: %.0f of %.0f s, %d deliveries a second", (t.crowd.now() - began).Seconds(), (warmUp + span).Seconds(), now-delivered)
		delivered = now
		return line
	})
	typed, err := t.measure(rate, warmUp, span)
	stop()
	if err == nil {
		err = t.settle()
	}
	if err != nil {
		t.Leave()
	}
	for _, p := range t.people {
		typed.late.addAll(&p.late)
	}
	typed.Deliveries = typed.late.count()
	return typed, err
}

// measure lets the writers type.
func (t *Typing) measure(rate float64, warmUp, span time.Duration) (*Typed, error) {
	typed := new(Typed)
	ctx, cancel := context.WithCancel(t.crowd.ctx)
	defer cancel()
	var typing sync.WaitGroup
	t.inTurn.Store(rate == 0)
	for _, room := range t.rooms {
		for _, a := range room.authors {
			if rate > 0 {
				typing.Go(func() { t.pace(ctx, a, time.Duration(float64(time.Second)/rate)) })
			} else if err := a.write(t.crowd.now()); err != nil {
				t.crowd.fail(err)
			}
		}
	}
	t.crowd.sleep(warmUp)
	edits := t.edits()
	end, err := t.crowd.begin()
	if err == nil {
		t.from.Store(int64(t.crowd.now()))
		t.crowd.sleep(span)
		t.to.Store(int64(t.crowd.now()))
		typed.measured, err = end()
	}
	typed.Edits = t.edits() - edits
	t.inTurn.Store(false)
	cancel()
	if err != nil {
		t.crowd.fail(err)
	}
	typing.Wait()
	return typed, t.crowd.err()
}

// pace lets an author type once in each interval. The delay of an edit is measured from
// the time at which it was due, if the one before it has taken so long to send.
func (t *Typing) pace(ctx context.Context, a *author, interval time.Duration) {
	timer := time.NewTimer(rand.N(max(interval, 1)))
	defer timer.Stop()
	due := t.crowd.now()
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := t.crowd.now()
		if first {
			due = now
		}
		at := now
		if late := now - due; late > interval {
			at = due
		}
		if err := a.write(at); err != nil {
			t.crowd.fail(fmt.Errorf("sending an edit: %w", err))
			return
		}
		due += interval
		timer.Reset(due - t.crowd.now())
	}
}

// expected returns how many edits of others have to reach a person.
func (p *typist) expected() (n int64) {
	for i, a := range p.room.authors {
		if i != p.own {
			n += a.clock.Load() / a.size
		}
	}
	return n
}

// settle waits until all people have received all edits.
func (t *Typing) settle() error {
	all := int64(0)
	for _, p := range t.people {
		all += p.expected()
	}
	err := t.crowd.await(all, t.delivered)
	if errors.Is(err, errStuck) {
		t.Leave() // so that nothing changes any more
		return t.difference(t.people)
	}
	return err
}

// mostShown bounds how many differences an error names.
const mostShown = 5

// difference returns an error that says which people lack what.
func (t *Typing) difference(people []*typist) error {
	var lines []string
	lacking := 0
	for i, p := range people {
		what := p.lacks()
		if what == "" {
			continue
		}
		if lacking++; lacking <= mostShown {
			lines = append(lines, fmt.Sprintf("client %d, in the room %s, lacks %s", i, p.room.name, what))
		}
	}
	if lacking == 0 {
		return nil
	}
	if lacking > mostShown {
		lines = append(lines, fmt.Sprintf("and %d others lack something", lacking-mostShown))
	}
	return fmt.Errorf("the clients don't have the same document %v after the last edit has arrived: %s", t.crowd.patience(), strings.Join(lines, "; "))
}

// Check connects another client to each room, and returns an error unless it is sent all
// that was typed.
func (t *Typing) Check() error {
	newcomers := make([]*typist, len(t.rooms))
	for i, room := range t.rooms {
		newcomers[i] = t.newPerson(room)
	}
	err := t.crowd.each(len(newcomers), 8, func(i int) error {
		one, err := t.crowd.join(newcomers[i].room.name, newcomers[i])
		if err != nil {
			return err
		}
		defer one.leave()
		err = t.crowd.await(newcomers[i].expected(), newcomers[i].delivered.Load)
		if errors.Is(err, errStuck) {
			return nil // the difference is shown below
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := t.difference(newcomers); err != nil {
		return fmt.Errorf("a client that joins now is not sent the whole document: %w", err)
	}
	return nil
}
