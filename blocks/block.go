package blocks

import "errors"

// id names one element of the document: the clock'th that a client made.
type id struct{ client, clock uint64 }

// noID is the id of no element.
var noID = id{1 << 63, 1 << 63}

// kind is what a block holds, as the low five bits of its first byte say.
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

// The types that a kindType block can open: array, map, text, XML element, XML
// fragment, XML hook, XML text.
const (
	typeXMLElement = 3
	typeXMLHook    = 5
	typeXMLText    = 6
)

// block is one block, taken apart. A block of n elements stands for n chained
// blocks of one: each but the first has its predecessor as origin, and all
// have the same right origin.
//
// Its slices alias what it was read from.
type block struct {
	client, clock uint64
	len           uint64 // elements: UTF-16 units of a string; at least 1
	origin, right id
	parentID      id     // the parent, where parent names it by id
	parent        []byte // parent and map key as on the wire; only without origin and right
	content       []byte // without the length in front where the kind is a run
	wire          []byte // the block as it was read, where it is written just so; else nil
	kind          kind
	flags         byte // hasOrigin, hasRight, hasKey
	parentIsID    bool
	foreign       bool // it refers to another client
	owned         bool // content is this block's alone
}

func (b *block) end() uint64   { return b.clock + b.len }
func (b *block) deleted() bool { return b.kind <= kindDeleted }

// isRun tells whether blocks of the kind consist of elements that can be
// parted and joined. Such content has a length or a count in front.
func (k kind) hasElements() bool {
	return k == kindString || k == kindAny || k == kindJSON
}

// joins tells whether the block can be joined with a neighbour of its kind. The next
// value of a map key deletes the one before: they would be parted again.
func (b *block) joinable() bool { return b.deleted() || b.kind.hasElements() && b.flags&hasKey == 0 }

// Why yjs could not integrate a block.
var (
	errEmpty   = errors.New("a block without content")
	errFuture  = errors.New("a block that refers to its own future")
	errContent = errors.New("unknown kind of content")
	errType    = errors.New("unknown type")
	errParent  = errors.New("unknown kind of parent")
	errOptions = errors.New("a subdocument with options that make no document")
)

// refs gives the ids that must be there before the block can be: origin, right
// origin and parent, those that it has.
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

// originOrNone gives the origin; noID where there is none.
func (b *block) originOrNone() id {
	if b.flags&hasOrigin == 0 {
		return noID
	}
	return b.origin
}

// rightOrNone gives the right origin; noID where there is none.
func (b *block) rightOrNone() id {
	if b.flags&hasRight == 0 {
		return noID
	}
	return b.right
}

// kill makes the block a deleted one; its place stays.
func (b *block) dropContent() {
	if b.kind != kindGC {
		b.kind, b.content, b.wire, b.owned = kindDeleted, nil, nil, false
	}
}

// collect makes the block a GC block: its place is gone, too.
func (b *block) collect() {
	*b = block{client: b.client, clock: b.clock, len: b.len, kind: kindGC}
}
