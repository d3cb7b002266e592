package yjs

import (
	"cmp"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
)

// transaction is what changes the document, from its beginning to its end.
type transaction struct {
	doc     *Doc
	serial  uint64
	encodes bool          // somebody will ask what it did
	remote  bool          // it has taken in an update
	touched []*client     // those that got items
	deleted []deletion    // blocks that came deleted are left out where nobody needs them
	texts   []*sharedType // that a remote transaction changed
	woken   []*client     // during Apply: those that may get further now
	blocked []*client     // and those that can't
}

// maxVisits bounds what a transaction does to put items in order, which takes time
// with the square of those that are in conflict, as in yjs. It is about a second, and
// 8,000 people who write at the same place without knowing of one another.
const visitsPerTransaction = 1 << 25

// deletion is elements that a transaction deleted.
type deletion struct {
	client *client
	clocks.Span
}

// Transact runs fn, whose edits of the document are one transaction, and gives
// the update that they made, in V1: what others have to hear of. nil: nothing
// changed. The caller owns the update.
//
// The error is fn's. What fn did before it failed stays done, and the update
// that says so comes with the error. A Transact within a Transact is part of
// that, and gives no update of its own. An edit outside of any Transact is a
// transaction, too; only Encode and Diff tell of it.
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

func (d *Doc) begin() *transaction {
	d.serial++
	d.maxVisits = d.visits + visitsPerTransaction
	d.tx = &transaction{doc: d, serial: d.serial}
	return d.tx
}

// edit runs f in the transaction that is open, or in one of its own.
func (d *Doc) edit(f func(*transaction) error) error {
	if d.tx != nil {
		return f(d.tx)
	}
	tx := d.begin()
	defer tx.finish()
	return f(tx)
}

// finish ends the transaction: what was deleted loses its content, and
// neighbours that say the same are joined.
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

// began tells where a client's items ended when the transaction began.
func (tx *transaction) endBefore(c *client) uint64 {
	if c.touched == tx.serial {
		return c.endBefore
	}
	return c.end
}

// touch notes that a client gets items.
func (tx *transaction) touch(c *client) {
	if c.touched != tx.serial {
		c.touched, c.endBefore = tx.serial, c.end
		tx.touched = append(tx.touched, c)
	}
}

// change notes that a type was changed. Only texts that were there before matter,
// whose formats are cleaned up when a remote transaction ends.
func (tx *transaction) markChanged(t *sharedType) {
	if !tx.remote || !t.kind.isText() || t.changed == tx.serial {
		return
	}
	if it := t.item; it == nil || it.clock < tx.endBefore(it.client()) && !it.deleted() {
		t.changed = tx.serial
		tx.texts = append(tx.texts, t)
	}
}

// join puts deletions in the order of updates, and joins those that touch.
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
