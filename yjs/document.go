package yjs

import (
	"math/rand/v2"
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Encoding is the encoding of an update. Every function that reads or writes updates
// takes it as a parameter: it is never guessed.
type Encoding = blocks.Encoding

// The encodings of updates.
const (
	V1 = blocks.V1
	V2 = blocks.V2
)

// Options configures a Doc. The zero value is useful.
type Options struct {
	// ClientID is the client id of the Doc's own edits: at most 2^53-1, and used by one
	// writer at a time. If the document already has blocks of that client, the Doc
	// appends to them. Zero means a random 32-bit id.
	ClientID uint64

	// History keeps the content of deleted blocks, as gc: false does in yjs.
	History bool
}

// Doc is one document. Blocks whose dependencies are missing are pending, as in yjs:
// Encode and Diff include them, but they can't be read.
//
// A Doc must not be used by several goroutines at the same time, not even for reading.
type Doc struct {
	history   bool
	ownID     uint64 // the client id of the Doc's own edits
	byID      map[uint64]*client
	recent    [64]*client // clients that find has found, by the last bits of their ids
	clients   []*client   // in descending order of id if sorted
	sorted    bool
	roots     map[string]*sharedType
	rootOrder []*sharedType // the roots in order of creation
	tx        *transaction
	serial    uint64 // counts transactions
	visits    uint64 // the number of items that resolveConflicts has visited; see extra.visit
	maxVisits uint64 // the limit of visits in the current transaction
	patience  uint64 // how many visits a transaction may take
	exhausted bool   // maxVisits was reached: the order of items is wrong
	slab      slab
	common    *common // of the newest item of the Doc's own edits, if more items can share it
}

// client holds the items of one client id.
type client struct {
	id               uint64
	end              uint64 // the clock after the last item
	missing          uint64 // how many elements before that are in holes: not integrated
	prefix           uint64 // if there are holes, the clock of the first one
	items            items
	pending          []*item                // items that are not integrated yet, in clock order
	arrived          queue                  // during Apply: the items of the update whose turn hasn't come
	passed           []*item                // during Apply: items of the update that were passed over
	pendingDeletions clocks.Spans           // deletions of elements that are not integrated
	waiters          clocks.Waiters[waiter] // the items that depend on elements of this client
	filled           []clocks.Span          // the holes that the transaction touched has filled
	endBefore        uint64                 // end before the transaction touched
	touched          uint64                 // the serial of the last transaction that added items
	state            state                  // during Apply
	waiting          bool                   // the first item of arrived is in the waiters of a client
	gcCommon         common                 // of all GC blocks of the client
}

func newClient(id uint64) *client {
	c := &client{id: id}
	c.gcCommon.client = c
	return c
}

// New returns an empty document with a random client id.
func New() *Doc { return NewWith(Options{}) }

// NewWith returns an empty document with the given options.
func NewWith(o Options) *Doc {
	d := &Doc{patience: visitsPerTransaction, history: o.History, byID: make(map[uint64]*client), roots: make(map[string]*sharedType)}
	d.SetClientID(o.ClientID)
	return d
}

func randomID() uint64 { return uint64(rand.Uint32()) + 1 }

// ClientID returns the client id of the Doc's own edits. The id changes to a random one
// when blocks of the id are pending or missing, because the Doc can't know which clocks are free
// then.
func (d *Doc) ClientID() uint64 {
	d.ownClient()
	return d.ownID
}

// SetClientID sets the client id of the Doc's next edits. See Options.ClientID.
func (d *Doc) SetClientID(id uint64) {
	if d.ownID = id; id == 0 || id > lib0.MaxInt {
		d.ownID = randomID()
	}
}

// ownClient returns the client of the Doc's own edits. It picks another id if blocks of
// the current one are pending or missing, or if its clocks are nearly used up.
func (d *Doc) ownClient() *client {
	c := d.client(d.ownID)
	for len(c.pending) > 0 || c.missing > 0 || c.end > lib0.MaxInt-1<<40 {
		d.ownID = randomID()
		c = d.client(d.ownID)
	}
	return c
}

// find returns the client with the given id, or nil.
func (d *Doc) find(id uint64) *client {
	recent := &d.recent[id%uint64(len(d.recent))]
	if c := *recent; c != nil && c.id == id {
		return c
	}
	c := d.byID[id]
	if c != nil {
		*recent = c
	}
	return c
}

// client returns the client with the given id. It adds the client if it is new.
func (d *Doc) client(id uint64) *client {
	c := d.find(id)
	if c == nil {
		c = newClient(id)
		d.byID[id] = c
		d.clients, d.sorted = append(d.clients, c), false
	}
	return c
}

// inOrder returns all clients in descending order of id, the order of updates.
func (d *Doc) inOrder() []*client {
	if !d.sorted {
		slices.SortFunc(d.clients, descending)
		d.sorted = true
	}
	return d.clients
}

func descending(a, b *client) int {
	if a.id > b.id {
		return -1
	}
	return 1
}

// has reports whether an element is integrated.
func (d *Doc) has(x blocks.ID) bool {
	return d.find(x.Client).has(x.Clock)
}

// item returns the item that holds an element, or nil if the element is not integrated.
func (d *Doc) item(x blocks.ID) *item {
	if c := d.find(x.Client); c.has(x.Clock) {
		return c.items.find(x.Clock)
	}
	return nil
}

// StateVector returns the state vector of the document: for each client, the number of
// elements that are integrated before the first one that is not. The caller owns the
// result.
func (d *Doc) StateVector() []byte {
	n := uint64(0)
	for _, c := range d.inOrder() {
		if c.gapless() > 0 {
			n++
		}
	}
	out := lib0.AppendUint(nil, n)
	for _, c := range d.inOrder() {
		if end := c.gapless(); end > 0 {
			out = lib0.AppendUint(lib0.AppendUint(out, c.id), end)
		}
	}
	return out
}
