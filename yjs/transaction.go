package yjs

import (
	"cmp"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
)

// transaction collects the changes of a document from begin to finish.
type transaction struct {
	doc     *Doc
	serial  uint64
	encodes bool          // the transaction will be encoded: deleted must be complete
	remote  bool          // the transaction integrates an update
	touched []*client     // the clients that items were added for
	deleted []deletion    // blocks that were deleted when they arrived are omitted if no later step needs them
	texts   []*sharedType // that a remote transaction changed
	woken   []*client     // during Apply: clients whose dependencies arrived
	ready   []*item       // during Apply: items whose dependencies arrived, and that were pending or passed over
	blocked []*client     // during Apply: clients in state blocked
	halted  []*client     // during Apply: clients of which an item waits, some of which may have gone on
	scratch []clocks.Waiter[waiter]
}

// visitsPerTransaction bounds the work of resolveConflicts, which as in yjs grows with
// the square of the number of conflicting items. It is about a second of work, reached
// by 8,000 clients that type at the same place concurrently.
const visitsPerTransaction = 1 << 25

// deletion is a range of elements that a transaction deleted.
type deletion struct {
	client *client
	clocks.Span
}

// Transact runs fn as one transaction, and returns the update with the changes that fn
// made, encoded in V1, for other replicas of the document. The update is nil if fn
// changed nothing. The caller owns it.
//
// The error is that of fn. Changes that fn made before it failed stay in the document,
// and are returned as the update along with the error. A Transact inside of another
// Transact is part of the outer one and returns a nil update. An edit outside of
// Transact is a transaction of its own; only Encode and Diff return its changes.
func (d *Doc) Transact(fn func() error) (update []byte, err error) {
	if d.tx != nil {
		return nil, fn()
	}
	tx := d.begin()
	tx.encodes = true
	defer func() {
		tx.finish()
		update = tx.encode()
	}()
	return nil, fn()
}

// begin opens a transaction.
func (d *Doc) begin() *transaction {
	d.serial++
	d.maxVisits = d.visits + d.patience
	d.tx = &transaction{doc: d, serial: d.serial}
	return d.tx
}

// edit runs f in the open transaction, or in a new one if none is open.
func (d *Doc) edit(f func(*transaction) error) error {
	if d.tx != nil {
		return f(d.tx)
	}
	tx := d.begin()
	defer tx.finish()
	return f(tx)
}

// finish ends the transaction: it cleans up formats, collects the contents of deleted
// items and joins neighbours.
func (tx *transaction) finish() {
	d := tx.doc
	tx.deleted = joinDeletions(tx.deleted)
	if tx.remote && len(tx.texts) > 0 {
		tx.cleanFormats()
		tx.deleted = joinDeletions(tx.deleted)
	}
	if !d.history {
		tx.collect()
	}
	tx.merge()
	d.tx = nil
}

// endBefore returns the client's end before the transaction.
func (tx *transaction) endBefore(c *client) uint64 {
	if c.touched == tx.serial {
		return c.endBefore
	}
	return c.end
}

// touch records that the transaction adds items of a client.
func (tx *transaction) touch(c *client) {
	if c.touched != tx.serial {
		c.touched, c.endBefore, c.filled = tx.serial, c.end, nil
		tx.touched = append(tx.touched, c)
	}
}

// markChanged records that a remote transaction changes a type, if it is a text that
// existed before: finish cleans up its formats.
func (tx *transaction) markChanged(t *sharedType) {
	if !tx.remote || !t.kind.isText() || t.changed == tx.serial {
		return
	}
	if t.item == nil || !t.item.deleted() {
		t.changed = tx.serial
		tx.texts = append(tx.texts, t)
	}
}

// joinDeletions sorts deletions in the order of updates and joins adjacent ones. It
// modifies all.
func joinDeletions(all []deletion) []deletion {
	slices.SortFunc(all, func(a, b deletion) int {
		if a.client != b.client {
			return descending(a.client, b.client)
		}
		return cmp.Compare(a.From, b.From)
	})
	joined := all[:0]
	for _, x := range all {
		if n := len(joined); n > 0 && joined[n-1].client == x.client && x.From <= joined[n-1].To {
			joined[n-1].To = max(joined[n-1].To, x.To)
			continue
		}
		joined = append(joined, x)
	}
	return joined
}
