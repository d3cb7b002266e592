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
	u, err := d.decode(update, enc)
	if err != nil {
		// What Parse refuses may be something that yjs reads past: Convert leaves that out.
		if update, err = blocks.Convert(enc, blocks.V1, update); err != nil {
			return err
		}
		if u, err = d.decode(update, blocks.V1); err != nil {
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
		if c.arrived = d.unknownOf(c, sec.items); c.arrived.first() != nil {
			todo = append(todo, c)
		}
	}
	for len(todo) > 0 {
		if todo = tx.advance(todo); len(todo) == 0 {
			todo = tx.passOver()
		}
	}
	for _, sec := range u.sections {
		sec.client.addPending()
		sec.client.arrived = queue{}
	}
	for _, c := range tx.touched {
		c.dropIntegrated()
	}
	tx.applyDeletions(u.deleted)
}

// applyDeletions deletes what an update deletes, and then the elements that the
// transaction added and that an earlier update deletes.
func (tx *transaction) applyDeletions(all iter.Seq2[blocks.ID, uint64]) {
	d := tx.doc
	for first, n := range all {
		c := d.client(first.Client)
		for _, x := range tx.deleteIntegrated(nil, c, clocks.Span{From: first.Clock, To: first.Clock + n}) {
			c.pendingDeletions = c.pendingDeletions.Add(x)
		}
	}
	for _, c := range tx.touched {
		tx.applyPendingDeletions(c)
	}
}

// applyPendingDeletions deletes the elements of a client whose deletion arrived before
// they did.
func (tx *transaction) applyPendingDeletions(c *client) {
	first := c.endBefore
	for _, x := range c.filled {
		first = min(first, x.From)
	}
	i := c.pendingDeletions.Search(first + 1)
	var left clocks.Spans
	j := i
	for ; j < len(c.pendingDeletions) && c.pendingDeletions[j].From < c.end; j++ {
		left = tx.deleteIntegrated(left, c, c.pendingDeletions[j])
	}
	c.pendingDeletions = slices.Replace(c.pendingDeletions, i, j, left...)
}

// waiter is an item that lacks something it depends on.
type waiter struct {
	client *client
	item   *item
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
	for len(tx.ready) > 0 {
		last := len(tx.ready) - 1
		it := tx.ready[last]
		tx.ready = tx.ready[:last]
		tx.try(it)
	}
	return tx.woken
}

// try integrates an item that was passed over if it lacks nothing any more.
func (tx *transaction) try(it *item) {
	d, c := tx.doc, it.client()
	if missing, ok := d.lacks(it); ok {
		d.wait(c, it, missing)
		return
	}
	x := clocks.Span{From: it.clock, To: it.end()}
	tx.integrate(it, d.resolveRefs(it, hint{}))
	tx.wake(c, x)
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
		it := c.arrived.first()
		if it == nil && len(stack) == 1 {
			c.state = idle
			return
		}
		if it == nil {
			tx.suspend(stack)
			return
		}
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
		c.arrived.pop()
		x := clocks.Span{From: it.clock, To: it.end()}
		left := d.resolveRefs(it, prev)
		tx.integrate(it, left)
		prev = hint{it, left}
		if !c.waiters.Empty() {
			tx.wake(c, x)
		}
		if len(stack) > 1 {
			c.state = idle
			stack = stack[:len(stack)-1]
		}
	}
}

// wake notes what has waited for elements of c that are integrated now.
func (tx *transaction) wake(c *client, x clocks.Span) {
	tx.scratch = c.waiters.Take(tx.scratch[:0], x)
	for _, w := range tx.scratch {
		if of := w.Value.client; w.Value.item == of.arrived.first() {
			of.waiting = false
			tx.woken = append(tx.woken, of)
		} else {
			tx.ready = append(tx.ready, w.Value.item)
		}
	}
}

// suspend marks the clients of a stack, each of which depends on the next one, as
// blocked. It registers the next item of each as a waiter for the element that it lacks.
func (tx *transaction) suspend(stack []*client) {
	for _, c := range stack {
		c.state = blocked
		it := c.arrived.first()
		if it == nil || c.waiting {
			continue
		}
		if missing, ok := tx.doc.lacks(it); ok {
			c.waiting = true
			tx.halted = append(tx.halted, c)
			tx.doc.wait(c, it, missing)
		}
	}
	tx.blocked = append(tx.blocked, stack...)
}

// wait registers an item of c as a waiter.
func (d *Doc) wait(c *client, it *item, missing blocks.ID) {
	d.client(missing.Client).waiters.Push(clocks.Waiter[waiter]{Clock: missing.Clock, Value: waiter{c, it}})
}

// passOver passes over the next item of one client, when none can be integrated. The items
// behind it may lack nothing. It returns the client, or nothing if there is none.
func (tx *transaction) passOver() []*client {
	for n := len(tx.halted); n > 0; n = len(tx.halted) {
		c := tx.halted[n-1]
		tx.halted = tx.halted[:n-1]
		if it := c.arrived.first(); it != nil && c.waiting {
			c.waiting = false
			c.arrived.pop()
			c.passed = append(c.passed, it)
			return []*client{c}
		}
	}
	return nil
}
