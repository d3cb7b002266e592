package blocks

import (
	"bytes"
	"errors"
	"fmt"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
)

// These errors say why a block is refused: no client of yjs can have written it, or that
// can't be checked. Clients that integrate such a block at different times show different
// documents, or throw later. A block for which the reason is errApart is mended instead if
// it has an origin and wasn't pending: see plan.mend.
var (
	errApart    = errors.New("a block whose origin and right origin can't have been neighbours")
	errEntry    = errors.New("a map entry that no client can have written")
	errUnmarked = fmt.Errorf("%w: it is not marked as one", errEntry)
	errDistant  = errors.New("a block that is too far from its right origin to be checked")
)

// A refCheck checks that the references of a block agree. A client inserts an element
// between two neighbours, its origin and its right origin. Of two neighbours, in a
// document that all of its clients have edited in turns, the newer one refers to the
// other. So one or two lookups suffice for most blocks. If the neighbours were inserted
// concurrently, the right origin was inserted after an element which is also, directly
// or not, before the origin: the check follows the origins.
//
// It is not necessary to compare positions. yjs looks for the place of a block between
// its origin and the end of what was inserted after that, directly or not. A right
// origin elsewhere has the same effect wherever it is, as long as it is in the same list
// (otherwise it may be collected when the origin is not) and is not the origin or an
// element before it in the same run (yjs splits that run, and then mistakes the first
// part for the origin).
type refCheck struct {
	store *Store
	in    *parsedUpdate // the update that the block comes with, or nil
	steps int           // how many more origins may be followed
	fresh map[id]bool   // what keyMemory is, for blocks that are not integrated yet
}

// freeSteps is the number of origins that may be followed for any update. Each byte of an
// update allows a further one: see Store.steps.
const freeSteps = 4096

// check returns an error if no client can have written b. All that b refers to must be
// ready.
func (c *refCheck) check(b *block) error {
	if b.kind == kindGC || c.store.unchecked {
		return nil
	}
	var first block
	if b.flags&hasRight != 0 {
		if b.flags&hasOrigin != 0 {
			c.store.lookup(b.origin, &first)
		} else {
			c.store.lookup(b.right, &first)
		}
		if err := c.checkRight(b, &first); err != nil {
			return err
		}
	}
	return c.checkKey(b, &first)
}

// checkRight checks the right origin of b. first holds the origin or, if there is none, the
// right origin.
func (c *refCheck) checkRight(b, first *block) error {
	if b.flags&hasOrigin == 0 {
		if first.kind == kindGC || first.originOf(b.right) == noID {
			return nil
		}
		return errApart
	}
	// Mostly both belong to one insertion: the next element that a user types.
	if first.kind == kindGC || first.rightOrNone() == b.right {
		return nil
	}
	right := *first
	if c.store.blockwise || b.right.client != right.client || b.right.clock < right.clock || b.right.clock >= right.end() {
		c.store.lookup(b.right, &right)
	}
	if right.kind != kindGC && right.originOf(b.right) == b.origin {
		return nil
	}
	return c.checkBetween(b, *first, &right)
}

// checkBetween checks a block whose origin and right origin don't refer to each other.
// left and right hold them.
func (c *refCheck) checkBetween(b *block, left block, right *block) error {
	before := right.originOf(b.right)
	for at := b.origin; ; c.store.lookup(at, &left) {
		switch {
		case left.kind == kindGC:
			return nil // for all clients, b is a GC block
		case left.holds(b.right, at):
			return errApart // the right origin is left of the origin
		case right.kind != kindGC && before != noID && left.holds(before, at):
			return nil
		case left.flags&hasOrigin == 0:
			return c.checkSameList(b, &left, right)
		}
		if at = left.origin; !c.step() {
			return errDistant
		}
	}
}

// checkSameList checks b, whose origin was inserted, directly or not, after the first
// element of the block first. right holds the right origin.
func (c *refCheck) checkSameList(b, first, right *block) error {
	list, err := c.top(*first)
	if err != nil {
		return err
	}
	if right.kind != kindGC && right.originOf(b.right) == noID {
		other, err := c.top(*right)
		if err != nil {
			return err
		}
		if list.sameList(&other) {
			return nil
		}
	}
	if lost, err := c.isLost(list); err != nil || lost {
		return err
	}
	return errApart
}

