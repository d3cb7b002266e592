package yjs

import "github.com/yroom/yroom/blocks"

// refs are the origin and the right origin of an item in 32 bits a number. The ids that
// yjs gives itself are no larger, nor are clocks that anybody gets to by typing.
type refs struct{ originClient, originClock, rightClient, rightClock uint32 }

// wide are those of an item that has larger numbers, which are allowed.
type wideRefs struct{ origin, right blocks.ID }

// origin is, until the item is integrated, the id of the type that it is in, where
// inType says so.
func (it *item) origin() blocks.ID {
	if it.is(hasWideRefs) {
		return it.extra.wide.origin
	}
	return blocks.ID{Client: uint64(it.refs.originClient), Clock: uint64(it.refs.originClock)}
}

func (it *item) rightOrigin() blocks.ID {
	if it.is(hasWideRefs) {
		return it.extra.wide.right
	}
	return blocks.ID{Client: uint64(it.refs.rightClient), Clock: uint64(it.refs.rightClock)}
}

// setRefs sets both; those that the item doesn't have are zero.
func (it *item) setRefs(origin, right blocks.ID) {
	if (origin.Client|origin.Clock|right.Client|right.Clock)>>32 == 0 {
		it.flags &^= hasWideRefs
		it.refs = refs{uint32(origin.Client), uint32(origin.Clock), uint32(right.Client), uint32(right.Clock)}
		return
	}
	it.flags |= hasWideRefs
	it.ensureExtra().wide = &wideRefs{origin, right}
}
