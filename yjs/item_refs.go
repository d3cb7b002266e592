package yjs

import "github.com/yroom/yroom/blocks"

// refs are the origin and the right origin of an item in 32-bit numbers. The client ids
// that yjs generates and the clocks that edits by hand reach fit in 32 bits.
type refs struct{ originClient, originClock, rightClient, rightClock uint32 }

// wideRefs are the origin and the right origin of an item with larger numbers.
type wideRefs struct{ origin, right blocks.ID }

// origin returns the id of the element after which the item was inserted. If inType is
// set, it returns the id of the parent instead.
func (it *item) origin() blocks.ID {
	if it.is(hasWideRefs) {
		return it.extra().wide.origin
	}
	return blocks.ID{Client: uint64(it.refs.originClient), Clock: uint64(it.refs.originClock)}
}

// rightOrigin returns the id of the element before which the item was inserted.
func (it *item) rightOrigin() blocks.ID {
	if it.is(hasWideRefs) {
		return it.extra().wide.right
	}
	return blocks.ID{Client: uint64(it.refs.rightClient), Clock: uint64(it.refs.rightClock)}
}

// setRefs sets the origin and the right origin. An id that the item does not have must
// be zero.
func (it *item) setRefs(origin, right blocks.ID) {
	if (origin.Client|origin.Clock|right.Client|right.Clock)>>32 == 0 {
		it.flags &^= hasWideRefs
		it.refs = refs{uint32(origin.Client), uint32(origin.Clock), uint32(right.Client), uint32(right.Clock)}
		return
	}
	it.flags |= hasWideRefs
	it.ensureExtra().wide = &wideRefs{origin, right}
}
