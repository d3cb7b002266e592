package link

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
)

const (
	// packetSize is about how large packets get, in bytes. No broker refuses a message of
	// that size. NATS takes up to 1 MB by default.
	packetSize = 128 << 10
	// quantum is how many bytes of one room a packet takes before the next room has its
	// turn.
	quantum = 32 << 10
	// wholeSize is the size up to which a frame is not cut into parts.
	wholeSize = 16 << 10
	// overhead is about how many bytes a waiting message takes in addition to its data.
	overhead = 200
)

// message is a frame that waits to be sent: head, and then data, which may be large and
// shared by several messages.
type message struct {
	kind       uint64
	room       string
	head, data []byte
	number     uint64 // of the message, by the order in which the queue has taken it
}

func (m *message) size() int { return len(m.head) + len(m.data) }

// copyTo appends up to n bytes of the message, from an offset.
func (m *message) copyTo(b []byte, from, n int) []byte {
	for _, piece := range [...][]byte{m.head, m.data} {
		if from >= len(piece) {
			from -= len(piece)
			continue
		}
		part := piece[from:min(from+n, len(piece))]
		b = append(b, part...)
		from, n = 0, n-len(part)
	}
	return b
}

// queue holds the messages for a peer. Those of one room stay in order; rooms take
// turns, so that a large message of one room doesn't delay the others.
type queue struct {
	rooms  map[string]*backlog
	turns  fifo[*backlog] // the backlogs of rooms, in the order of their turns
	free   []*backlog
	final  []message // messages that are sent once none put before them waits
	last   uint64    // the number of the last message
	bytes  int
	inputs int    // how many of the bytes are those of inputs
	stream uint64 // the number of the last message that was cut into parts
}

// backlog holds the messages of one room.
type backlog struct {
	room     string
	messages fifo[message]
	bytes    int
	drops    bool          // a message waits that reports dropped outputs, so all further outputs are dropped
	shared   map[*byte]int // how many messages have the same large data
	sent     int           // how much of the first message was sent, in bytes
	stream   uint64        // the number of the first message, if it is sent in parts
}

func (q *queue) empty() bool { return q.turns.len() == 0 && len(q.final) == 0 }

// waiting returns how many bytes of a room wait.
func (q *queue) waiting(room string) int {
	if b := q.rooms[room]; b != nil {
		return b.bytes
	}
	return 0
}

// full reports whether so much waits that an output must be dropped. If too much waits for
// all rooms together, a room may still add small outputs until it has its share.
func (q *queue) full(m *message) bool {
	waiting := q.waiting(m.room)
	return waiting >= roomOutputs ||
		q.bytes >= mostOutputs && (m.size() > wholeSize || waiting >= mostOutputs/len(q.rooms))
}

// fullOfInputs is full for an input, of which fewer may wait.
func (q *queue) fullOfInputs(m *message) bool {
	waiting := q.waiting(m.room)
	return waiting >= roomInputs ||
		q.inputs >= mostInputs && (m.size() > wholeSize || waiting >= mostInputs/len(q.rooms))
}

// drops reports whether a message waits that reports dropped outputs of a room.
func (q *queue) drops(room string) bool {
	b := q.rooms[room]
	return b != nil && b.drops
}

// put adds a message. Large data that several messages of a room share is counted once.
func (q *queue) put(m message) {
	q.last++
	m.number = q.last
	b := q.rooms[m.room]
	if b == nil {
		if n := len(q.free); n > 0 {
			b, q.free = q.free[n-1], q.free[:n-1]
		} else {
			b = new(backlog)
		}
		b.room = m.room
		if q.rooms == nil {
			q.rooms = make(map[string]*backlog)
		}
		q.rooms[m.room] = b
		q.turns.push(b)
	}
	n := m.cost() + b.share(m.data)
	b.messages.push(m)
	b.drops = b.drops || m.kind == frameDropped
	b.bytes += n
	q.bytes += n
	if m.kind == frameInput {
		q.inputs += n
	}
}

// cost returns how many bytes the message takes, without data that it may share.
func (m *message) cost() int {
	if len(m.data) > wholeSize {
		return overhead + len(m.head)
	}
	return overhead + m.size()
}

