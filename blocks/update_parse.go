package blocks

import (
	"iter"

	"github.com/yroom/yroom/internal/lib0"
)

// ID names one element of a document: the Clock'th that a client made.
type ID struct{ Client, Clock uint64 }

// Kind is what a block holds, as yjs numbers it.
type Kind byte

// The kinds of blocks. A GC block has nothing but a length; a skip is no part
// of the document but a gap in an update.
const (
	KindGC      = Kind(kindGC)
	KindDeleted = Kind(kindDeleted)
	KindJSON    = Kind(kindJSON)
	KindBinary  = Kind(kindBinary)
	KindString  = Kind(kindString)
	KindEmbed   = Kind(kindEmbed)
	KindFormat  = Kind(kindFormat)
	KindType    = Kind(kindType)
	KindAny     = Kind(kindAny)
	KindDoc     = Kind(kindDoc)
	KindSkip    = Kind(kindSkip)
)

// Block is one block of an update, taken apart. A block of Len elements stands
// for as many chained blocks of one: each but the first has its predecessor as
// origin, and all have the same right origin.
type Block struct {
	ID // of its first element

	Len       uint64 // elements; UTF-16 units of a string
	Left      uint64 // how many blocks of the client follow, if one may believe the update
	Kind      Kind
	HasOrigin bool
	HasRight  bool
	HasKey    bool // the block is the value of a map key
	InType    bool // Parent counts, not Root

	Origin, Right ID

	// What the block is in is said only of a block without origin and right
	// origin. Others are in what these are in.
	Parent ID     // a block of KindType
	Root   []byte // the name of a root type
	Key    []byte // where HasKey

	// Content is as on the wire, but for the number in front of a string, and of
	// what KindAny and KindJSON hold. KindDeleted and KindGC have none.
	Content []byte
}

// Parse reads and checks an update in V1 just as Apply does, and calls yield with
// each of its blocks, skips included, in the order of the update. It gives what
// the update deletes: so many elements from the first on, in order and no element
// twice. It may have called yield before it finds an error, which is
// ErrMalformed. The Block is valid until the next call; its slices alias update.
func Parse(update []byte, yield func(*Block)) (deleted iter.Seq2[ID, uint64], err error) {
	var in parsedUpdate
	r := lib0.NewReader(update)
	var b block
	var l blockLayout
	var out Block
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		sec := section{count: r.Uint(), client: r.Uint(), end: r.Uint()}
		for left := sec.count; left > 0 && r.Err() == nil; left-- {
			out.Left = left - 1
			if wire := r.Rest(); l.readSimple(wire, 0, sec.client, sec.end) {
				r.Skip(l.next)
				out.setLayout(&l, wire, ID{sec.client, sec.end})
			} else {
				b.read(&r, sec.client, sec.end)
				if err := r.Err(); err != nil {
					return nil, malformed("update: block %d of client %d: %w", sec.end, sec.client, err)
				}
				out.setBlock(&b)
			}
			sec.end += out.Len
			yield(&out)
		}
		in.sections = append(in.sections, sec)
	}
	if err := r.Err(); err != nil {
		return nil, malformed("update: %w", err)
	}
	if client, ok := duplicateClient(in.sections); ok {
		return nil, malformed("update: client %d is in it twice", client)
	}
	if err := in.readDeletions(&r); err != nil {
		return nil, err
	}
	return func(yield func(ID, uint64) bool) {
		for _, d := range in.deletions {
			for _, x := range d.spans {
				if !yield(ID{d.client, x.From}, x.To-x.From) {
					return
				}
			}
		}
	}, nil
}

// takeGlance takes apart the block with an id that stands at the front of wire.
func (out *Block) setLayout(l *blockLayout, wire []byte, at ID) {
	out.ID, out.Len, out.Kind = at, l.len, Kind(l.kind)
	out.HasOrigin, out.HasRight, out.HasKey, out.InType = l.origin != noID, l.right != noID, false, false
	out.Origin, out.Right = ID{l.origin.client, l.origin.clock}, ID{l.right.client, l.right.clock}
	out.Root, out.Key, out.Content = nil, nil, wire[l.content:l.next:l.next]
}

// take takes b apart.
func (out *Block) setBlock(b *block) {
	out.ID, out.Len, out.Kind = ID{b.client, b.clock}, b.len, Kind(b.kind)
	out.HasOrigin, out.HasRight, out.HasKey = b.flags&hasOrigin != 0, b.flags&hasRight != 0, b.flags&hasKey != 0
	out.Origin, out.Right = ID{b.origin.client, b.origin.clock}, ID{b.right.client, b.right.clock}
	out.Content = b.content
	out.InType, out.Parent = b.parentIsID, ID{b.parentID.client, b.parentID.clock}
	out.Root, out.Key = nil, nil
	if b.parent == nil {
		return
	}
	r := lib0.Reread(b.parent)
	if r.Uint(); b.parentIsID {
		r.Uint()
		r.Uint()
	} else {
		out.Root = r.Text()
	}
	if out.HasKey {
		out.Key = r.Text()
	}
}

// AppendTo appends the block in V1, as it stands behind others in an update.
func (out *Block) AppendTo(dst []byte) []byte {
	b := block{
		kind: kind(out.Kind), len: out.Len, content: out.Content,
		origin: id{out.Origin.Client, out.Origin.Clock}, right: id{out.Right.Client, out.Right.Clock},
	}
	if out.HasOrigin {
		b.flags |= hasOrigin
	}
	if out.HasRight {
		b.flags |= hasRight
	}
	if out.HasKey {
		b.flags |= hasKey
	}
	if b.kind > kindGC && b.kind != kindSkip && !out.HasOrigin && !out.HasRight {
		var scratch [64]byte
		b.parent = scratch[:0]
		if out.InType {
			b.parent = lib0.AppendUint(append(b.parent, 0), out.Parent.Client)
			b.parent = lib0.AppendUint(b.parent, out.Parent.Clock)
		} else {
			b.parent = lib0.AppendBytes(append(b.parent, 1), out.Root)
		}
		if out.HasKey {
			b.parent = lib0.AppendBytes(b.parent, out.Key)
		}
	}
	if b.kind == kindSkip {
		return lib0.AppendUint(append(dst, byte(kindSkip)), b.len)
	}
	dst, _ = b.appendTo(dst)
	return dst
}
