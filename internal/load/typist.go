package load

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// typist is a person in a room of a Typing. It checks and counts what the authors type.
type typist struct {
	typing *Typing
	room   *typedRoom
	own    int // which of the authors it is, or -1
	// answers is the author who types on when this person has received their edit, or -1: the
	// author sits beside it.
	answers int
	slow    bool // reads nothing while others type
	client  *client

	got   []int64        // by author: how many letters are there without a gap
	early []clocks.Spans // by author: letters after a gap; nil if there never was one

	in        atomic.Int64  // when it was synced; 0: it isn't
	left      time.Duration // when its connection ended; 0: it has one
	back      latencies     // how long it was away
	delivered atomic.Int64  // edits of others
	late      latencies     // of those that count, except for those of agents
	agent     latencies     // of those of agents
}

// enter connects the person.
func (p *typist) enter() (err error) {
	if p.typing.stay {
		one, err := p.typing.crowd.open(p.room.name, p)
		if err == nil {
			p.typing.crowd.reading.Go(func() { p.comeBack(one) })
		}
		return err
	}
	if p.client, err = p.typing.crowd.join(p.room.name, p); err != nil {
		return err
	}
	p.writeTo(p.client)
	return nil
}

// writeTo makes the person, if it is an author, write to a connection.
func (p *typist) writeTo(one *client) {
	if p.own >= 0 {
		p.room.authors[p.own].client.Store(one)
	}
}

// comeBack reads what the server sends. Whenever the connection ends, the person connects
// again, to the next of the addresses, as through a proxy that passes connections on to
// another process.
func (p *typist) comeBack(one *client) {
	c := p.typing.crowd
	var err error
	for number, pause := one.number, firstPause; ; {
		if one != nil {
			p.writeTo(one) // what is typed from here on is sent now or with what the server lacks
			err, pause = p.read(one), firstPause
			p.writeTo(nil)
		}
		if c.ctx.Err() != nil {
			return
		}
		if !hasEnded(err) {
			c.fail(fmt.Errorf("a client in the room %s: %w", p.room.name, err))
			return
		}
		c.sleep(pause)
		number, pause = number+1, min(2*pause, longestPause)
		one, err = c.connect(c.ctx, number, p.room.name, p, c.now)
	}
}

// A client of y-websocket connects again after this pause, and waits twice as long after each
// failure.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2500 * time.Millisecond
)

// read reads what the server sends until the connection ends, and returns why.
func (p *typist) read(one *client) error {
	defer one.close()
	defer context.AfterFunc(p.typing.crowd.ctx, one.close)()
	err := one.readAll()
	if p.in.Swap(0) > 0 {
		p.left = p.typing.crowd.now()
	}
	return err
}

// stateVector implements person.
func (p *typist) stateVector() []byte {
	n := uint64(0)
	var entries []byte
	for i, a := range p.room.authors {
		got := p.got[i]
		if i == p.own {
			got = a.clock.Load()
		}
		if got > 0 {
			n++
			entries = lib0.AppendUint(lib0.AppendUint(entries, a.id), uint64(got))
		}
	}
	return append(lib0.AppendUint(nil, n), entries...)
}

// lacked implements person.
func (p *typist) lacked(stateVector []byte) ([]byte, error) {
	nothing := []byte{0, 0}
	if p.own < 0 {
		return nothing, nil
	}
	a := p.room.authors[p.own]
	from := int64(blocks.ClockOf(stateVector, a.id))
	return a.appendLetters(nil, min(from, a.clock.Load()), a.clock.Load()), nil
}

// synced implements person.
func (p *typist) synced() {
	now := p.typing.crowd.now()
	if p.left > 0 {
		p.back.add(now - p.left)
		p.left = 0
	}
	p.in.Store(int64(now))
}

// state implements person.
func (p *typist) state() []byte { return nil }

// presence implements person.
func (p *typist) presence([]byte, time.Duration) error { return nil }

var (
	errForeign = errors.New("the server sends an insertion that no client of this program has made")
	errDeleted = errors.New("the server sends a deletion, and no client of this program has deleted anything")
)

