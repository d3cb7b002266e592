package yjs

import (
	"math"

	"github.com/yroom/yroom/blocks"
)

// home is what many items have in common: whose they are, what they are in, and what
// their contents are pieces of. It doesn't change, and an item that is moved gets
// another one.
type home struct {
	client *client
	parent *typ
	all    *contents // nil: they have none
}

// contents are one behind another. More may come behind them; what is there stays.
type contents struct{ bytes []byte }

// contentsBytes is how much contents of many items are at most.
const contentsBytes = 16 << 10

// newHome gives a home with contents of its own.
func newHome(c *client, t *typ, content []byte) *home {
	own := &struct {
		home     home
		contents contents
	}{home{client: c, parent: t}, contents{content}}
	own.home.all = &own.contents
	return &own.home
}

func (it *item) client() *client { return it.home.client }

// parent is the type that the item is in; nil: it is a GC block, or isn't integrated
// and refers to others.
func (it *item) parent() *typ { return it.home.parent }

// content is as blocks.Block has it, and borrowed.
func (it *item) content() []byte {
	switch {
	case it.kind <= blocks.KindDeleted:
		return nil
	case it.to == 0:
		return it.home.all.bytes
	}
	return it.home.all.bytes[it.from:it.to:it.to]
}

// setContent gives the item content of its own.
func (it *item) setContent(content []byte) {
	it.home = newHome(it.home.client, it.home.parent, content)
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
	right.home, right.from, right.to = it.home, it.to, end
}

// growContent puts more behind the item's content.
func (it *item) growContent(more []byte) {
	all := it.home.all
	if it.to != 0 {
		if int(it.to) != len(all.bytes) || it.to > contentsBytes {
			it.setContent(append(it.content(), more...))
			return
		}
		it.to += uint16(len(more))
	}
	all.bytes = append(all.bytes, more...)
}

// in gives the home of an item that has h and is put in a type: as a rule a or b, if
// there are any.
func (h *home) in(t *typ, a, b *home) *home {
	if h.parent == t {
		return h
	}
	return shared(home{h.client, t, h.all}, a, b)
}

// empty gives the home of an item that has h and loses its content: as a rule a, if
// there is one.
func (h *home) empty(a *home) *home {
	return shared(home{client: h.client, parent: h.parent}, a, nil)
}

// shared gives a or b if that is the same as h, so that there are few.
func shared(h home, a, b *home) *home {
	if a != nil && *a == h {
		return a
	}
	if b != nil && *b == h {
		return b
	}
	made := h
	return &made
}
