package blocks

import (
	"cmp"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Options bounds a Store. The zero value of each field stands for its default.
type Options struct {
	MaxSize    int // bytes of the encoded document, and 256 for each client; default 256 MiB
	MaxPending int // bytes of what waits for something it depends on; default 16 MiB

	// History says to keep the content of what is deleted, as yjs does with gc: false.
	History bool
}

// Store is one document: blocks per client in clock order, and what is
// deleted. What lacks something that it depends on waits until that is there:
// the state vector leaves it out, encodings hold it.
//
// A Store is for one goroutine at a time.
type Store struct {
	options Options
	byID    map[uint64]*client
	recent  *client   // whom find found last; nil: nobody
	clients []*client // in descending order of id, as updates are written
	added   []*client // those that are not among them yet
	size    int       // bytes of all blocks
	pending int       // the waitCost of all clients
	nesting int       // types are nested less deep, or as deep

	// Room to work in, kept between calls of Apply.
	in     contents
	plan   plan
	eraser eraser
}

// client is what a Store holds of one client.
type client struct {
	id uint64
	body
	pending []*run       // what waits, in clock order
	dead    clocks.Spans // deleted elements behind blocks.end

	waitCost int // about how many bytes of memory pending and dead take

	waiters clocks.Waiters[*client] // who waits for blocks of this client
	waits   wait                    // whether this client is one of somebody's waiters
	has     uint64                  // during Diff: what the receiver has

	// During Apply:
	planned bool
	ready   uint64   // the clock behind the last block that will be integrated
	section *section // what the update brings; nil: nothing
}

// body is blocks of one client from clock 0 on: those that are integrated, or those
// of a section that may come to be.
type body struct {
	blocks  run
	deleted spanSet // which of their elements are
}

// push appends a block.
func (d *body) push(b *block) {
	if b.deleted() {
		d.deleted.add(clocks.Span{From: b.clock, To: b.end()})
	}
	d.blocks.push(b)
}

// New returns an empty document with default limits.
func New() *Store { return NewWith(Options{}) }

// NewWith returns an empty document.
func NewWith(o Options) *Store {
	o.MaxSize = cmp.Or(o.MaxSize, 256<<20)
	o.MaxPending = cmp.Or(o.MaxPending, 16<<20)
	return &Store{options: o, byID: make(map[uint64]*client)}
}

// Size is about how many bytes the document takes encoded: all blocks that are
// not waiting, without what frames them and the list of deletions. It costs nothing.
func (s *Store) Size() int { return s.size }

// clientSize is what a client counts beside its blocks, so that many clients
// with next to nothing can't take more memory than the limit says.
const clientSize = 256

// find gives the client of the given id; nil: it has none.
func (s *Store) find(id uint64) *client {
	if c := s.recent; c != nil && c.id == id {
		return c
	}
	c := s.byID[id]
	if c != nil {
		s.recent = c
	}
	return c
}

// client gives the client of the given id, which it adds where it is new.
func (s *Store) client(id uint64) *client {
	c := s.find(id)
	if c == nil {
		c = &client{id: id}
		s.byID[id] = c
		s.added = append(s.added, c)
	}
	return c
}

// forget takes back the last n clients that were added.
func (s *Store) forget(n int) {
	kept := len(s.added) - n
	for _, c := range s.added[kept:] {
		delete(s.byID, c.id)
	}
	s.recent = nil
	s.added = slices.Delete(s.added, kept, len(s.added))
}

// inOrder gives all clients, in descending order of id.
func (s *Store) inOrder() []*client {
	if len(s.added) > 0 {
		s.clients = append(s.clients, s.added...)
		slices.SortFunc(s.clients, func(a, b *client) int { return descending(a.id, b.id) })
		s.added = nil
	}
	return s.clients
}

// StateVector encodes, for each client, how many elements the document has of
// it without a gap. The caller owns the result.
func (s *Store) StateVector() []byte {
	n := uint64(0)
	for _, c := range s.inOrder() {
		if c.blocks.end > 0 {
			n++
		}
	}
	out := lib0.AppendUint(nil, n)
	for _, c := range s.inOrder() {
		if c.blocks.end > 0 {
			out = lib0.AppendUint(out, c.id)
			out = lib0.AppendUint(out, c.blocks.end)
		}
	}
	return out
}

// undeleted calls yield with the parts of x that are not known as deleted, in
// order. c may be nil.
func (c *client) undeleted(x clocks.Span, yield func(clocks.Span)) {
	if c == nil {
		yield(x)
		return
	}
	if end := c.blocks.end; x.From < end {
		c.deleted.gaps(clocks.Span{From: x.From, To: min(x.To, end)}, yield)
		x.From = min(x.To, end)
	}
	if x = c.dead.Gaps(x, yield); x.From < x.To {
		yield(x)
	}
}

// undeletedOf tells whether some of the elements in x are not known as deleted,
// and whether none is.
func (c *client) undeletedOf(x clocks.Span) (some, all bool) {
	if x.To <= c.blocks.end {
		open := c.deleted.gap(x)
		return open.From < open.To, open == x
	}
	n := uint64(0)
	c.undeleted(x, func(part clocks.Span) { n += part.To - part.From })
	return n > 0, n == x.To-x.From
}
