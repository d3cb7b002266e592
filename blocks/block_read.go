package blocks

import (
	"math"

	"github.com/yroom/yroom/internal/lib0"
)

// read reads and checks the next block of an update. Its id follows from the blocks
// before it, so the caller passes it. read refuses what would make yjs throw, and blocks
// without elements; the error is r's. It accepts skips, too.
func (b *block) read(r *lib0.Reader, client, clock uint64) {
	b.readParts(r, client, clock)
	if b.len == 0 {
		r.Fail(errEmpty)
	}
	if b.end() > lib0.MaxInt {
		r.Fail(lib0.ErrRange)
	}
}

// readParts is read, but also accepts blocks without elements, and doesn't check the end.
func (b *block) readParts(r *lib0.Reader, client, clock uint64) {
	off := r.Offset()
	info := r.Byte()
	b.client, b.clock = client, clock
	b.kind, b.flags = kind(info&kindMask), info&^kindMask
	b.parent, b.content, b.wire, b.parentIsID, b.foreign, b.owned, b.apart = nil, nil, nil, false, false, false, false
	if b.kind.bare() {
		b.len = r.Uint()
	} else {
		b.readLinks(r)
		b.readContent(r)
	}
	switch {
	case b.kind == kindSkip && b.flags != 0: // yjs takes it for a skip when it applies it, but not when it merges it
		r.Fail(errContent)
	case b.kind == kindGC && b.flags != 0:
		b.flags = 0
	case r.Canonical():
		b.wire = r.Since(off)
	}
}

// readLinks reads the origin and the right origin, or else the parent.
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

// readContent reads and checks the content, and sets the block's length.
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

// readOptions reads the options of a subdocument. yjs passes them to a constructor:
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

// readElement reads one element of a block of kindAny or kindJSON.
func readElement(r *lib0.Reader, k kind) {
	if k == kindAny {
		r.Any()
		return
	}
	if s := r.Text(); string(s) != "undefined" {
		r.CheckJSON(s)
	}
}

// load reads a block that the store has written. wire is the bytes of that block
// alone.
func (b *block) load(wire []byte, client, clock, length uint64) {
	r := lib0.Reread(wire)
	info := r.Byte()
	b.client, b.clock, b.len = client, clock, length
	b.kind, b.flags = kind(info&kindMask), info&^kindMask
	b.parent, b.content, b.wire, b.parentIsID, b.foreign, b.owned = nil, nil, wire, false, false, false
	if b.kind.bare() {
		return
	}
	b.readLinks(&r)
	switch {
	case b.kind == kindDeleted:
		return
	case b.kind.hasElements():
		r.Uint()
	}
	b.content = wire[r.Offset():]
}

// readHead reads what comes before the content of a checked block. The block's clock
// need not be known: readHead sets the largest, so that no reference is to a later
// element.
func (b *block) readHead(r *lib0.Reader) {
	info := r.Byte()
	b.clock, b.kind, b.flags = math.MaxUint64, kind(info&kindMask), info&^kindMask
	if !b.kind.bare() {
		b.readLinks(r)
	}
}
