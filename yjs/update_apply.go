package yjs

import (
	"iter"
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

// state is the state of a client during Apply.
type state uint8

const (
	idle    state = iota
	active        // its next item, or an item of another client that it depends on, is being integrated
	blocked       // no item can be integrated until its dependencies arrive
)

// Apply integrates an update into the document. Blocks whose dependencies are missing
// become pending. An error (blocks.ErrMalformed, blocks.ErrEncoding, or for V2
// blocks.ErrLimit) leaves the document unchanged. ErrWork is the exception: after it,
// the order of items in the document is undefined, and Apply accepts no more updates.
// update is borrowed.
//
// As in yjs, Apply deletes redundant formats of texts that existed before and whose
// formats were changed concurrently.
func (d *Doc) Apply(update []byte, enc Encoding) error {
	if d.exhausted {
		return ErrWork
	}
	var err error
	if enc != blocks.V1 {
		if update, err = blocks.Convert(enc, blocks.V1, update); err != nil {
			return err
		}
	}
	u, err := d.decode(update)
	if err != nil {
		// What Parse refuses may be something that yjs reads past.
		if update, err = blocks.Convert(blocks.V1, blocks.V1, update); err != nil {
			return err
		}
		if u, err = d.decode(update); err != nil {
			return err
		}
	}
	return d.edit(func(tx *transaction) error {
		tx.remote = true
		tx.integrateUpdate(u)
		if d.exhausted {
			return ErrWork
		}
		return nil
	})
}

// integrateUpdate integrates an update into the document.
func (tx *transaction) integrateUpdate(u *decodedUpdate) {
	d := tx.doc
	for _, t := range u.roots {
		d.addRoot(t)
	}
	var todo []*client
	for _, sec := range u.sections {
		c := sec.client
		if d.find(c.id) == nil {
			d.byID[c.id] = c
			d.clients, d.sorted = append(d.clients, c), false
		}
		if sec.first == nil {
			continue
		}
		if c.arrived = sec.first; len(c.pending) > 0 {
			c.addPending(d)
		}
		todo = append(todo, c)
	}
	for len(todo) > 0 {
		todo = tx.advance(todo)
	}
	for _, sec := range u.sections {
		sec.client.addPending(d)
	}
	tx.applyDeletions(u.deleted)
}

// applyDeletions deletes what an update deletes, and then the elements that the
// transaction added and that an earlier update deletes.
func (tx *transaction) applyDeletions(all iter.Seq2[blocks.ID, uint64]) {
	d := tx.doc
	for first, n := range all {
		c, x := d.client(first.Client), clocks.Span{From: first.Clock, To: first.Clock + n}
		if x.From < c.end {
			tx.deleteSpan(c, clocks.Span{From: x.From, To: min(x.To, c.end)})
		}
		if x.To > c.end {
			c.pendingDeletions = c.pendingDeletions.Add(clocks.Span{From: max(x.From, c.end), To: x.To})
		}
	}
	for _, c := range tx.touched {
		tx.applyPendingDeletions(c)
	}
}

// applyPendingDeletions deletes the elements of a client whose deletion arrived before
// they did.
func (tx *transaction) applyPendingDeletions(c *client) {
	done := 0
	for i, x := range c.pendingDeletions {
		if x.From >= c.end {
			break
		}
		tx.deleteSpan(c, clocks.Span{From: x.From, To: min(x.To, c.end)})
		if x.To > c.end {
			c.pendingDeletions[i].From = c.end
			break
		}
		done++
	}
	c.pendingDeletions = slices.Delete(c.pendingDeletions, 0, done)
}

// advance integrates the items of clients as far as their dependencies allow, in the
// order of yjs: clients with higher ids first. It returns the clients that waited for
// these items.
func (tx *transaction) advance(todo []*client) []*client {
	tx.woken, tx.blocked = nil, tx.blocked[:0]
	slices.SortFunc(todo, descending)
	for _, c := range todo {
		if c.state == idle {
			tx.run(c)
		}
	}
	for _, c := range tx.blocked {
		c.state = idle
	}
	return tx.woken
}

// run integrates the items of a client, and before each of them the items of other
// clients that it depends on.
func (tx *transaction) run(c *client) {
	d := tx.doc
	stack := []*client{c} // each client depends on the next one
	c.state = active
	var prev hint
	for {
		c := stack[len(stack)-1]
		it := c.head(d)
		if it == nil && len(stack) == 1 {
			c.state = idle
			return
		}
		if it == nil || it.clock > c.end {
			tx.suspend(stack)
			return
		}
		if it.is(isForeign) {
			if missing, ok := d.lacks(it); ok {
				on := d.client(missing.Client)
				if on.state != idle || on.waiting {
					tx.suspend(stack)
					return
				}
				on.state = active
				stack = append(stack, on)
				continue
			}
		}
		c.next()
		left := d.resolveRefs(it, prev)
		tx.integrate(it, left)
		prev = hint{it, left}
		if len(c.waiters) > 0 {
			tx.wake(c)
		}
		if len(stack) > 1 {
			c.state = idle
			stack = stack[:len(stack)-1]
		}
	}
}

// wake appends to woken the clients that waited for elements of c which are integrated
// now.
func (tx *transaction) wake(c *client) {
	for x, ok := c.waiters.Pop(c.end); ok; x, ok = c.waiters.Pop(c.end) {
		x.Client.waiting = false
		tx.woken = append(tx.woken, x.Client)
	}
}

// suspend marks the clients of a stack, each of which depends on the next one, as
// blocked. It registers each as a waiter for the element that it lacks.
func (tx *transaction) suspend(stack []*client) {
	for _, c := range stack {
		c.state = blocked
		it := c.head(tx.doc)
		if it == nil || it.clock > c.end || c.waiting {
			continue
		}
		if missing, ok := tx.doc.lacks(it); ok {
			c.waiting = true
			on := tx.doc.client(missing.Client)
			on.waiters.Push(clocks.Waiter[*client]{Clock: missing.Clock, Client: c})
		}
	}
	tx.blocked = append(tx.blocked, stack...)
}
