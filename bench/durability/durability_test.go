// Package durability_test measures what durability costs: the same users type into the
// same server, on a store in memory and on SQLite at each level of durability,
// alternating within one run.
//
//	go test -run '^$' -bench . -benchtime 1x ./bench/durability
package durability_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

var (
	rounds = flag.Int("rounds", 5, "number of measurements of each level")
	span   = flag.Duration("span", 1500*time.Millisecond, "duration of each measurement")
)

const (
	users = 20
	pace  = 100 * time.Millisecond // between two edits of one user
	most  = 1 << 16                // the largest number of edits of one user
)

var levels = []string{"memory:", store.DurabilityNone.String(), store.DurabilityCommit.String(), store.DurabilityFsync.String()}

// figures are the results of one measurement, or the medians of several.
type figures struct {
	deliveries float64       // a second, while each user types as fast as their edits are received
	p50, p99   time.Duration // from sending an edit to its receipt by another user, at the pace
	written    float64       // bytes written to the disk per edit, at the pace
}

func BenchmarkDurability(b *testing.B) {
	for range b.N {
		seen := map[string][]figures{}
		for round := range *rounds {
			for i := range levels {
				level := levels[(round+i)%len(levels)]
				seen[level] = append(seen[level], measure(b, level))
			}
		}
		var table strings.Builder
		base := medians(seen[levels[0]])
		for _, level := range levels {
			m := medians(seen[level])
			fmt.Fprintf(&table, "| `%s` | %.0f (%.2f) | %.2f ms (%.1f) | %.2f ms (%.1f) | %.0f |\n", level,
				m.deliveries, m.deliveries/base.deliveries,
				milliseconds(m.p50), milliseconds(m.p50)/milliseconds(base.p50),
				milliseconds(m.p99), milliseconds(m.p99)/milliseconds(base.p99),
				m.written)
		}
		b.Logf("medians of %d rounds of %v, with ratios to memory:\n"+
			"| level | deliveries a second | p50 | p99 | bytes written per edit |\n|---|---|---|---|---|\n%s", *rounds, *span, &table)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func medians(all []figures) figures {
	return figures{
		deliveries: median(all, func(f figures) float64 { return f.deliveries }),
		p50:        median(all, func(f figures) time.Duration { return f.p50 }),
		p99:        median(all, func(f figures) time.Duration { return f.p99 }),
		written:    median(all, func(f figures) float64 { return f.written }),
	}
}

func median[T cmp.Ordered](all []figures, of func(figures) T) T {
	values := make([]T, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func measure(b *testing.B, level string) (f figures) {
	b.Helper()
	fast := newSession(b, level)
	fast.typing(0)
	f.deliveries = float64(len(fast.late())) / span.Seconds()
	fast.end()

	paced := newSession(b, level)
	before := written(b)
	edits := paced.typing(pace)
	late := paced.late()
	f.p50, f.p99 = late[len(late)/2], late[len(late)*99/100]
	paced.end() // before written: checkpoints count too
	f.written = float64(written(b)-before) / float64(edits)
	return f
}

// session is a server with users in one room.
type session struct {
	*testing.B

	users []*user
	end   func()
}

// user is a simulated user, which types a text of its own.
type user struct {
	id          uint64
	conn        *wsclient.Client
	clock       atomic.Int64        // of the next character
	sent        [most]atomic.Int64  // when each edit was sent, in Unix nanoseconds
	saw         chan struct{}       // the next user has received the last edit
	late        []time.Duration     // the latencies of received edits
	last        [users]atomic.Int64 // by user: the clock after the last edit received
	began, ends time.Time           // the period whose deliveries count
	mu          sync.Mutex
}

const room = "/session"

func newSession(b *testing.B, level string) *session {
	b.Helper()
	keep := keeper(b, level)
	server, err := yroom.New(yroom.Config{Store: keep.store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	front := httptest.NewServer(server)
	m := &session{B: b}
	var reading sync.WaitGroup
	for i := range users {
		conn, err := wsclient.Dial(b.Context(), front.URL+room, nil)
		if err != nil {
			b.Fatal(err)
		}
		// The room sends SyncStep1 to each connection that joins. A client that hasn't joined
		// receives only the merged updates of the others, which hide the order of the edits.
		if err := conn.Await(testkit.SyncStep1([]byte{0})); err != nil {
			b.Fatal(err)
		}
		m.users = append(m.users, &user{id: uint64(i), conn: conn, saw: make(chan struct{}, 1)})
	}
	var ending atomic.Bool
	for _, p := range m.users {
		reading.Go(func() {
			defer p.conn.Close()
			if err := m.read(p); !ending.Load() {
				b.Errorf("user %d: %v", p.id, err)
			}
		})
	}
	m.end = func() {
		b.Helper()
		ending.Store(true)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			b.Error(err)
		}
		reading.Wait()
		front.Close()
		if err := keep.close(); err != nil {
			b.Error(err)
		}
		if b.Failed() {
			b.FailNow()
		}
	}
	for _, p := range m.users { // once these have arrived, the room is open and all users are in it
		m.write(p)
	}
	m.settle()
	return m
}

type kept struct {
	store store.Store
	close func() error
}

func keeper(b *testing.B, level string) kept {
	b.Helper()
	if level == levels[0] {
		return kept{memstore.New(), func() error { return nil }}
	}
	s, err := sqlitestore.Open(filepath.Join(b.TempDir(), "rooms.db"), sqlitestore.Config{
		Durability: func(string) store.Durability {
			return map[string]store.Durability{"none": store.DurabilityNone, "commit": store.DurabilityCommit, "fsync": store.DurabilityFsync}[level]
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return kept{s, s.Close}
}

// typing makes all users type for the span: at the pace, or if pace is 0, each types
// the next character once the next user has received the last one. It returns the
// number of edits.
func (m *session) typing(pace time.Duration) (edits int64) {
	m.Helper()
	began := time.Now()
	ends := began.Add(*span)
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
					case <-time.After(10 * time.Second):
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
func (m *session) settle() {
	m.Helper()
	for until := time.Now().Add(10 * time.Second); !m.settled(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) || m.Failed() {
			m.Fatal("not all users have received all edits")
		}
	}
}

func (m *session) settled() bool {
	for _, author := range m.users {
		for _, p := range m.users {
			if p != author && p.last[author.id].Load() != author.clock.Load() {
				return false
			}
		}
	}
	return true
}

// late returns the latencies of all deliveries that began and ended in the period that
// counts, in ascending order.
func (m *session) late() (all []time.Duration) {
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
func (m *session) write(p *user) {
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
func (m *session) read(p *user) error {
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
func (m *session) receive(p *user, b []byte, now time.Time) error {
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
				if id >= users || clock >= most {
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
func (m *session) see(p, author *user, clock uint64, now time.Time) bool {
	if !p.last[author.id].CompareAndSwap(int64(clock), int64(clock)+1) {
		return false
	}
	sent := time.Unix(0, author.sent[clock].Load())
	p.mu.Lock()
	if sent.After(p.began) && now.Before(p.ends) {
		p.late = append(p.late, now.Sub(sent))
	}
	p.mu.Unlock()
	if p.id == (author.id+1)%users {
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

// written returns how many bytes this process has written to the disk.
func written(b *testing.B) (n int64) {
	b.Helper()
	all, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skipf("the system doesn't count the bytes written: %v", err)
	}
	_, text, _ := strings.Cut(string(all), "\nwrite_bytes: ")
	if _, err := fmt.Sscan(text, &n); err != nil {
		b.Fatal(err)
	}
	return n
}