// top follows the origins of b, and right origins where there is no origin, to the block
// that names the parent of all of them, or to a GC block.
func (c *refCheck) top(b block) (block, error) {
	for b.parent == nil && b.kind != kindGC {
		ref := b.right
		if b.flags&hasOrigin != 0 {
			ref = b.origin
		}
		if !c.step() {
			return b, errDistant
		}
		c.store.lookup(ref, &b)
	}
	return b, nil
}

// sameList reports whether two blocks that name their parents are in the same list.
func (b *block) sameList(other *block) bool {
	return b.kind != kindGC && other.kind != kindGC && bytes.Equal(b.appendKey(nil), other.appendKey(nil))
}

// isLost reports whether a block that top has returned is collected by all clients, or
// will be: it is a GC block, or in a type that is deleted.
func (c *refCheck) isLost(b block) (bool, error) {
	for b.parentIsID {
		x, parent := b.parentID, block{}
		if c.store.lookup(x, &parent); parent.kind != kindType || c.deletes(x.client, clocks.Span{From: x.clock, To: x.clock + 1}) {
			return true, nil
		}
		var err error
		if b, err = c.top(parent); err != nil {
			return false, err
		}
	}
	return b.kind == kindGC, nil
}

// checkKey checks that b, if it is in the list of a map key, has one value. Others of its
// values must be deleted. first is what hasKey takes.
func (c *refCheck) checkKey(b, first *block) error {
	switch {
	case b.parent != nil && b.flags&hasKey == 0:
		return nil
	case b.flags&hasRight != 0, b.kind == kindString, b.kind == kindEmbed, b.kind == kindFormat:
		if keyed, err := c.hasKey(b, first); err != nil || !keyed {
			return err
		}
		return errEntry
	case b.kind != kindAny && b.kind != kindJSON:
		return nil
	}
	values := clocks.Span{From: b.clock, To: b.end() - 1}
	if b.flags&(hasKey|hasOrigin) == hasOrigin && b.origin == (id{b.client, b.clock - 1}) {
		values.From-- // the block may be joined with that value
	}
	if values.From == values.To {
		return nil
	}
	keyed, err := c.hasKey(b, first)
	switch {
	case err != nil || !keyed || c.deletes(b.client, values):
		return err
	case values.From < b.clock && values.To == b.clock:
		return errUnmarked
	}
	return errEntry
}

// hasKey reports whether b is in the list of a map key. It mostly sees that at the first
// block that it looks up: in such a list no block has a right origin or is text. If first
// isn't empty, it holds the origin of b or, if there is none, the right origin.
func (c *refCheck) hasKey(b, first *block) (keyed bool, err error) {
	s, at := c.store, *b
	var passed []id
	for n := 1; at.parent == nil; n++ {
		ref := at.right
		if at.flags&hasOrigin != 0 {
			ref = at.origin
		}
		if n == 1 && first.len > 0 {
			at = *first
		} else {
			s.lookup(ref, &at)
		}
		switch {
		case at.kind == kindGC, at.flags&hasRight != 0, at.kind == kindString, at.kind == kindEmbed, at.kind == kindFormat,
			at.kind == kindAny && at.len > 1 && !s.options.History:
			c.remember(passed, false)
			return false, nil
		}
		if keyed, known := c.known(at.id()); known {
			c.remember(passed, keyed)
			return keyed, nil
		}
		if !c.step() {
			return false, errDistant
		}
		if n%passEvery == 0 {
			passed = append(passed, at.id())
		}
	}
	keyed = at.flags&hasKey != 0
	c.remember(passed, keyed)
	return keyed, nil
}

// known reports whether a block is in the list of a map key, if that is remembered.
func (c *refCheck) known(x id) (keyed, known bool) {
	if keyed, known = c.fresh[x]; known {
		return keyed, true
	}
	return c.store.keys.of(x)
}

