package yjs

import (
	"math"

	"github.com/yroom/yroom/blocks"
)

// common holds the fields that many items share: the client, the parent and the arena
// of their contents. It is immutable: an item that gets a parent or loses its content
// refers to another common. An exception is the common of an item that has extra, which
// belongs to that item.
type common struct {
	client *client
	parent *sharedType
	arena  *arena // nil if the items have no content
	extra  *extra // nil if the common is shared
}

// arena holds the contents of items, one after another. It only grows: the contents of
// deleted items are freed with the arena, when no item refers to it any more.
type arena struct{ bytes []byte }

// arenaBytes is the greatest size of an arena that items share.
const arenaBytes = 16 << 10

// newCommon returns a common with an arena of its own. It takes over content.
func newCommon(c *client, t *sharedType, content []byte) *common {
	own := &struct {
		common common
		arena  arena
	}{common{client: c, parent: t}, arena{content}}
	own.common.arena = &own.arena
	return &own.common
}

// free returns the unused capacity of the arena.
func (c *common) free() int {
	if c.arena == nil {
		return 0
	}
	return cap(c.arena.bytes) - len(c.arena.bytes)
}

func (it *item) client() *client { return it.common.client }

// parent returns the type that contains the item. It is nil for a GC block, and for an
// item that is not integrated and names its parent by an origin or an id.
func (it *item) parent() *sharedType { return it.common.parent }

// content returns the content in the form of blocks.Block. The result aliases the arena
// and must not be modified.
func (it *item) content() []byte {
	switch {
	case it.kind <= blocks.KindDeleted:
		return nil
	case it.to == 0:
		return it.common.arena.bytes
	}
	return it.common.arena.bytes[it.from:it.to:it.to]
}

// storeContent sets common and content of an item of the Doc's own edits. It appends
// the content to that of the previous item if both have the same parent. It may keep
// content.
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

// setContent sets the item's arena to a new one with the given content, which it keeps.
func (it *item) setContent(content []byte) {
	if x := it.extra(); x != nil {
		it.common.arena, x.shared = &arena{content}, nil
	} else {
		it.common = newCommon(it.common.client, it.common.parent, content)
	}
	it.from, it.to = 0, 0
}

// cutContent splits the item's content before byte at, and moves the rest to right, which has
// the same arena.
func (it *item) cutContent(right *item, at int) {
	all := it.content()
	if it.to == 0 && len(all) > math.MaxUint16 {
		right.setContent(all[at:])
		it.setContent(all[:at:at])
		return
	}
	end := it.from + uint16(len(all))
	it.to = it.from + uint16(at)
	right.from, right.to = it.to, end
}

// growContent appends right's content, which has at most pieceBytes bytes, to the
// item's.
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

// setParent sets the parent. The item then shares a or b, if one of them is equal to the
// common that it needs.
func (it *item) setParent(t *sharedType, a, b *common) {
	switch c := it.common; {
	case c.parent == t:
	case c.extra != nil:
		c.parent = t
	default:
		it.common = sharedOrNew(common{client: c.client, parent: t, arena: c.arena}, a, b)
	}
}

// dropContent drops the arena. The item then shares a if that is equal to the common that it
// needs. It returns the common that was needed for that, or a.
func (it *item) dropContent(a *common) *common {
	it.from, it.to = 0, 0
	c := it.common
	if c.extra != nil {
		c.arena, c.extra.shared = nil, nil
		return a
	}
	it.common = sharedOrNew(common{client: c.client, parent: c.parent}, a, nil)
	return it.common
}

// shareable returns a common like c that other items can share.
func (c *common) shareable() *common {
	if c.extra == nil {
		return c
	}
	return sharedOrNew(common{client: c.client, parent: c.parent, arena: c.arena}, c.extra.shared, nil)
}

// candidate returns a common that other items can share and that may be equal to that of the
// item, or nil.
func (it *item) candidate() *common {
	if it.extra() != nil {
		return it.extra().shared
	}
	return it.common
}

// sharedOrNew returns a or b if one of them is equal to wanted, and otherwise a copy of wanted.
func sharedOrNew(wanted common, a, b *common) *common {
	if a != nil && *a == wanted {
		return a
	}
	if b != nil && *b == wanted {
		return b
	}
	made := wanted // returning &wanted would allocate wanted in every call
	return &made
}
