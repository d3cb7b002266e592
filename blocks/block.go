package blocks

import (
	"errors"
	"math"

	"github.com/yroom/yroom/internal/lib0"
)

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
	own           bool // content is this block's alone
}

func (b *block) end() uint64   { return b.clock + b.len }
func (b *block) deleted() bool { return b.kind <= kindDeleted }

// isRun tells whether blocks of the kind consist of elements that can be
// parted and joined. Such content has a length or a count in front.
func (k kind) isRun() bool {
	return k == kindString || k == kindAny || k == kindJSON
}

// joins tells whether the block can be joined with a neighbour of its kind. The next
// value of a map key deletes the one before: they would be parted again.
func (b *block) joins() bool { return b.deleted() || b.kind.isRun() && b.flags&hasKey == 0 }

// Why yjs could not integrate a block.
var (
	errEmpty   = errors.New("a block without content")
	errFuture  = errors.New("a block that refers to its own future")
	errContent = errors.New("unknown kind of content")
	errType    = errors.New("unknown type")
	errParent  = errors.New("unknown kind of parent")
	errOptions = errors.New("a subdocument with options that make no document")
)

// read reads the next block of an update, whose id is known from where it
// stands. It refuses what yjs would throw on; the error is r's. A skip is a
// block here too.
func (b *block) read(r *lib0.Reader, client, clock uint64) {
	off := r.Offset()
	info := r.Byte()
	b.client, b.clock = client, clock
	b.kind, b.flags = kind(info&kindMask), info&^kindMask
	b.parent, b.content, b.wire, b.parentIsID, b.foreign, b.own = nil, nil, nil, false, false, false
	if b.kind == kindGC || b.kind == kindSkip {
		b.len = r.Uint()
	} else {
		b.readLinks(r)
		b.readContent(r)
	}
	switch {
	case b.kind == kindGC && b.flags != 0:
		b.flags = 0
	case r.Canonical():
		b.wire = r.Since(off)
	}
	if b.len == 0 {
		r.Fail(errEmpty)
	}
	if b.end() > lib0.MaxInt {
		r.Fail(lib0.ErrRange)
	}
}

// readLinks reads where the block stands.
func (b *block) readLinks(r *lib0.Reader) {
	if b.flags&hasOrigin != 0 {
		b.origin = b.readRef(r)
	}
	if b.flags&hasRight != 0 {
		b.right = b.readRef(r)
	}
	if b.flags&(hasOrigin|hasRight) == 0 {
		b.readParent(r)
	}
}

// readRef reads the id of an element that the block refers to.
func (b *block) readRef(r *lib0.Reader) id {
	ref := id{client: r.Uint(), clock: r.Uint()}
	if ref.client != b.client {
		b.foreign = true
	} else if ref.clock >= b.clock {
		r.Fail(errFuture)
	}
	return ref
}

func (b *block) readParent(r *lib0.Reader) {
	off := r.Offset()
	switch r.Uint() {
	case 0:
		b.parentID, b.parentIsID = b.readRef(r), true
	case 1:
		r.Text()
	default:
		r.Fail(errParent)
	}
	if b.flags&hasKey != 0 {
		r.Text()
	}
	b.parent = r.Since(off)
}

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

// readContent reads and checks what the block holds, and sets its length.
func (b *block) readContent(r *lib0.Reader) {
	b.len = 1
	switch b.kind {
	case kindDeleted:
		b.len = r.Uint()
		return
	case kindString:
		b.content, b.len = r.Text16()
		return
	case kindAny, kindJSON:
		b.len = r.Uint()
		off := r.Offset()
		for n := b.len; n > 0 && r.Err() == nil; n-- {
			readElement(r, b.kind)
		}
		b.content = r.Since(off)
		return
	}
	off := r.Offset()
	switch b.kind {
	case kindBinary:
		r.Bytes()
	case kindEmbed:
		r.JSON()
	case kindFormat:
		r.Text()
		r.JSON()
	case kindType:
		switch t := r.Uint(); {
		case t == typeXMLElement || t == typeXMLHook:
			r.Text()
		case t > typeXMLText:
			r.Fail(errType)
		}
	case kindDoc:
		r.Text()
		readOptions(r)
	default:
		r.Fail(errContent)
	}
	b.content = r.Since(off)
}

