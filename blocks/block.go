package blocks

import "errors"

// id names one element of a document: the element of a client with the given clock.
type id struct{ client, clock uint64 }

// noID is an id that no element has.
var noID = id{1 << 63, 1 << 63}

// kind is the kind of a block's content, which the low five bits of its first byte
// hold.
type kind byte

const (
	kindGC      kind = 0
	kindDeleted kind = 1
	kindJSON    kind = 2
	kindBinary  kind = 3
	kindString  kind = 4
	kindEmbed   kind = 5
	kindFormat  kind = 6
	kindType    kind = 7
	kindAny     kind = 8
	kindDoc     kind = 9
	kindSkip    kind = 10
)

// The other bits of a block's first byte.
const (
	kindMask  = 0x1f
	hasKey    = 0x20 // the block is the value of a map key
	hasRight  = 0x40
	hasOrigin = 0x80
)

// The types that a block of kindType can be: array, map, text, XML element, XML
// fragment, XML hook, XML text.
const (
	typeXMLElement = 3
	typeXMLHook    = 5
	typeXMLText    = 6
)

// block is one decoded block. A block of n elements stands for n chained blocks of one
// element: each but the first has its predecessor as origin, and all have the same
// right origin.
//
// The slices of a block alias what it was read from.
type block struct {
	client, clock uint64
	len           uint64 // in elements, which in a string are UTF-16 units; at least 1
	origin, right id
	parentID      id     // the parent type, if parent names it by id
	parent        []byte // parent and map key as encoded; nil with an origin or right origin
	content       []byte // without its length prefix if the kind has elements
	wire          []byte // the block as encoded, if appendTo would write the same; else nil
	kind          kind
	flags         byte // hasOrigin, hasRight, hasKey
	parentIsID    bool
	foreign       bool // it refers to an element of another client
	owned         bool // no other block shares content
	apart         bool // it is not joined with its neighbours
}

func (b *block) end() uint64   { return b.clock + b.len }
func (b *block) deleted() bool { return b.kind <= kindDeleted }

// bare reports whether blocks of kind k have nothing but a length.
func (k kind) bare() bool { return k == kindGC || k == kindSkip }

// counted reports whether the content of blocks of kind k has the number of elements in
// front.
func (k kind) counted() bool { return k.bare() || k == kindDeleted || k == kindAny || k == kindJSON }

// hasElements reports whether the content of blocks of kind k is a list of elements,
// which can be split and joined. Such content has a prefix: its length in bytes or the
// number of its elements.
func (k kind) hasElements() bool {
	return k == kindString || k == kindAny || k == kindJSON
}

// joinable reports whether the block can be joined with a neighbour of its kind. The
// value of a map key can't, because the next value deletes it: they would be split
// again.
func (b *block) joinable() bool {
	return b.deleted() || b.kind.hasElements() && b.flags&hasKey == 0 && !b.apart
}

// mayBeEntry reports whether the block may be a map entry that is not marked as one. That
// is only known once its origin is.
func (b *block) mayBeEntry() bool {
	return (b.kind == kindAny || b.kind == kindJSON) && b.flags&(hasOrigin|hasRight|hasKey) == hasOrigin
}

// The reasons for which yjs can't integrate a block.
var (
	errEmpty   = errors.New("a block without content")
	errFuture  = errors.New("a block that refers to a later element of its own client")
	errContent = unknownError("unknown kind of content")
	errType    = unknownError("unknown type")
	errParent  = errors.New("unknown kind of parent")
	errOptions = errors.New("a subdocument with invalid options")
)

// refs returns the ids that the block refers to: its origin, right origin and parent,
// if it has them. They must be integrated before the block.
func (b *block) refs() (refs [3]id, n int) {
	if b.flags&hasOrigin != 0 {
		refs[n] = b.origin
		n++
	}
	if b.flags&hasRight != 0 {
		refs[n] = b.right
		n++
	}
	if b.parentIsID {
		refs[n] = b.parentID
		n++
	}
	return refs, n
}

// originOrNone returns the origin, or noID if there is none.
func (b *block) originOrNone() id {
	if b.flags&hasOrigin == 0 {
		return noID
	}
	return b.origin
}

// rightOrNone returns the right origin, or noID if there is none.
func (b *block) rightOrNone() id {
	if b.flags&hasRight == 0 {
		return noID
	}
	return b.right
}

// setRight sets the right origin, which is noID for none. The block must have an origin.
func (b *block) setRight(right id) {
	b.wire, b.right, b.flags = nil, right, b.flags|hasRight
	if right == noID {
		b.flags &^= hasRight
	}
}

// setKeyed marks the block as a map entry, as yjs marks those that it has integrated. It is
// not joined with others then. The block must have an origin, from which it has its key.
func (b *block) setKeyed() { b.wire, b.flags = nil, b.flags|hasKey }

// dropContent makes the block a deleted block, which keeps its position.
func (b *block) dropContent() {
	if b.kind != kindGC {
		b.kind, b.content, b.wire, b.owned = kindDeleted, nil, nil, false
	}
}

// collect makes the block a GC block, which has no position.
func (b *block) collect() {
	*b = block{client: b.client, clock: b.clock, len: b.len, kind: kindGC}
}
