package consumer

import (
	"sync/atomic"

	"github.com/yroom/yroom/protocol"
)

// Stats describes what a Consumer does.
type Stats struct {
	// Plain and Hocuspocus are the numbers of connections in rooms, by dialect.
	Plain, Hocuspocus int
	// Received and Sent count what clients have sent, and what was sent to them, without
	// pings, keepalives and close frames.
	Received, Sent Traffic
	// Rests is how often the reading from a connection has paused, because its user or its
	// address had sent more than a Quota allows.
	Rests uint64
	// Waiting is how many bytes wait in all outboxes, and Longest how many in the largest of
	// them. Behind is the number of connections that lack updates. These are as they were when
	// the Consumer last checked its connections, which it does every five seconds.
	Waiting, Longest, Behind int
}

// Traffic counts messages and the bytes of their frames.
type Traffic struct{ Messages, Bytes uint64 }

// Stats returns what the Consumer does now, and has done so far. It takes the same time
// for any number of connections.
func (c *Consumer) Stats() Stats {
	n := &c.counts
	return Stats{
		Plain:      int(n.plain.Load()),
		Hocuspocus: int(n.hocuspocus.Load()),
		Received:   n.received.load(),
		Sent:       n.sent.load(),
		Rests:      n.rests.Load(),
		Waiting:    int(n.waiting.Load()),
		Longest:    int(n.longest.Load()),
		Behind:     int(n.behind.Load()),
	}
}

// counts is what Stats returns.
type counts struct {
	plain, hocuspocus        atomic.Int64
	received, sent           sharedTraffic
	rests                    atomic.Uint64
	waiting, longest, behind atomic.Int64
}

// enter counts a connection that enters its room, or n = -1 for one that has left.
func (s *counts) enter(c *Conn, n int64) {
	if c.IsHocuspocus() {
		s.hocuspocus.Add(n)
	} else {
		s.plain.Add(n)
	}
}

// IsHocuspocus reports whether the client is a Hocuspocus provider. Otherwise it speaks
// the protocol of y-websocket.
func (c *Conn) IsHocuspocus() bool {
	_, is := c.dialect.(protocol.Hocuspocus)
	return is
}

// sharedTraffic is a traffic that many goroutines add to.
type sharedTraffic struct{ messages, bytes atomic.Uint64 }

func (t *sharedTraffic) add(messages, bytes int) {
	t.messages.Add(uint64(messages))
	t.bytes.Add(uint64(bytes))
}

func (t *sharedTraffic) load() Traffic { return Traffic{t.messages.Load(), t.bytes.Load()} }

// backlog is what waits for connections.
type backlog struct{ waiting, longest, behind int }

// add adds what waits for the connections of a socket.
func (b *backlog) add(s *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		n := c.out.Waiting()
		b.waiting, b.longest = b.waiting+n, max(b.longest, n)
		if c.out.Behind() {
			b.behind++
		}
	}
}

func (s *counts) note(b backlog) {
	s.waiting.Store(int64(b.waiting))
	s.longest.Store(int64(b.longest))
	s.behind.Store(int64(b.behind))
}
