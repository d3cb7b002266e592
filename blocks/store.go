package blocks

import (
	"cmp"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
)

// Options sets the limits of a Store, and whether it keeps history. The zero value of
// a field means its default.
type Options struct {
	MaxSize    int // bytes that the document takes, see store_size.go; default 256 MiB
	MaxPending int // bytes of blocks and deletions that are pending; default 16 MiB
	MaxClients int // clients that have blocks or deletions, pending or not; default 65,536

	// History keeps the content of what is deleted, as yjs does with gc: false.
	History bool

	// Try returns an error if clients that apply some updates, one after the other, would
	// freeze. updates returns them, in V1, and Try owns them. Apply calls Try before it accepts
	// an update with which many blocks are inserted at one place concurrently, and refuses the
	// update if Try returns an error. It tries what the document becomes, as clients load it,
	// and, if the update may cause very much work, the document and then the update, as
	// clients that are connected apply them. All calls together get 16 bytes for each byte that was applied or
	// loaded, at most. Updates that can't be tried, because of that or because the document
	// has more than 32 MiB or 524,288 blocks, are refused when clients may freeze. If Try is
	// nil, all are accepted. yjs.Try is made for this; blocks can't import yjs.
	Try func(updates func() [][]byte) error
}

// Store is one document: the blocks of each client in clock order, and what is
// deleted. A block is integrated once all blocks that it depends on are. Until then it
// is pending: encodings of the document have it unless HoldPending was called, and the
// state vector doesn't count it.
//
// A Store must not be used by two goroutines at the same time.
type Store struct {
	options        Options
	holds          bool // see HoldPending
	byID           map[uint64]*client
	recent         *client   // the last result of find, or nil
	clients        []*client // in descending order of id, as in updates
	added          []*client // those that are not in clients yet
	blocksSize     int       // of all integrated blocks
	blockCount     int       // how many they are
	integratedCost int       // what they count, see Store.total
	pendingCost    int       // the sum of the clients' pendingCost
	nested         bool      // types or what is in them were added; otherwise the depth of all elements is 0
	pendingTypes   int       // how many types are pending
	waiters        int       // how many waiters all clients have
	inHoles        uint64    // how many elements are in holes
	clashes        int       // see Clashes
	lastClash      ID
	unpacked       int // what counts against unpackedExtras
	steps          int // how many origins refCheck may follow, beyond freeSteps: one for each byte that was applied

	keys       keyMemory
	spots      spots
	trials     trials
	freezes    int    // see Freezes
	integrated []byte // see Integrated
	unchecked  bool   // refCheck accepts everything; in tests
	blockwise  bool   // refCheck looks at every block; in tests
	mended     int    // how often the update was mended: see plan.mend

	// Scratch buffers, kept between calls of Apply.
	parsed parsedUpdate
	plan   plan
	eraser eraser
}

// client is what a Store holds of one client.
type client struct {
	id uint64
	clientBlocks
	depths           depthIndex   // of blocks
	pending          []*run       // blocks that are pending, in clock order
	pendingDeletions clocks.Spans // deletions of elements that are not integrated

	branched uint64 // the clock after the last element that is a spot: see isNoted

	pendingCost int // an estimate of the memory that pending and pendingDeletions take, in bytes

	waiters       clocks.Waiters[piece] // the pending blocks that wait for elements of this client
	receiverClock uint64                // during Diff: how many elements the receiver has

	// During Apply:
	planned bool
	plain   bool        // section begins where the blocks end: see continues
	section *section    // of the update, or nil
	scanned uint64      // up to where section was scanned
	late    *latePieces // nil until there are any
}

// clientBlocks is blocks of one client from clock 0 on: those that are integrated, or
// those of a section of an update that may be.
type clientBlocks struct {
	blocks  run        // with skips for holes: see store_holes.go
	present *spanIndex // if there are holes: the elements between them
	deleted spanIndex  // the elements of blocks that are deleted
}

// push appends a block.
func (d *clientBlocks) push(b *block) {
	if b.deleted() {
		d.deleted.add(clocks.Span{From: b.clock, To: b.end()})
	}
	d.put(b)
}

// New returns an empty document with the default limits.
func New() *Store { return NewWith(Options{}) }

// NewWith returns an empty document.
func NewWith(o Options) *Store {
	o.MaxSize = cmp.Or(o.MaxSize, 256<<20)
	o.MaxPending = cmp.Or(o.MaxPending, 16<<20)
	o.MaxClients = cmp.Or(o.MaxClients, 1<<16)
	return &Store{options: o, byID: make(map[uint64]*client)}
}

// HoldPending leaves pending blocks out of what Encode and Diff return from now on, so
// that no client integrates a block before Apply has checked what it refers to. EncodeAll
// returns them.
func (s *Store) HoldPending() { s.holds = true }

// Pending returns about how many bytes of memory the pending blocks and deletions take.
// It takes constant time.
func (s *Store) Pending() int { return s.pendingCost + waiterSize*s.waiters }

// Missing returns how many elements the document lacks between others of their clients:
// those in holes. It takes constant time.
func (s *Store) Missing() uint64 { return s.inHoles }

// Size returns the approximate size of the encoded document in bytes: the integrated
// blocks, without the headers of sections and the delete set. It takes constant time.
func (s *Store) Size() int { return s.blocksSize }

// Memory returns about how many bytes of memory the document takes. It takes constant
// time.
func (s *Store) Memory() int { return s.total() + s.spots.kept.memory() }

// find returns the client with the given id, or nil if there is none.
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

// client returns the client with the given id, and adds it if there is none.
func (s *Store) client(id uint64) *client {
	c := s.find(id)
	if c == nil {
		c = &client{id: id}
		s.byID[id] = c
		s.added = append(s.added, c)
	}
	return c
}

// removeAdded removes the last n clients that were added.
func (s *Store) removeAdded(n int) {
	kept := len(s.added) - n
	for _, c := range s.added[kept:] {
		delete(s.byID, c.id)
	}
	s.recent = nil
	s.added = slices.Delete(s.added, kept, len(s.added))
}

// inOrder returns all clients, in descending order of id.
func (s *Store) inOrder() []*client {
	if len(s.added) > 0 {
		s.clients = append(s.clients, s.added...)
		slices.SortFunc(s.clients, func(a, b *client) int { return descending(a.id, b.id) })
		s.added = nil
	}
	return s.clients
}

func descending(a, b uint64) int { return cmp.Compare(b, a) }
