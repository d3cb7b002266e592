// Package yjs is a Yjs document as an application reads and edits it: a Doc with
// Text, Array, Map and XML types in it, as yjs 13.6 has them.
//
// Positions and lengths in texts are in UTF-16 units, as everywhere in Yjs: an
// emoji counts as two. Where an edit parts the two halves of such a pair, each
// becomes U+FFFD, as in yjs.
//
// A Doc is made from updates, edited, and thrown away: it does no I/O and
// tells nobody of changes. What Transact gives back is what others have to
// hear of.
package yjs

import (
	"math/rand/v2"
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Encoding names how an update is encoded. It is always named, never guessed.
type Encoding = blocks.Encoding

// The encodings of updates.
const (
	V1 = blocks.V1
	V2 = blocks.V2
)

// Options says how a Doc is to be. The zero value is good for most.
type Options struct {
	// ClientID is who the Doc's own edits are by: at most 2^53-1, and used by one
	// writer at a time. Where the document already has blocks of that client, the
	// Doc goes on behind them. Zero stands for a random id of 32 bits.
	ClientID uint64

	// History says to keep the content of what is deleted, as yjs does with gc: false.
	History bool
}

// Doc is one document. What it lacks to integrate blocks that it was given
// waits, as in yjs: it is part of what Encode and Diff give but can't be read.
//
// A Doc is for one goroutine at a time, for reading too.
type Doc struct {
	history   bool
	ownID     uint64 // the client id of the Doc's edits
	byID      map[uint64]*client
	recent    *client   // whom find found last; nil: nobody
	clients   []*client // in descending order of id, unless unsorted
	sorted    bool
	roots     map[string]*sharedType
	rootOrder []*sharedType // roots, as they came
	tx        *transaction
	serial    uint64 // of the last transaction
	visits    uint64 // of items, to put others in order
	maxVisits uint64 // of them in this transaction
	exhausted bool   // they were not enough: the order is wrong
	slab      slab
	common    *common // of the Doc's own item that came last, if others may be there too
}

// client is what a Doc has of one client.
type client struct {
	id               uint64
	end              uint64 // the clock behind the last item
	items            items
	pending          []*item                 // what waits, in clock order
	arrived          *item                   // during Apply: what came and isn't integrated yet, linked by right; nil once it is in queue
	pendingDeletions clocks.Spans            // deleted elements behind end
	waiters          clocks.Waiters[*client] // who waits for items of this client
	endBefore        uint64                  // end when the transaction touched began
	touched          uint64                  // the last transaction that added items
	state            state                   // during Apply
	waiting          bool                    // whether it is one of somebody's waiters: it gets no further
	gcCommon         common                  // of its GC blocks
}

func newClient(id uint64) *client {
	c := &client{id: id}
	c.gcCommon.client = c
	return c
}

// New returns an empty document with a random client id.
func New() *Doc { return NewWith(Options{}) }

// NewWith returns an empty document.
func NewWith(o Options) *Doc {
	d := &Doc{history: o.History, byID: make(map[uint64]*client), roots: make(map[string]*sharedType)}
	d.SetClientID(o.ClientID)
	return d
}

func randomID() uint64 { return uint64(rand.Uint32()) + 1 }

// ClientID is who the Doc's own edits are by. It changes, to a random one, when
// the document holds blocks of that id which wait for others: the Doc can't
// know which clocks are free.
func (d *Doc) ClientID() uint64 {
	d.ownClient()
	return d.ownID
}

// SetClientID says who the Doc's next edits are by, as Options.ClientID does.
func (d *Doc) SetClientID(id uint64) {
	if d.ownID = id; id == 0 || id > lib0.MaxInt {
		d.ownID = randomID()
	}
}

// ownClient gives the client that the Doc's edits are by.
func (d *Doc) ownClient() *client {
	c := d.client(d.ownID)
	for len(c.pending) > 0 || c.end > lib0.MaxInt-1<<40 {
		d.ownID = randomID()
		c = d.client(d.ownID)
	}
	return c
}

// find gives the client of the given id; nil: there is none.
func (d *Doc) find(id uint64) *client {
	if c := d.recent; c != nil && c.id == id {
		return c
	}
	c := d.byID[id]
	if c != nil {
		d.recent = c
	}
	return c
}

// client gives the client of the given id, which it adds where it is new.
func (d *Doc) client(id uint64) *client {
	c := d.find(id)
	if c == nil {
		c = newClient(id)
		d.byID[id] = c
		d.clients, d.sorted = append(d.clients, c), false
	}
	return c
}

// inOrder gives all clients in descending order of id, as updates are written.
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

// has tells whether the element is integrated.
func (d *Doc) has(x blocks.ID) bool {
	c := d.find(x.Client)
	return c != nil && x.Clock < c.end
}

// item gives the item that holds an element; nil: it isn't integrated.
func (d *Doc) item(x blocks.ID) *item {
	if c := d.find(x.Client); c != nil && x.Clock < c.end {
		return c.items.find(x.Clock)
	}
	return nil
}

// StateVector encodes, for each client, how many elements the document has of
// it without a gap. The caller owns the result.
func (d *Doc) StateVector() []byte {
	n := uint64(0)
	for _, c := range d.inOrder() {
		if c.end > 0 {
			n++
		}
	}
	out := lib0.AppendUint(nil, n)
	for _, c := range d.inOrder() {
		if c.end > 0 {
			out = lib0.AppendUint(lib0.AppendUint(out, c.id), c.end)
		}
	}
	return out
}