// remember remembers some blocks of a chain: all of those that are not integrated yet, until
// the plan ends, because the update may be refused; and of others a few, evenly spaced, and
// the first one: blocks are mostly inserted where others were inserted before.
func (c *refCheck) remember(chain []id, keyed bool) {
	every := len(chain)/passedMost + 1
	for i, x := range chain {
		if !c.store.find(x.client).integrated(x.clock) {
			if c.fresh == nil {
				c.fresh = make(map[id]bool)
			}
			c.fresh[x] = keyed
		} else if i%every == 0 {
			c.store.keys.set(x, keyed)
		}
	}
}

func (b *block) id() id { return id{b.client, b.clock} }

// keyMemory remembers of some integrated blocks whether they are in the list of a map key,
// so that long chains are not followed again and again: a key that clients set in turns has
// one, and so has a list that was filled at its end. The index is a hash of the block's id.
type keyMemory struct{ blocks *[256]knownBlock }

type knownBlock struct {
	id    id
	keyed bool
}

const (
	passEvery  = 8  // how many blocks of a chain one is noted for
	passedMost = 32 // how many of those are remembered
)

func (m *keyMemory) slot(x id) *knownBlock {
	return &m.blocks[(x.client*31+x.clock)*0x9e3779b97f4a7c15>>56]
}

// of reports whether a block is in the list of a map key, if that is remembered.
func (m *keyMemory) of(x id) (keyed, known bool) {
	if m.blocks == nil {
		return false, false
	}
	held := m.slot(x)
	return held.keyed, held.id == x
}

func (m *keyMemory) set(x id, keyed bool) {
	if m.blocks == nil {
		m.blocks = new([256]knownBlock)
		for i := range m.blocks {
			m.blocks[i].id = noID
		}
	}
	*m.slot(x) = knownBlock{x, keyed}
}

// deletes reports whether elements of a client are deleted, at the latest with the
// update.
func (c *refCheck) deletes(client uint64, x clocks.Span) bool {
	var spans []clocks.Span
	if c.in != nil {
		for i := range c.in.deletions {
			if d := &c.in.deletions[i]; d.client == client {
				spans = d.read()
			}
		}
	}
	all := true
	c.store.find(client).eachUndeleted(x, func(x clocks.Span) {
		i := sort.Search(len(spans), func(i int) bool { return spans[i].To > x.From })
		for ; i < len(spans) && x.From < x.To && spans[i].From <= x.From; i++ {
			x.From = spans[i].To
		}
		all = all && x.From >= x.To
	})
	return all
}

// step counts one more lookup, and reports whether it is allowed.
func (c *refCheck) step() bool {
	c.steps--
	return c.steps >= 0
}

// originOf returns the origin of an element of the block, or noID if it has none.
func (b *block) originOf(x id) id {
	if x.clock > b.clock {
		return id{x.client, x.clock - 1}
	}
	return b.originOrNone()
}

// holds reports whether x is an element of the block, up to the element last.
func (b *block) holds(x, last id) bool {
	return x.client == b.client && b.clock <= x.clock && x.clock <= last.clock
}

// lookup reads the block that holds an element, which is integrated or, during a plan,
// ready.
func (s *Store) lookup(x id, b *block) {
	c := s.find(x.client)
	if c.integrated(x.clock) {
		c.blocks.read(x, b)
		return
	}
	if i := c.pendingAt(x.clock); i < len(c.pending) && c.pending[i].start() <= x.clock {
		if c.pending[i].read(x, b); c.late != nil && c.late.woken[b.clock].collected {
			b.collect()
		}
		return
	}
	c.section.readLinks(c.section.find(x.clock), b)
	if right, mended := s.plan.mended[b.id()]; mended {
		b.setRight(right)
	}
	// Elements of the block that are known are not part of it. The rest follows those at its
	// front.
	if !c.plain {
		b.cutLinks(c.unknownAround(x.clock, clocks.Span{From: b.clock, To: b.end()}))
	}
}

// read reads the block that holds an element.
func (r *run) read(x id, b *block) {
	n := r.find(x.clock)
	k := r.indexed(n)
	i := k.find(x.clock)
	at := k.clockOf(i)
	b.load(k.blockWire(i), x.client, at, r.blockEnd(n, i)-at)
}
