package consumer

import (
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/protocol"
)

const (
	defaultMessages = 256 << 20
	smallMessage    = 64 << 10         // up to this size, a message needs no reservation
	incomingRate    = 256 << 10        // in bytes a second
	incomingGrace   = 30 * time.Second // in addition, before a message counts as slow
)

// incoming bounds the bytes of large messages that are arriving at a consumer. Each is
// bounded by its connection, but there may be thousands of connections.
type incoming struct {
	limit int64
	used  atomic.Int64
}

var errNoMemory = &protocol.CloseError{Code: protocol.CloseTryLater, Reason: "The server has no memory for so large a message now. Try again later."}

// take reserves n bytes, and reports whether there are as many.
func (in *incoming) take(n int) bool {
	if in.used.Add(int64(n)) > in.limit {
		in.give(n)
		return false
	}
	return true
}

// give undoes take.
func (in *incoming) give(n int) { in.used.Add(int64(-n)) }

// isScarce reports whether more than half of the limit is used.
func (in *incoming) isScarce() bool { return in.used.Load() > in.limit/2 }

// reserve reserves memory for a message that grows to size bytes. It returns errNoMemory
// if there is none.
func (s *socket) reserve(size int) error {
	more := int64(size) - s.reserved.Load()
	if size <= smallMessage || more <= 0 {
		return nil
	}
	in := &s.consumer.incoming
	if !in.take(int(more)) {
		return errNoMemory
	}
	if s.reserved.Add(more) == more {
		s.reservedAt.Store(s.consumer.clock(time.Now()))
	}
	return nil
}

// release undoes reserve, when the message was handled.
func (s *socket) release() {
	if n := s.reserved.Swap(0); n > 0 {
		s.consumer.incoming.used.Add(-n)
	}
}

// isHoarding reports whether a message of the socket has taken memory for much longer
// than its size explains, while others may lack it.
func (s *socket) isHoarding(now time.Time) bool {
	in := &s.consumer.incoming
	n := s.reserved.Load()
	took := time.Duration(s.consumer.clock(now) - s.reservedAt.Load())
	return n > 0 && in.isScarce() && took > incomingGrace+time.Duration(n)*time.Second/incomingRate
}
