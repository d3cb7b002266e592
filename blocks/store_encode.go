package blocks

import (
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Encode encodes the whole document, what is pending included unless HoldPending was
// called. The caller owns the result. It panics if enc is no encoding.
func (s *Store) Encode(enc Encoding) []byte {
	if err := checkEncoding(enc); err != nil {
		panic(err)
	}
	return fromV1(s.encode(), enc)
}

// EncodeAll is Encode with what is pending, whether HoldPending was called or not.
func (s *Store) EncodeAll(enc Encoding) []byte {
	holds := s.holds
	s.holds = false
	defer func() { s.holds = holds }()
	return s.Encode(enc)
}

// Diff encodes what a client with the given state vector lacks: the blocks after it,
// what is pending unless HoldPending was called, and all deletions, as the sync
// protocol requires. The error is ErrMalformed or ErrEncoding. stateVector is borrowed;
// the caller owns the result.
func (s *Store) Diff(stateVector []byte, enc Encoding) ([]byte, error) {
	if err := checkEncoding(enc); err != nil {
		return nil, err
	}
	defer s.forgetReceiver()
	if err := s.noteReceiver(stateVector); err != nil {
		return nil, err
	}
	return fromV1(s.encode(), enc), nil
}

// Measure returns about how many bytes Diff returns for a state vector in V1, without
// encoding anything. It also returns the entries of the state vector on which that
// depends, as a state vector: those of clients that the document has. State vectors for
// which Diff returns the same have the same entries, in the same order. The error is
// ErrMalformed. stateVector is borrowed; the caller owns the result.
func (s *Store) Measure(stateVector []byte) (entries []byte, size int, err error) {
	defer s.forgetReceiver()
	if err := s.noteReceiver(stateVector); err != nil {
		return nil, 0, err
	}
	n, set := uint64(0), []byte(nil)
	for _, c := range s.inOrder() {
		if clock := min(c.receiverClock, s.lastEnd(c)); clock > 0 {
			n++
			set = lib0.AppendUint(set, c.id)
			set = lib0.AppendUint(set, clock)
		}
	}
	return append(lib0.AppendUint(nil, n), set...), s.measure(), nil
}

// noteReceiver sets receiverClock for each client in a state vector.
func (s *Store) noteReceiver(stateVector []byte) error {
	return ParseStateVector(stateVector, func(client, clock uint64) {
		if c := s.byID[client]; c != nil {
			c.receiverClock = clock
		}
	})
}

func (s *Store) forgetReceiver() {
	for _, c := range s.inOrder() {
		c.receiverClock = 0
	}
}

// measure returns about how many bytes encode returns.
func (s *Store) measure() (size int) {
	for _, c := range s.inOrder() {
		size += len(c.deleted.encoded.wire) + 4*(c.deletionCount()-c.deleted.encoded.n)
		if s.lastEnd(c) > c.receiverClock {
			size += 32 + c.blocks.sizeFrom(c.receiverClock)
			for _, r := range s.shownPending(c) {
				size += r.sizeFrom(c.receiverClock)
			}
		}
	}
	return size
}

// sizeFrom returns about how many bytes the blocks from clock on take.
func (r *run) sizeFrom(clock uint64) (n int) {
	switch {
	case r.end <= clock:
		return 0
	case r.start() >= clock:
		return r.size
	}
	for _, k := range r.chunks[r.find(clock):] {
		n += len(k.wire)
	}
	return n
}

// encode encodes the blocks from receiverClock of each client on, and all deletions.
func (s *Store) encode() []byte {
	size, clients := s.measure(), uint64(0)
	for _, c := range s.inOrder() {
		if s.lastEnd(c) > c.receiverClock {
			clients++
		}
	}
	out := make([]byte, 0, size+size/8+64)
	out = lib0.AppendUint(out, clients)
	for _, c := range s.inOrder() {
		if s.lastEnd(c) > c.receiverClock {
			out = c.appendSection(out, s.shownPending(c))
		}
	}
	return s.appendDeletions(out)
}

// shownPending returns the pending blocks of c that encodings of the document have.
func (s *Store) shownPending(c *client) []*run {
	if s.holds {
		return nil
	}
	return c.pending
}

// lastEnd returns the clock after the last block of c that encodings have.
func (s *Store) lastEnd(c *client) uint64 {
	if shown := s.shownPending(c); len(shown) > 0 {
		return max(c.blocks.end, shown[len(shown)-1].end)
	}
	return c.blocks.end
}

// appendSection appends c's blocks from c.receiverClock on, and pending ones. There must
// be some.
func (c *client) appendSection(dst []byte, pending []*run) []byte {
	clock := c.receiverClock
	var runs []*run
	if c.blocks.end > clock {
		blocks := &c.blocks
		if n := sort.Search(len(pending), func(i int) bool { return pending[i].start() >= blocks.end }); n > 0 {
			blocks, pending = blocks.filled(c.id, pending[:n]), pending[n:]
		}
		runs = append(runs, blocks)
		if c.holes() {
			clock = blocks.skipHole(max(clock, blocks.start()))
		}
	}
	for _, r := range pending {
		if r.end > clock {
			runs = append(runs, r)
		}
	}
	clock = max(clock, runs[0].start())
	blocks, at := uint64(0), clock
	for _, r := range runs {
		if r.start() > at {
			blocks++ // for a skip
		}
		blocks += r.countFrom(at)
		at = r.end
	}
	dst = lib0.AppendUint(dst, blocks)
	dst = lib0.AppendUint(dst, c.id)
	dst = lib0.AppendUint(dst, clock)
	for _, r := range runs {
		if r.start() > clock {
			dst = append(dst, byte(kindSkip))
			dst = lib0.AppendUint(dst, r.start()-clock)
			clock = r.start()
		}
		dst = r.appendFrom(dst, c.id, clock)
		clock = r.end
	}
	return dst
}

// filled returns a copy of r with blocks in its holes.
func (r *run) filled(client uint64, with []*run) *run {
	out := *r
	out.chunks = slices.Clone(r.chunks)
	f := filler{run: &out, client: client}
	src := iterRuns(client, with, 0)
	for b := src.next(); b != nil; b = src.next() {
		f.add(b)
	}
	f.finish()
	return &out
}

// skipHole returns clock or, if the run has a hole there, the end of that.
func (r *run) skipHole(clock uint64) uint64 {
	n := r.find(clock)
	k := r.indexed(n)
	if i := k.find(clock); k.kind(i) == kindSkip {
		return r.blockEnd(n, i)
	}
	return clock
}

// countFrom counts the blocks from clock on, including the one that holds it.
func (r *run) countFrom(clock uint64) (n uint64) {
	c := r.find(clock)
	if clock > r.chunks[c].clock {
		k := r.indexed(c)
		n = uint64(k.count() - k.find(clock))
		c++
	}
	for _, k := range r.chunks[c:] {
		n += uint64(k.count())
	}
	return n
}

// appendFrom appends the blocks from clock on, and of the one that holds it, the part
// from clock on.
func (r *run) appendFrom(dst []byte, client, clock uint64) []byte {
	c := r.find(clock)
	if clock > r.chunks[c].clock {
		k := r.indexed(c)
		i := k.find(clock)
		if at := k.clockOf(i); at < clock {
			var b block
			b.load(k.blockWire(i), client, at, r.blockEnd(c, i)-at)
			b = b.from(clock)
			dst, _ = b.appendTo(dst)
			i++
		}
		if i < len(k.starts) {
			dst = append(dst, k.wire[k.starts[i].off:]...)
		}
		c++
	}
	for _, k := range r.chunks[c:] {
		dst = append(dst, k.wire...)
	}
	return dst
}

// appendDeletions appends the delete set.
func (s *Store) appendDeletions(dst []byte) []byte {
	clients := uint64(0)
	for _, c := range s.inOrder() {
		if c.deletionCount() > 0 {
			clients++
		}
	}
	dst = lib0.AppendUint(dst, clients)
	for _, c := range s.inOrder() {
		if c.deletionCount() > 0 {
			dst = c.appendDeletions(dst)
		}
	}
	return dst
}

// deletionCount returns the number of spans in c's part of the delete set.
func (c *client) deletionCount() (n int) {
	if len(c.pendingDeletions) == 0 {
		return c.deleted.count()
	}
	c.eachDeletion(func(clocks.Span) { n++ })
	return n
}

// eachDeletion calls yield with the spans of c's part of the delete set, in order: those
// that are integrated, and those that are pending. Spans that touch are one.
func (c *client) eachDeletion(yield func(clocks.Span)) {
	pending, last := c.pendingDeletions, clocks.Span{}
	add := func(x clocks.Span) {
		switch {
		case last.From == last.To:
			last = x
		case last.To == x.From:
			last.To = x.To
		default:
			yield(last)
			last = x
		}
	}
	c.deleted.decode()
	for _, part := range c.deleted.parts {
		for _, x := range part {
			for ; len(pending) > 0 && pending[0].From < x.From; pending = pending[1:] {
				add(pending[0])
			}
			add(x)
		}
	}
	for _, x := range pending {
		add(x)
	}
	if last.From < last.To {
		yield(last)
	}
}

// appendDeletions appends c's part of the delete set.
func (c *client) appendDeletions(dst []byte) []byte {
	dst = lib0.AppendUint(dst, c.id)
	dst = lib0.AppendUint(dst, uint64(c.deletionCount()))
	if len(c.pendingDeletions) > 0 {
		c.eachDeletion(func(x clocks.Span) { dst = appendSpan(dst, x) })
		return dst
	}
	dst = append(dst, c.deleted.encoded.wire...)
	for _, part := range c.deleted.parts {
		for _, x := range part {
			dst = appendSpan(dst, x)
		}
	}
	return dst
}