// update implements person. It reads the update itself, because this is where the program
// spends its time.
func (p *typist) update(update []byte, at time.Duration) error {
	if p.slow {
		p.typing.typing.RLock()
		defer p.typing.typing.RUnlock()
	}
	r := lib0.NewReader(update)
	for sections := r.Uint(); sections > 0 && r.Err() == nil; sections-- {
		number, id, clock := r.Uint(), r.Uint(), int64(r.Uint())
		i := id - p.room.firstID
		if i >= uint64(len(p.room.authors)) && r.Err() == nil {
			return errForeign
		}
		for ; number > 0 && r.Err() == nil; number-- {
			kind := r.Byte()
			if kind == kindSkip {
				clock += int64(r.Uint())
				continue
			}
			ours := false
			switch kind {
			case kindString | hasOrigin:
				ours = r.Uint() == id && int64(r.Uint()) == clock-1
			case kindString:
				ours = clock == 0 && r.Uint() == 1 && string(r.Bytes()) == root
			}
			letters := r.Bytes()
			if r.Err() != nil {
				break
			}
			if !ours {
				return fmt.Errorf("%w: client %d, clock %d", errForeign, id, clock)
			}
			if err := p.take(int(i), clock, letters, at); err != nil {
				return err
			}
			clock += int64(len(letters))
		}
	}
	if r.Uint() != 0 && r.Err() == nil {
		return errDeleted
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("the server sends an update that can't be read: %w", err)
	}
	return nil
}

// take takes letters of an author, which had arrived at a time.
func (p *typist) take(i int, from int64, letters []byte, at time.Duration) error {
	a := p.room.authors[i]
	for k, letter := range letters {
		if letter != a.letter(from+int64(k)) {
			return fmt.Errorf("%w: client %d, clock %d", errForeign, a.id, from+int64(k))
		}
	}
	got, to := p.got[i], from+int64(len(letters))
	if to > a.clock.Load() {
		return fmt.Errorf("%w: client %d, clock %d", errForeign, a.id, to-1)
	}
	if from > got || p.early != nil {
		if to = p.beyond(i, from, to); to <= got {
			return nil
		}
	}
	if to <= got {
		return nil
	}
	p.got[i] = to
	if i == p.own {
		return nil
	}
	edit, end := got/a.size, to/a.size
	if edit == end {
		return nil
	}
	if !p.slow && p.typing.crowd.counts(at) {
		late := &p.late
		if a.agent {
			late = &p.agent
		}
		for k := edit; k < end; k++ {
			late.add(at - a.sent.at(k))
		}
	}
	p.delivered.Add(end - edit)
	if i == p.answers && p.typing.inTurn.Load() {
		return a.write(p.typing.crowd.now())
	}
	return nil
}

// beyond notes letters of an author of which earlier ones may be missing. It returns how
// many letters are there without a gap.
func (p *typist) beyond(i int, from, to int64) int64 {
	if p.early == nil {
		p.early = make([]clocks.Spans, len(p.room.authors))
	}
	all := p.early[i].Add(clocks.Span{From: uint64(from), To: uint64(to)})
	if got := uint64(p.got[i]); got > 0 {
		all = all.Add(clocks.Span{From: 0, To: got})
	}
	p.early[i] = all
	if all[0].From > 0 {
		return 0
	}
	return int64(all[0].To)
}

// expected implements receiver.
func (p *typist) expected() (n int64) {
	for i, a := range p.room.authors {
		if i != p.own {
			n += a.clock.Load() / a.size
		}
	}
	return n
}

// received implements receiver.
func (p *typist) received() int64 { return p.delivered.Load() }

// lacks implements receiver.
func (p *typist) lacks() string {
	for i, a := range p.room.authors {
		if got, typed := p.got[i], a.clock.Load(); i != p.own && got < typed {
			return fmt.Sprintf("letter %d of the %d that client %d has typed", got, typed, a.id)
		}
	}
	return ""
}

// place implements receiver.
func (p *typist) place() string { return p.room.name }