// share records that a message with the data waits. It returns the size of the data if
// it is large and no other message shares it, 0 otherwise.
func (b *backlog) share(data []byte) int {
	if len(data) <= wholeSize {
		return 0
	}
	if b.shared == nil {
		b.shared = make(map[*byte]int)
	}
	b.shared[&data[0]]++
	if b.shared[&data[0]] > 1 {
		return 0
	}
	return len(data)
}

// unshare records that a message with the data was sent. The result is that of share.
func (b *backlog) unshare(data []byte) int {
	if len(data) <= wholeSize {
		return 0
	}
	b.shared[&data[0]]--
	if b.shared[&data[0]] > 0 {
		return 0
	}
	delete(b.shared, &data[0])
	return len(data)
}

// release forgets a backlog without messages, which is not among the turns.
func (q *queue) release(b *backlog) {
	delete(q.rooms, b.room)
	*b = backlog{messages: b.messages}
	if len(q.free) < 64 {
		q.free = append(q.free, b)
	}
}

// putFinal adds a small message about an end, which is sent once no message waits that was
// put before it. It does nothing if the same message waits already.
func (q *queue) putFinal(m message) {
	if slices.ContainsFunc(q.final, func(f message) bool { return f.kind == m.kind && bytes.Equal(f.head, m.head) }) {
		return
	}
	m.number = q.last
	q.final = append(q.final, m)
}

func (q *queue) clear() { *q = queue{stream: q.stream} }

// fill appends frames to a packet until it has about the given size or nothing waits.
func (q *queue) fill(packet []byte, size int) []byte {
	for q.turns.len() > 0 && len(packet) < size {
		b := q.turns.pop()
		packet = q.fillTurn(packet, b, size)
		if b.messages.len() == 0 {
			q.release(b)
		} else {
			q.turns.push(b)
		}
	}
	return q.fillFinal(packet)
}

// fillFinal appends the final messages whose time has come.
func (q *queue) fillFinal(packet []byte) []byte {
	if len(q.final) == 0 {
		return packet
	}
	oldest := uint64(math.MaxUint64) // the number of the oldest message that waits in a room
	for _, b := range q.rooms {
		oldest = min(oldest, b.messages.first().number)
	}
	n := 0
	for ; n < len(q.final) && q.final[n].number < oldest; n++ {
		m := &q.final[n]
		packet = m.copyTo(appendLength(packet, m.kind, m.size()), 0, m.size())
	}
	q.final = slices.Delete(q.final, 0, n)
	return packet
}

// fillTurn appends frames of one room.
func (q *queue) fillTurn(packet []byte, b *backlog, size int) []byte {
	end := min(len(packet)+quantum, size)
	for b.messages.len() > 0 && len(packet) < end {
		m := b.messages.first()
		if b.sent == 0 && (m.size() <= wholeSize || m.size() <= end-len(packet)) {
			packet = m.copyTo(appendLength(packet, m.kind, m.size()), 0, m.size())
		} else if packet = q.part(packet, b, m, end-len(packet)); b.sent < m.size() {
			break
		}
		b.sent = 0
		b.drops = b.drops && m.kind != frameDropped
		n := m.cost() + b.unshare(m.data)
		b.bytes -= n
		q.bytes -= n
		if m.kind == frameInput {
			q.inputs -= n
		}
		b.messages.pop()
	}
	return packet
}

// part appends about n bytes of a message. The receiver puts the parts of a stream
// together again.
func (q *queue) part(packet []byte, b *backlog, m *message, n int) []byte {
	if b.sent == 0 {
		q.stream++
		b.stream = q.stream
	}
	var prefix [3 * binary.MaxVarintLen64]byte
	p := binary.AppendUvarint(prefix[:0], b.stream)
	p = binary.AppendUvarint(p, m.kind)
	p = binary.AppendUvarint(p, uint64(m.size()))
	n = min(max(n, 1<<10), m.size()-b.sent)
	packet = append(appendLength(packet, framePart, len(p)+n), p...)
	packet = m.copyTo(packet, b.sent, n)
	b.sent += n
	return packet
}
