package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Shape says how many people are in how many rooms.
type Shape struct {
	Rooms   int
	People  int // in each room
	Writers int // of the people in each room, those that type
	Letters int // that each edit of a writer adds; default: 1

	// Slow is how many of the people in each room, the last ones, read nothing while others
	// type.
	Slow int
	// Stay is whether people whose connections end connect again, as clients of y-websocket do.
	// Otherwise that is an error.
	Stay bool
	// Agent is how many letters each edit of an agent has, which is the last person in each
	// room; 0: there is none.
	Agent int
}

func (s Shape) check() error {
	switch {
	case s.Rooms < 1:
		return fmt.Errorf("there have to be rooms, not %d", s.Rooms)
	case s.People < 2:
		return fmt.Errorf("a room needs two people or more, not %d, so that one receives what another types", s.People)
	case s.Writers < 1 || s.Writers > s.mostWriters():
		return fmt.Errorf("of %d people in a room, between 1 and %d can write, not %d", s.People, s.mostWriters(), s.Writers)
	case s.Letters < 0 || s.Letters > mostLetters || s.Agent < 0 || s.Agent > mostLetters:
		return fmt.Errorf("an edit has between 1 and %d letters", mostLetters)
	}
	return checkFiles(s.Rooms * s.People)
}

// mostLetters bounds the letters of an edit.
const mostLetters = 1 << 20

// mostWriters returns how many people in a room are neither slow nor an agent.
func (s Shape) mostWriters() int { return s.People - s.Slow - min(s.Agent, 1) }

// Typing is people who type into rooms. JoinTyping makes one.
type Typing struct {
	crowd  *crowd
	stay   bool // of the Shape
	rooms  []*typedRoom
	people []*typist
	before usage // of the server, without the people

	inTurn atomic.Bool  // an author types on when a neighbour has received their edit
	typing sync.RWMutex // is locked while people type; slow people read only when it isn't
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

	late    latencies
	agent   latencies     // of the edits of agents
	back    latencies     // how long people were away
	settled time.Duration // how long it took then until all had all
}

// PerSecond returns the number of deliveries in a second.
func (t *Typed) PerSecond() float64 { return float64(t.Deliveries) / t.span.Seconds() }

// Late returns how long this part of the deliveries took at most: Late(0.99) is the 99th
// percentile. It is right to within 2 %.
func (t *Typed) Late(part float64) time.Duration { return t.late.quantile(part) }

// Returns returns how often a person came back whose connection had ended.
func (t *Typed) Returns() int64 { return t.back.count() }

// Back returns how long this part of them was away at most: from the end of a connection until the
// person had again all that they had lacked.
func (t *Typed) Back(part float64) time.Duration { return t.back.quantile(part) }

// CPU returns the CPU time of the server's processes.
func (t *Typed) CPU() time.Duration { return t.cpu }

// JoinTyping connects people to rooms. The caller must call Leave.
func JoinTyping(ctx context.Context, target Target, shape Shape) (t *Typing, err error) {
	if err := shape.check(); err != nil {
		return nil, err
	}
	t = &Typing{stay: shape.Stay}
	if t.before, err = usageOf(target.PIDs); err != nil {
		return nil, err
	}
	t.crowd = target.gather(ctx)
	defer func() {
		if err != nil {
			t.crowd.leave()
		}
	}()
	t.place(shape)
	err = t.enter(32)
	return t, err
}

// enter connects all people, so many at a time, and returns when each has been sent what
// the server has.
func (t *Typing) enter(atOnce int) error {
	for _, p := range t.people {
		p.in.Store(0)
	}
	stop := t.crowd.report(func() string {
		return fmt.Sprintf("connecting: %d of %d clients have a document", t.synced(), len(t.people))
	})
	defer stop()
	err := t.crowd.each(len(t.people), atOnce, func(i int) error { return t.people[i].enter() })
	if err == nil {
		err = t.crowd.await(int64(len(t.people)), t.synced)
	}
	if errors.Is(err, errStuck) {
		err = fmt.Errorf("only %d of %d clients have received a SyncStep2: %w", t.synced(), len(t.people), err)
	}
	return err
}

