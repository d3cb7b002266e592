package blocks

import (
	"iter"

	"github.com/yroom/yroom/internal/lib0"
)

// ID names one element of a document: the element of a client with the given clock.
// Clocks begin at 0.
type ID struct{ Client, Clock uint64 }

// Kind is the kind of a block's content, as yjs numbers them.
type Kind byte

// The kinds of blocks. A GC block has nothing but a length. A skip is not part of a
// document: it stands for a gap between blocks of an update.
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

// Block is one decoded block of an update. A block of Len elements stands for as many
// chained blocks of one element: each but the first has its predecessor as origin, and
// all have the same right origin.
type Block struct {
	ID // of its first element

	Len       uint64 // in elements, which in a string are UTF-16 units
	Left      uint64 // the number of following blocks of the client that the update claims; it may be wrong
	Kind      Kind
	HasOrigin bool
	HasRight  bool
	HasKey    bool // the block is the value of a map key
	InType    bool // Parent is set, not Root

	Origin, Right ID

	// The parent and the key. They are set only in a block without origin and right
	// origin; other blocks have the parent and the key of their origin or right origin.
	Parent ID     // the id of a block of KindType
	Root   []byte // the name of a root type
	Key    []byte // if HasKey

	// Content is as encoded in V1, without the length of a string and without the count
	// in KindAny and KindJSON. KindDeleted and KindGC have none.
	Content []byte
}

// Parse reads and checks an update, and calls yield with each of its blocks, skips included,
// in the order of the update. It refuses an update in V1 from which Convert leaves something
// out, and one in V2 of which it would leave out a block or a deletion. It returns what the
// update deletes: the first element and the length of each span. The spans of a client follow
// each other, in order and without overlap. Each iteration reads them from update, which must
// not change until the last one. Parse may have called yield before it returns an error, which
// is that of Convert. A Block is valid until yield returns; its slices alias update, or memory
// that Parse reuses.
func Parse(update []byte, enc Encoding, yield func(*Block)) (deleted iter.Seq2[ID, uint64], err error) {
	switch enc {
	case V1:
		return parseV1(update, yield)
	case V2:
		return parseV2(update, yield)
	}
	return nil, checkEncoding(enc)
}

func parseV1(update []byte, yield func(*Block)) (deleted iter.Seq2[ID, uint64], err error) {
	r := lib0.NewReader(update)
	var b block
	var l blockLayout
	var out Block
	var clients []uint64
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		left, client, clock := r.Uint(), r.Uint(), r.Uint()
		for ; left > 0 && r.Err() == nil; left-- {
			out.Left = left - 1
			if wire := r.Rest(); l.readSimple(wire, 0, client, clock) {
				r.Skip(l.next)
				out.setLayout(&l, wire, ID{client, clock})
			} else {
				b.read(&r, client, clock)
				if err := r.Err(); err != nil {
					return nil, malformed("update: block %d of client %d: %w", clock, client, err)
				}
				out.setBlock(&b)
			}
			clock += out.Len
			yield(&out)
		}
		clients = append(clients, client)
	}
	if err := r.Err(); err != nil {
		return nil, malformed("update: %w", err)
	}
	deleted, _, err = finishParse(clients, &r, V1)
	return deleted, err
}

// finishParse checks the clients of the sections, and reads the delete set as parseDeletions
// does.
func finishParse(clients []uint64, r *lib0.Reader, enc Encoding) (deleted iter.Seq2[ID, uint64], taken int, err error) {
	if client, twice := duplicate(clients); twice {
		return nil, 0, malformed("update: two sections of client %d", client)
	}
	return parseDeletions(r, enc)
}

// setLayout sets out to the block with the id at, which wire begins with.
func (out *Block) setLayout(l *blockLayout, wire []byte, at ID) {
	out.ID, out.Len, out.Kind = at, l.len, Kind(l.kind)
	out.HasOrigin, out.HasRight, out.HasKey, out.InType = l.origin != noID, l.right != noID, false, false
	out.Origin, out.Right = ID{l.origin.client, l.origin.clock}, ID{l.right.client, l.right.clock}
	out.Root, out.Key, out.Content = nil, nil, wire[l.content:l.next:l.next]
}

// setBlock sets out to b.
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

// AppendTo appends the block in V1, as it is in an update.
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
