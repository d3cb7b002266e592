package yjs

import (
	"math"

	"github.com/yroom/yroom/blocks"
)

// home is what many items have in common: whose they are, what they are in, and what
// their contents are pieces of. A home never changes: an item that is put in a type,
// or loses its content, gets another one.
type common struct {
	client *client
	parent *sharedType
	arena  *arena // nil: they have no contents
}

// arena is the contents of items, one behind another. It only grows: what is deleted
// is free when none of its items is left.
type arena struct{ bytes []byte }

// arenaBytes is how much an arena of many items holds at most.
const arenaBytes = 16 << 10

// newCommon gives a home with contents of its own.
func newCommon(c *client, t *sharedType, content []byte) *common {
	own := &struct {
		common common
		arena  arena
	}{common{client: c, parent: t}, arena{content}}
	own.common.arena = &own.arena
	return &own.common
}

// room is how many bytes more the arena holds as it is.
func (h *common) free() int {
	if h.arena == nil {
		return 0
	}
	return cap(h.arena.bytes) - len(h.arena.bytes)
}

func (it *item) client() *client { return it.common.client }

// parent is the type that the item is in; nil: it is a GC block, or isn't integrated
// and refers to others.
func (it *item) parent() *sharedType { return it.common.parent }

// content is as blocks.Block has it, and borrowed.
func (it *item) content() []byte {
	switch {
	case it.kind <= blocks.KindDeleted:
		return nil
	case it.to == 0:
		return it.common.arena.bytes
	}
	return it.common.arena.bytes[it.from:it.to:it.to]
}

// house gives an item of the Doc's own its home and its content, which it may keep: as
// a rule behind that of the item before, if both have the same parent.
func (d *Doc) storeContent(it *item, c *client, t *sharedType, content []byte) {
	if len(content) > arenaBytes/4 {
		it.common = newCommon(c, t, content)
		return
	}
	h := d.common
	if h == nil || h.client != c || h.parent != t || len(h.arena.bytes)+len(content) > arenaBytes {
		h = newCommon(c, t, nil)
		d.common = h
	}
	from := len(h.arena.bytes)
	h.arena.bytes = append(h.arena.bytes, content...)
	it.common, it.from, it.to = h, uint16(from), uint16(len(h.arena.bytes))
}

// setContent gives the item content of its own.
func (it *item) setContent(content []byte) {
	it.common = newCommon(it.common.client, it.common.parent, content)
	it.from, it.to = 0, 0
}

// cutContent makes the item's content end before byte at, and right's what is behind.
func (it *item) cutContent(right *item, at int) {
	all := it.content()
	if it.to == 0 && len(all) > math.MaxUint16 {
		right.setContent(all[at:])
		it.setContent(all[:at:at])
		return
	}
	end := it.from + uint16(len(all))
	it.to = it.from + uint16(at)
	right.common, right.from, right.to = it.common, it.to, end
}

// growContent puts right's content, at most pieceBytes, behind the item's.
func (it *item) growContent(right *item) {
	own, more := it.common.arena, right.content()
	if it.to != 0 {
		if right.common.arena == own && right.from == it.to {
			it.to = right.to
			return
		}
		if int(it.to) != len(own.bytes) || it.to > arenaBytes {
			it.setContent(append(it.content(), more...))
			return
		}
		it.to += uint16(len(more))
	}
	own.bytes = append(own.bytes, more...)
}

// in gives the home of an item that has h and is put in a type: as a rule a or b, if
// there are any.
func (h *common) withParent(t *sharedType, a, b *common) *common {
	if h.parent == t {
		return h
	}
	return sharedOrNew(common{h.client, t, h.arena}, a, b)
}

// withoutContent gives the home of an item that has h and loses its content: as a rule
// a, if there is one.
func (h *common) withoutContent(a *common) *common {
	return sharedOrNew(common{client: h.client, parent: h.parent}, a, nil)
}

// shared gives a or b if that is the same as h, so that there are few.
func sharedOrNew(h common, a, b *common) *common {
	if a != nil && *a == h {
		return a
	}
	if b != nil && *b == h {
		return b
	}
	made := h // not &h, which would be allocated each time
	return &made
}
