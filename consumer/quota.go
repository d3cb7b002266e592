package consumer

import (
	"hash/maphash"
	"maps"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/yroom/yroom/internal/rate"
)

// Quota bounds what one user or one address does at a Consumer. A zero field is no bound.
type Quota struct {
	// Connections bounds the connections that are open at once. Past it: HTTP 429, or 1013
	// for a document of a Hocuspocus client.
	Connections int
	// RoomsPerMinute bounds how many rooms are opened, which means connections to a room in
	// which the Consumer has no other one. After a pause, those of a minute may be opened at
	// once. Past it: as for Connections.
	RoomsPerMinute int
	// BytesPerSecond bounds what is sent to the Consumer. After a pause, that of a second may
	// be sent at once. Past it, the connections are read more slowly.
	BytesPerSecond int
}

var (
	errUserFull     = &StatusError{http.StatusTooManyRequests, "You have too many connections to this server. Close some, or try again later.", RefusalUserConnections}
	errUserRooms    = &StatusError{http.StatusTooManyRequests, "You open rooms too often. Try again in a minute.", RefusalUserRooms}
	errAddressRooms = &StatusError{http.StatusTooManyRequests, "Your address opens rooms too often. Try again in a minute.", RefusalAddressRooms}
)

// The pauses after which a Quota allows the most at once.
const (
	roomsBurst = time.Minute
	bytesBurst = time.Second
)

// quotas counts what users and addresses do in the rooms whose Settings bound that.
type quotas struct {
	seed maphash.Seed

	mu       sync.Mutex
	subjects map[subjectKey]*subject
}

// subjectKey identifies a user by a hash, because names may be long, or an address.
type subjectKey struct {
	user uint64
	from netip.Prefix
}

// subject is a user or an address that has connections, or had some lately.
type subject struct {
	users        int // connections that are counted for it
	conns        int // of these, those that count
	rooms, bytes rate.Account
}

// tally is a user or an address for which a connection is counted.
type tally struct {
	*subject

	isConn    bool // it counts as a connection
	perSecond int  // Quota.BytesPerSecond
}

func newQuotas() *quotas {
	return &quotas{seed: maphash.MakeSeed(), subjects: make(map[subjectKey]*subject)}
}

// enter counts a connection of a user, who may be unknown, from an address, which may be
// invalid. opens means that it opens its room. If the error is nil, leave must be called with
// the result at its end.
func (q *quotas) enter(set *Settings, user string, from netip.Prefix, opens bool, now time.Time) (all []tally, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if user != "" && set.User != (Quota{}) {
		if all, err = q.add(all, subjectKey{user: maphash.String(q.seed, user)}, set.User, opens, now, errUserFull, errUserRooms); err != nil {
			return nil, err
		}
	}
	if from.IsValid() && set.Address != (Quota{}) {
		before := all
		if all, err = q.add(all, subjectKey{from: from}, set.Address, opens, now, errAddressFull, errAddressRooms); err != nil {
			leave(before)
			return nil, err
		}
	}
	return all, nil
}

// add counts a connection for one subject, or returns one of the two errors. The lock must be held.
func (q *quotas) add(all []tally, key subjectKey, quota Quota, opens bool, now time.Time, full, often error) ([]tally, error) {
	s := q.subjects[key]
	if s == nil {
		s = &subject{}
	}
	isConn := quota.Connections > 0
	if isConn && s.conns >= quota.Connections {
		return nil, full
	}
	if opens && quota.RoomsPerMinute > 0 {
		if _, ok := s.rooms.Reserve(now, time.Minute/time.Duration(quota.RoomsPerMinute), roomsBurst, 0); !ok {
			return nil, often
		}
	}
	q.subjects[key] = s
	s.users++
	if isConn {
		s.conns++
	}
	return append(all, tally{s, isConn, quota.BytesPerSecond}), nil
}

// leave undoes enter.
func (q *quotas) leave(all []tally) {
	if len(all) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	leave(all)
}

// leave is quotas.leave with the lock held.
func leave(all []tally) {
	for _, s := range all {
		s.users--
		if s.isConn {
			s.conns--
		}
	}
}

// forget forgets the subjects that have no connections and have done nothing for a while.
func (q *quotas) forget(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.subjects, func(_ subjectKey, s *subject) bool {
		return s.users == 0 && s.rooms.Rested(now, roomsBurst) && s.bytes.Rested(now, bytesBurst)
	})
}

// opens reports whether a connection to a room is the first one that this consumer has in it.
func (c *Consumer) opens(room string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rooms[room] == nil
}

// spend counts n bytes that the client has sent, and makes its socket rest if they are too
// many.
func (c *Conn) spend(n int) {
	var rest time.Duration
	now := time.Now()
	for _, s := range c.tallies {
		if s.perSecond > 0 {
			wait, _ := s.bytes.Reserve(now, time.Duration(n)*time.Second/time.Duration(s.perSecond), bytesBurst, math.MaxInt64)
			rest = max(rest, wait)
		}
	}
	if rest > 0 {
		c.consumer.counts.rests.Add(1)
		c.socket.restUntil.Store(c.consumer.clock(now.Add(rest)))
	}
}

// mustRest reports whether the socket isn't to be read for now.
func (s *socket) mustRest() bool { return s.restUntil.Load() != 0 }

// rest waits until the socket may be read again, or ends.
func (s *socket) rest() {
	until := s.restUntil.Swap(0)
	if until == 0 {
		return
	}
	s.touched.Store(until) // the client may send meanwhile, such as pongs
	s.mu.Lock()
	ending := whenEnding(&s.ending, s.ended)
	s.mu.Unlock()
	timer := time.NewTimer(time.Duration(until - s.consumer.clock(time.Now())))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ending:
	}
}
