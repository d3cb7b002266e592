// Package typing lets simulated users type into one room, and measures how long it takes
// until the others receive their edits. It is for benchmarks.
package typing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

const (
	// Users is the number of users of a Session.
	Users = 20

	most     = 1 << 16 // the largest number of edits of one user
	patience = 10 * time.Second
)

// Session is a room with its users. Join makes one.
type Session struct {
	testing.TB

	users   []*user
	reading sync.WaitGroup
	leaving atomic.Bool
}

// user is a simulated user, which types a text of its own.
type user struct {
	id          uint64
	conn        *wsclient.Client
	clock       atomic.Int64        // of the next character
	sent        [most]atomic.Int64  // when each edit was sent, in Unix nanoseconds
	saw         chan struct{}       // the next user has received the last edit
	late        []time.Duration     // the latencies of received edits
	last        [Users]atomic.Int64 // by user: the clock after the last edit received
	began, ends time.Time           // the period whose deliveries count
	mu          sync.Mutex
}

// Join connects the users to a room. They take turns among the addresses of the room,
// one for each server.
func Join(tb testing.TB, addresses ...string) *Session {
	tb.Helper()
	m := &Session{TB: tb}
	for i := range Users {
		conn, err := wsclient.DialOver(tb.Context(), nil, addresses[i%len(addresses)], nil)
		if err != nil {
			tb.Fatal(err)
		}
		// The room sends SyncStep1 to each connection that joins. A client that hasn't joined
		// receives only the merged updates of the others, which hide the order of the edits.
		if err := conn.Await(testkit.SyncStep1([]byte{0})); err != nil {
			tb.Fatal(err)
		}
		m.users = append(m.users, &user{id: uint64(i), conn: conn, saw: make(chan struct{}, 1)})
	}
	for _, p := range m.users {
		m.reading.Go(func() {
			defer func() { _ = p.conn.Close() }() // Leave may have closed it
			if err := m.read(p); !m.leaving.Load() {
				tb.Errorf("user %d: %v", p.id, err)
			}
		})
	}
	for _, p := range m.users { // once these have arrived, the room is open and all users are in it
		m.write(p)
	}
	m.settle()
	return m
}

// Leaving must be called before the server ends the connections.
func (m *Session) Leaving() { m.leaving.Store(true) }

// Wait waits until all connections have ended.
func (m *Session) Wait() { m.reading.Wait() }

// Leave ends the connections.
func (m *Session) Leave() {
	m.Leaving()
	for _, p := range m.users {
		_ = p.conn.Close() // the reader closes it again
	}
	m.Wait()
}

// Type makes all users type for the span: at the pace, or if pace is 0, each types
// the next character once the next user has received the last one. It returns the
// number of edits, when all users have received them.
func (m *Session) Type(pace, span time.Duration) (edits int64) {
	m.Helper()
	began := time.Now()
	ends := began.Add(span)
	for _, p := range m.users {
		p.mu.Lock()
		p.began, p.ends, p.late = began, ends, nil
		p.mu.Unlock()
		select {
		case <-p.saw:
		default:
		}
	}
	var typing sync.WaitGroup
	for _, p := range m.users {
		from := p.clock.Load()
		typing.Go(func() {
			next := began.Add(rand.N(max(pace, 1)))
			for !m.Failed() {
				if pace > 0 {
					time.Sleep(time.Until(next))
					next = next.Add(pace)
				}
				if !time.Now().Before(ends) {
					break
				}
				m.write(p)
				if pace == 0 {
					select {
					case <-p.saw:
					case <-time.After(patience):
						m.Errorf("no user has received what user %d typed", p.id)
					}
				}
			}
			atomic.AddInt64(&edits, p.clock.Load()-from)
		})
	}
	typing.Wait()
	m.settle()
	return edits
}

// settle waits until all users have received all edits.
func (m *Session) settle() {
	m.Helper()
	for until := time.Now().Add(patience); !m.settled(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) || m.Failed() {
			m.Fatal("not all users have received all edits")
		}
	}
}

func (m *Session) settled() bool {
	for _, author := range m.users {
		for _, p := range m.users {
			if p != author && p.last[author.id].Load() != author.clock.Load() {
				return false
			}
		}
	}
	return true
}

// Latencies returns the latencies of all deliveries that began and ended in the period that
// counts, in ascending order.
func (m *Session) Latencies() (all []time.Duration) {
	for _, p := range m.users {
		p.mu.Lock()
		all = append(all, p.late...)
		p.mu.Unlock()
	}
	slices.Sort(all)
	if len(all) == 0 {
		m.Fatal("nothing was delivered")
	}
	return all
}

// write types one character.
func (m *Session) write(p *user) {
	clock := uint64(p.clock.Load())
	if clock == most {
		m.Error("a user has typed too much")
		return
	}
	message := testkit.Update(testkit.Typed(p.id, clock, "x"))
	p.clock.Add(1)
	p.sent[clock].Store(time.Now().UnixNano())
	if err := p.conn.Send(message); err != nil {
		m.Error(err)
	}
}

// read handles the messages of the server until the connection ends.
func (m *Session) read(p *user) error {
	for {
		op, frame, err := p.conn.Read()
		now := time.Now()
		switch {
		case err != nil:
			return err
		case op == ws.OpClose:
			return fmt.Errorf("closed: %q", frame)
		case op != ws.OpBinary || !bytes.HasPrefix(frame, []byte{0, 2}):
			continue
		}
		b := frame[2:]
		uvarint(&b) // the update's length
		if err := m.receive(p, b, now); err != nil {
			return fmt.Errorf("%w in %x", err, frame)
		}
	}
}

// receive handles an update, which may hold the edits of several users.
func (m *Session) receive(p *user, b []byte, now time.Time) error {
	for range uvarint(&b) {
		blocks, id, clock := uvarint(&b), uvarint(&b), uvarint(&b)
		for range blocks {
			if len(b) == 0 {
				return io.ErrUnexpectedEOF
			}
			kind := b[0]
			b = b[1:]
			switch kind {
			case 4: // a string, the first in its parent
				uvarint(&b)
				cut(&b, uvarint(&b))
			case 4 | 0x80: // a string after another one
				uvarint(&b)
				uvarint(&b)
			default:
				return errors.New("an insertion that no user has typed")
			}
			characters := uvarint(&b)
			cut(&b, characters)
			for end := clock + characters; clock < end; clock++ {
				if id >= Users || clock >= most {
					return errors.New("an edit of an unknown user")
				}
				if id != p.id && !m.see(p, m.users[id], clock, now) {
					return fmt.Errorf("edit %d of user %d is out of order", clock, id)
				}
			}
		}
	}
	return nil
}

// see records that p has received an edit, and reports whether it is the next one of
// its author.
func (m *Session) see(p, author *user, clock uint64, now time.Time) bool {
	if !p.last[author.id].CompareAndSwap(int64(clock), int64(clock)+1) {
		return false
	}
	sent := time.Unix(0, author.sent[clock].Load())
	p.mu.Lock()
	if sent.After(p.began) && now.Before(p.ends) {
		p.late = append(p.late, now.Sub(sent))
	}
	p.mu.Unlock()
	if p.id == (author.id+1)%Users {
		select {
		case author.saw <- struct{}{}:
		default:
		}
	}
	return true
}

func uvarint(b *[]byte) uint64 {
	v, n := binary.Uvarint(*b)
	*b = (*b)[max(n, 0):]
	return v
}

func cut(b *[]byte, n uint64) { *b = (*b)[min(n, uint64(len(*b))):] }
