package blocks

import (
	"cmp"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
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
	options     Options
	byID        map[uint64]*client
	recent      *client   // whom find found last; nil: nobody
	clients     []*client // in descending order of id, as updates are written
	added       []*client // those that are not among them yet
	blocksSize  int       // bytes of all blocks
	pendingCost int       // the waitCost of all clients
	nesting     int       // types are nested less deep, or as deep

	// Room to work in, kept between calls of Apply.
	parsed parsedUpdate
	plan   plan
	eraser eraser
}

// client is what a Store holds of one client.
type client struct {
	id uint64
	clientBlocks
	pending          []*run       // what waits, in clock order
	pendingDeletions clocks.Spans // deleted elements behind blocks.end

	pendingCost int // about how many bytes of memory pending and dead take

	waiters       clocks.Waiters[*client] // who waits for blocks of this client
	waitState     waitState               // whether this client is one of somebody's waiters
	receiverClock uint64                  // during Diff: what the receiver has

	// During Apply:
	planned bool
	ready   uint64   // the clock behind the last block that will be integrated
	section *section // what the update brings; nil: nothing
}

// body is blocks of one client from clock 0 on: those that are integrated, or those
// of a section that may come to be.
type clientBlocks struct {
	blocks  run
	deleted deleteIndex // which of their elements are
}

// push appends a block.
func (d *clientBlocks) push(b *block) {
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
func (s *Store) Size() int { return s.blocksSize }

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
func (s *Store) removeAdded(n int) {
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

func descending(a, b uint64) int { return cmp.Compare(b, a) }
