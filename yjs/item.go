package yjs

import (
	"math"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// item is one block where it stands in the document. What yjs calls a GC struct
// is an item of blocks.KindGC, which stands gcCommon: it has a client, a clock, a
// length and nothing else.
//
// To read a document is above all to make its items, so they are small: what many have
// in common is in home, and what most do without in rare.
type item struct {
	right      *item // its neighbour; until it is integrated, the next that came of its client
	common     *common
	from, to   uint16 // where in home's arena its content is; to is 0: it is all of that
	kind       blocks.Kind
	flags      flags
	refs       refs
	clock, len uint64
	extra      *extra // nil: nothing
}

// rare is what most items do without.
type extra struct {
	key   string
	value []byte      // of a format that the Doc made itself
	typ   *sharedType // of a KindType block; nil when its content is gone
	node  *node       // in the parent's index, where there is one
	wide  *wideRefs   // where hasWideRefs
	visit uint64      // when the item was last compared with one that was integrated
}

// more gives what most items do without, to be set.
func (it *item) ensureExtra() *extra {
	if it.extra == nil {
		it.extra = new(extra)
	}
	return it.extra
}

// node gives the item's place in its parent's index, which there is.
func (it *item) node() *node { return it.extra.node }

func (it *item) key() string {
	if it.extra == nil {
		return ""
	}
	return it.extra.key
}

func (it *item) typ() *sharedType {
	if it.extra == nil {
		return nil
	}
	return it.extra.typ
}

func (it *item) visit() uint64 {
	if it.extra == nil {
		return 0
	}
	return it.extra.visit
}

type flags uint8

const (
	hasOrigin flags = 1 << iota
	hasRight
	hasKey
	inType // origin is the parent's id
	deleted
	hasWideRefs // origin and right origin are in rare
	isForeign   // until it is integrated: an origin, or the parent, may be another client's
)

// flagsOf gives the flags that items of a kind come with.
var flagsOf = [math.MaxUint8 + 1]flags{blocks.KindGC: deleted, blocks.KindDeleted: deleted}

func (it *item) end() uint64       { return it.clock + it.len }
func (it *item) is(f flags) bool   { return it.flags&f != 0 }
func (it *item) deleted() bool     { return it.flags&deleted != 0 }
func (it *item) id() blocks.ID     { return blocks.ID{Client: it.client().id, Clock: it.clock} }
func (it *item) lastID() blocks.ID { return blocks.ID{Client: it.client().id, Clock: it.end() - 1} }

// countable has a bit for each kind of which what an item holds has places of its own
// in its list.
const countable = 1<<blocks.KindJSON | 1<<blocks.KindBinary | 1<<blocks.KindString | 1<<blocks.KindEmbed |
	1<<blocks.KindType | 1<<blocks.KindAny | 1<<blocks.KindDoc

// visible tells whether what the item holds has places in its list.
func (it *item) visible() bool { return it.elementWidth() != 0 }

// width is how many places the item takes in its list. It has no branches, as nobody
// can guess what is deleted.
func (it *item) width() uint64 { return it.len * it.elementWidth() }

// places is how many there are for an element of the item: 1 or 0.
func (it *item) elementWidth() uint64 {
	return countable >> (it.kind & 0xf) & 1 &^ (uint64(it.flags&deleted) / uint64(deleted))
}

// format gives the key and the value, in JSON, of a KindFormat item. The Doc's own
// formats that were made of one value have the same bytes: see equalAttrs.
func (it *item) format() (key string, value []byte) {
	r := lib0.Reread(it.content())
	key, value = string(r.Text()), r.Text()
	if it.extra != nil && it.extra.value != nil {
		value = it.extra.value
	}
	return key, value
}

// isFormat tells whether the item is a format that isn't deleted.
func (it *item) isFormat() bool { return it.kind == blocks.KindFormat && !it.deleted() }

// slabItems is how many items are allocated at once where many come: with what the
// allocator adds, they take 32 KiB.
const slabItems = 511

// slab allocates items, twice as many each time up to slabItems.
type slab struct {
	items []item
	used  int
}

// item gives an empty item. left is how many are said to come, it included: few more
// than that are allocated.
func (s *slab) item(left uint64) *item {
	if s.used == len(s.items) {
		s.items, s.used = make([]item, min(max(1, 2*uint64(s.used)), slabItems, max(left, slabItems/8))), 0
	}
	s.used++
	return &s.items[s.used-1]
}

// free lets go of what an item refers to that nobody needs any more, and takes it back
// if it was the last one.
func (s *slab) free(it *item) {
	*it = item{}
	if s.used > 0 && it == &s.items[s.used-1] {
		s.used--
	}
}