// place makes the people and their rooms.
func (t *Typing) place(shape Shape) {
	for i := range shape.Rooms {
		room := &typedRoom{name: t.crowd.room(i), firstID: uint64(rand.Uint32()>>1 + 1)}
		for k := range shape.Writers {
			room.authors = append(room.authors, &author{id: room.firstID + uint64(k), size: max(int64(shape.Letters), 1), stays: shape.Stay})
		}
		if shape.Agent > 0 {
			room.authors = append(room.authors, &author{id: room.firstID + uint64(shape.Writers), size: int64(shape.Agent), stays: shape.Stay, agent: true})
		}
		t.rooms = append(t.rooms, room)
		for k := range shape.People {
			p := t.newPerson(room)
			switch {
			case k < shape.Writers:
				p.own = k
			case k == shape.People-1 && shape.Agent > 0:
				p.own = shape.Writers
			}
			p.slow = k >= shape.People-shape.Slow
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
		n += min(p.in.Load(), 1)
	}
	return n
}

// Away returns how many people have no connection, or have not been sent yet what they lack.
func (t *Typing) Away() int { return len(t.people) - int(t.synced()) }

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

// Type lets the writers type for the span: each as often in a second as the rate says, or if
// it is 0, each types the next letter once a neighbour has received the last one. What
// happens in the time of warming up, before the span, isn't measured. Type returns when all
// clients have received all edits, or with what was measured until an error.
func (t *Typing) Type(rate float64, warmUp, span time.Duration) (*Typed, error) {
	began := t.crowd.now()
	progress := func() string {
		return fmt.Sprintf("%.0f of %.0f s", (t.crowd.now() - began).Seconds(), (warmUp + span).Seconds())
	}
	return t.typed(rate, progress, func() (measured, int64, error) { return t.crowd.during(warmUp, span, t.edits) })
}

// TypeWhile is Type until do returns, which is called once the writers type. In the end, those
// who stay have to be back.
func (t *Typing) TypeWhile(rate float64, do func() error) (*Typed, error) {
	progress := func() string { return fmt.Sprintf("%d clients are away", t.Away()) }
	return t.typed(rate, progress, func() (measured, int64, error) { return t.crowd.while(t.edits, do) })
}

// typed lets the writers type until during returns, which returns what was measured and how
// many edits were made.
func (t *Typing) typed(rate float64, progress func() string, during func() (measured, int64, error)) (*Typed, error) {
	t.crowd.countNothing()
	for _, p := range t.people {
		p.late, p.agent = latencies{}, latencies{}
	}
	delivered := received(t.people)
	stop := t.crowd.report(func() string {
		now := received(t.people)
		line := fmt.Sprintf("typing: %s, %d deliveries a second", progress(), now-delivered)
		delivered = now
		return line
	})
	typed, err := t.measure(rate, during)
	stop()
	if err == nil {
		ended := t.crowd.now()
		err = settle(t.crowd, t.people)
		typed.settled = t.crowd.now() - ended
	}
	if err == nil { // those who lack nothing may be away
		err = t.crowd.await(int64(len(t.people)), t.synced)
	}
	if err != nil {
		t.Leave()
	}
	for _, p := range t.people {
		typed.late.addAll(&p.late)
		typed.agent.addAll(&p.agent)
		typed.back.addAll(&p.back)
	}
	typed.Deliveries = typed.late.count()
	return typed, err
}

// measure lets the writers type until during returns.
func (t *Typing) measure(rate float64, during func() (measured, int64, error)) (*Typed, error) {
	typed := new(Typed)
	ctx, cancel := context.WithCancel(t.crowd.ctx)
	defer cancel()
	t.typing.Lock()
	defer t.typing.Unlock()
	var typing sync.WaitGroup
	t.inTurn.Store(rate == 0)
	for _, room := range t.rooms {
		for _, a := range room.authors {
			if a.agent {
				typing.Go(func() { t.crowd.pace(ctx, burstEvery, a.burst) })
			} else if rate > 0 {
				typing.Go(func() { t.crowd.pace(ctx, perSecond(rate), a.write) })
			} else if err := a.write(t.crowd.now()); err != nil {
				t.crowd.fail(err)
			}
		}
	}
	var err error
	typed.measured, typed.Edits, err = during()
	t.inTurn.Store(false)
	cancel()
	if err != nil {
		t.crowd.fail(err)
	}
	typing.Wait()
	return typed, t.crowd.err()
}

// perSecond returns the interval of a rate.
func perSecond(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }

// Check connects another client to each room, and returns an error unless it is sent all
// that was typed.
func (t *Typing) Check() error {
	return t.crowd.each(len(t.rooms), 8, func(i int) error {
		return t.crowd.checkNewcomer(t.newPerson(t.rooms[i]))
	})
}