// readOptions reads the options of a subdocument. yjs makes a document of them:
// new Doc({guid, ...options}).
func readOptions(r *lib0.Reader) {
	bad := false
	options := r.AnyObject(func(key, value []byte) {
		bad = bad || string(key) == "guid" && !lib0.IsString(value) || string(key) == "gcFilter"
	})
	if bad || lib0.IsNullish(options) {
		r.Fail(errOptions)
	}
}

// readElement reads one element of an Any or JSON run.
func readElement(r *lib0.Reader, k kind) {
	if k == kindAny {
		r.Any()
		return
	}
	if s := r.Text(); string(s) != "undefined" {
		r.CheckJSON(s)
	}
}

// load reads a block that the store has written: wire is exactly its bytes.
func (b *block) load(wire []byte, client, clock, length uint64) {
	r := lib0.Reread(wire)
	info := r.Byte()
	b.client, b.clock, b.len = client, clock, length
	b.kind, b.flags = kind(info&kindMask), info&^kindMask
	b.parent, b.content, b.wire, b.parentIsID, b.foreign, b.own = nil, nil, wire, false, false, false
	if b.kind == kindGC {
		return
	}
	b.readLinks(&r)
	switch {
	case b.kind == kindDeleted:
		return
	case b.kind.isRun():
		r.Uint()
	}
	b.content = wire[r.Offset():]
}

// readHead reads what stands in front of the content of a block that was checked,
// whose id doesn't matter: so nothing can be in its future.
func (b *block) readHead(r *lib0.Reader) {
	info := r.Byte()
	b.clock, b.kind, b.flags = math.MaxUint64, kind(info&kindMask), info&^kindMask
	if b.kind != kindGC {
		b.readLinks(r)
	}
}

// appendTo appends the block in V1 and tells where the length in front of its
// content stands, for tail.
func (b *block) appendTo(dst []byte) (wire []byte, prefix int) {
	if b.wire != nil {
		dst = append(dst, b.wire...)
		return dst, len(dst) - len(b.content) - b.prefixLen()
	}
	dst = append(dst, byte(b.kind)|b.flags)
	if b.flags&hasOrigin != 0 {
		dst = lib0.AppendUint(dst, b.origin.client)
		dst = lib0.AppendUint(dst, b.origin.clock)
	}
	if b.flags&hasRight != 0 {
		dst = lib0.AppendUint(dst, b.right.client)
		dst = lib0.AppendUint(dst, b.right.clock)
	}
	dst = append(dst, b.parent...)
	prefix = len(dst)
	switch {
	case b.kind == kindString:
		dst = lib0.AppendUint(dst, uint64(len(b.content)))
	case b.deleted() || b.kind.isRun():
		dst = lib0.AppendUint(dst, b.len)
	}
	return append(dst, b.content...), prefix
}

// prefixLen is how many bytes the length in front of the content takes.
func (b *block) prefixLen() int {
	switch {
	case b.kind == kindString:
		return lib0.UintLen(uint64(len(b.content)))
	case b.deleted() || b.kind.isRun():
		return lib0.UintLen(b.len)
	}
	return 0
}

// kill makes the block a deleted one; its place stays.
func (b *block) kill() {
	if b.kind != kindGC {
		b.kind, b.content, b.wire, b.own = kindDeleted, nil, nil, false
	}
}

// collect makes the block a GC block: its place is gone, too.
func (b *block) collect() {
	*b = block{client: b.client, clock: b.clock, len: b.len, kind: kindGC}
}
