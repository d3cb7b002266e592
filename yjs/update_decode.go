package yjs

import (
	"bytes"
	"iter"

	"github.com/yroom/yroom/blocks"
)

// decodedUpdate is an update that was decoded and checked. It is not part of the
// document until integrateUpdate.
type decodedUpdate struct {
	doc      *Doc
	slab     slab
	sections []section
	common   *common                // of the next item; its parent is the root that was named last
	unread   int                    // an upper bound of the bytes of contents still to come
	roots    []*sharedType          // the roots that the document does not have
	byName   map[string]*sharedType // roots by name
	deleted  iter.Seq2[blocks.ID, uint64]
}

// section holds the items of one client.
type section struct {
	client *client // not in Doc.clients yet if the client is new
	items  queue
}

// decode decodes and checks an update.
func (d *Doc) decode(update []byte, enc Encoding) (u *decodedUpdate, err error) {
	u = &decodedUpdate{doc: d, unread: len(update)}
	u.deleted, err = blocks.Parse(update, enc, u.block)
	return u, err
}

// beginSection begins the section of a client.
func (u *decodedUpdate) beginSection(id uint64) {
	c := u.doc.find(id)
	if c == nil {
		c = newClient(id)
	}
	u.sections = append(u.sections, section{client: c})
	begun := common{client: c}
	if u.common != nil {
		begun.parent, begun.arena = u.common.parent, u.common.arena
	}
	u.common = &begun
}

// block decodes the next block into an item. Its parent is a guess, which resolveRefs
// corrects, unless the block names a root.
func (u *decodedUpdate) block(b *blocks.Block) {
	if u.common == nil || u.common.client.id != b.Client {
		u.beginSection(b.Client)
	}
	if b.Kind == blocks.KindSkip {
		return
	}
	it := u.slab.item(b.Left + 1)
	if items := &u.sections[len(u.sections)-1].items; len(items.runs) > 0 && u.slab.used > 1 {
		items.extend() // the item follows the last one in the slab
	} else {
		items.add(u.slab.newest())
	}
	it.clock, it.len, it.kind = b.Clock, b.Len, b.Kind
	if b.Root != nil {
		if t := u.root(b.Root); t != u.common.parent {
			u.common = &common{client: u.common.client, parent: t, arena: u.common.arena}
		}
	}
	u.storeContent(it, b.Content)
	f := flagsOf[b.Kind]
	var origin, right blocks.ID
	if b.HasOrigin {
		origin = b.Origin
		f |= hasOrigin
	}
	if b.HasRight {
		right = b.Right
		f |= hasRight
	}
	if b.InType {
		origin = b.Parent
		f |= inType
	}
	if f&(hasOrigin|inType) != 0 && origin.Client != b.Client || f&hasRight != 0 && right.Client != b.Client {
		f |= isForeign
	}
	if b.HasKey {
		f |= hasKey
		it.ensureExtra().key = string(b.Key)
	}
	it.flags = f
	it.setRefs(origin, right)
	if b.Kind == blocks.KindType {
		it.ensureExtra().typ = readType(u.doc, b.Content)
	}
}

// storeContent sets common and content of an item. It copies content.
func (u *decodedUpdate) storeContent(it *item, content []byte) {
	c := u.common.client
	if it.kind == blocks.KindGC {
		it.common = &c.gcCommon
		return
	}
	if len(content) == 0 {
		it.common = u.common // whose arena may be nil
		return
	}
	if len(content) > u.common.free() {
		if len(content) > arenaBytes/4 {
			it.common = newCommon(c, u.common.parent, bytes.Clone(content))
			return
		}
		u.common = newCommon(c, u.common.parent, make([]byte, 0, max(len(content), min(u.unread, arenaBytes))))
	}
	it.common = u.common
	arena := u.common.arena
	from := len(arena.bytes)
	arena.bytes = append(arena.bytes, content...)
	u.unread -= len(content)
	it.from, it.to = uint16(from), uint16(len(arena.bytes))
}

// root returns the root with the given name. A root that the document does not have is
// kept in roots until integrateUpdate.
func (u *decodedUpdate) root(name []byte) *sharedType {
	if t := u.doc.roots[string(name)]; t != nil {
		return t
	}
	t := u.byName[string(name)]
	if t == nil {
		t = &sharedType{doc: u.doc, name: string(name)}
		if u.byName == nil {
			u.byName = make(map[string]*sharedType)
		}
		u.byName[t.name] = t
		u.roots = append(u.roots, t)
	}
	return t
}
