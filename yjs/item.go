package yjs

import (
	"math"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// item is a block that is part of a document. A GC struct of yjs is an item of
// blocks.KindGC, which is in no list: it has a client, a clock and a length and nothing
// else.
//
// Loading a document mostly consists of creating its items, so they are small: common
// holds the fields that many items share, and has extra, with those that most items lack.
type item struct {
	right      *item // the next item in its list
	common     *common
	from, to   uint16 // the range of the content in common.arena; all of it if to is 0
	kind       blocks.Kind
	flags      flags
	mark       mark
	refs       refs
	clock, len uint64
}

// extra holds the fields that most items lack.
type extra struct {
	shared *common // what common was before the item had extra; nil if its content was another
	key    string
	value  []byte      // of a format that the Doc itself made
	typ    *sharedType // of a KindType block; nil once its content was collected
	node   *node       // in the parent's position index; nil if the parent is not indexed
	wide   *wideRefs   // if hasWideRefs is set
	visit  uint64      // the value of Doc.visits when cleanFormats last visited the item
}

// extra returns the extra fields of the item, or nil if all of them are zero.
func (it *item) extra() *extra { return it.common.extra }

// ensureExtra returns extra, which it allocates if it is nil.
func (it *item) ensureExtra() *extra {
	if it.common.extra == nil {
		it.addExtra(new(commonAndExtra))
	}
	return it.common.extra
}

// commonAndExtra is the common of an item with extra fields.
type commonAndExtra struct {
	common common
	extra  extra
}

// addExtra adds extra fields to an item that has none. They are stored in both, which must
// be zero, beside a copy of common that only this item uses.
func (it *item) addExtra(both *commonAndExtra) {
	both.common, both.extra.shared = *it.common, it.common
	both.common.extra = &both.extra
	it.common = &both.common
}

// node returns the node of the item in its parent's position index, which must exist.
func (it *item) node() *node { return it.extra().node }

func (it *item) key() string {
	if it.extra() == nil {
		return ""
	}
	return it.extra().key
}

func (it *item) typ() *sharedType {
	if it.extra() == nil {
		return nil
	}
	return it.extra().typ
}

func (it *item) visit() uint64 {
	if it.extra() == nil {
		return 0
	}
	return it.extra().visit
}

type flags uint8

const (
	hasOrigin flags = 1 << iota
	hasRight
	hasKey
	inType // until integration: origin is the parent's id
	deleted
	hasWideRefs // origin and right origin are in extra
	isForeign   // until integration: an origin or the parent may belong to another client
)

// mark says what resolveConflicts has found out about an item. It is zero elsewhere.
type mark uint8

const (
	conflicting mark = iota + 1 // the item may still conflict with the new one
	leftOfNew                   // the new item will be inserted somewhere after the item
)

// flagsOf are the initial flags of items by kind.
var flagsOf = [math.MaxUint8 + 1]flags{blocks.KindGC: deleted, blocks.KindDeleted: deleted}

func (it *item) end() uint64       { return it.clock + it.len }
func (it *item) is(f flags) bool   { return it.flags&f != 0 }
func (it *item) deleted() bool     { return it.flags&deleted != 0 }
func (it *item) id() blocks.ID     { return blocks.ID{Client: it.client().id, Clock: it.clock} }
func (it *item) lastID() blocks.ID { return blocks.ID{Client: it.client().id, Clock: it.end() - 1} }

// countable has a bit for each kind whose elements count in the length of a list.
const countable = 1<<blocks.KindJSON | 1<<blocks.KindBinary | 1<<blocks.KindString | 1<<blocks.KindEmbed |
	1<<blocks.KindType | 1<<blocks.KindAny | 1<<blocks.KindDoc

// visible reports whether the elements of the item count in the length of its list.
func (it *item) visible() bool { return it.elementWidth() != 0 }

// width returns how much the item adds to the length of its list. It has no branches,
// because deletions are unpredictable.
func (it *item) width() uint64 { return it.len * it.elementWidth() }

// elementWidth returns the width of each element: 1 or 0.
func (it *item) elementWidth() uint64 {
	return countable >> (it.kind & 0xf) & 1 &^ (uint64(it.flags&deleted) / uint64(deleted))
}

// format returns the key and the JSON value of a KindFormat item. Formats that the Doc
// itself made from one value return the same slice: see equalAttrs.
func (it *item) format() (key string, value []byte) {
	r := lib0.Reread(it.content())
	key, value = string(r.Text()), r.Text()
	if it.extra() != nil && it.extra().value != nil {
		value = it.extra().value
	}
	return key, value
}

// isFormat reports whether the item is a format that is not deleted.
func (it *item) isFormat() bool { return it.kind == blocks.KindFormat && !it.deleted() }

// slabItems is the greatest number of items that are allocated at once. With the
// allocator's overhead, they take 28 KiB.
const slabItems = 4 * chunkItems

// slab allocates items in slices, each twice as long as the one before, up to
// slabItems.
type slab struct {
	items []item
	used  int
}

// item returns a zero item. left is the number of items that are expected, this one
// included: the slab does not allocate many more.
func (s *slab) item(left uint64) *item {
	if s.used == len(s.items) {
		s.items, s.used = make([]item, min(max(1, 2*uint64(s.used)), slabItems, max(left, slabItems/8))), 0
	}
	s.used++
	return &s.items[s.used-1]
}

// newest returns the item that was allocated last, and the memory behind it.
func (s *slab) newest() []item { return s.items[s.used-1:] }

// free clears an item, so that the memory it refers to can be collected, and takes it
// back if it is the one that was allocated last.
func (s *slab) free(it *item) {
	*it = item{}
	if s.used > 0 && it == &s.items[s.used-1] {
		s.used--
	}
}
