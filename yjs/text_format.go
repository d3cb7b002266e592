package yjs

import (
	"strings"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// cursor is a position in a text, between two items, with the formats in effect there.
type cursor struct {
	t           *sharedType
	left, right *item
	now         attrs
}

// cursorAt returns the cursor at position at, which must be in the text. It is directly
// after the element at at-1, before any items that are not visible.
func (tx *transaction) cursorAt(t *sharedType, at uint64) *cursor {
	p := &cursor{t: t, left: tx.itemBefore(t, at)}
	p.right = t.first
	if p.left != nil {
		p.right = p.left.right
		t.eachFormat(p.left, p.now.apply)
	}
	return p
}

// itemBefore returns the item that ends at position at, which must be in the list, or
// nil if at is 0. It splits an item if necessary.
func (tx *transaction) itemBefore(t *sharedType, at uint64) *item {
	if at == 0 {
		return nil
	}
	it, off := t.at(at - 1)
	if off+1 < it.len {
		tx.doc.split(it, off+1)
	}
	return it
}

// forward moves the cursor over one item.
func (p *cursor) forward() {
	if p.right.isFormat() {
		p.now.apply(p.right)
	}
	p.left, p.right = p.right, p.right.right
}

// insertItem inserts an item at the cursor and moves the cursor over it.
func (tx *transaction) insertItem(p *cursor, k blocks.Kind, content []byte, n uint64) {
	p.right = tx.newItem(p.t, p.left, p.right, k, content, n)
	p.forward()
}

// newItem inserts an item of the Doc's own edits between two neighbours in a list.
func (tx *transaction) newItem(t *sharedType, left, right *item, k blocks.Kind, content []byte, n uint64) *item {
	c := tx.doc.ownClient()
	it := tx.doc.slab.item(slabItems)
	*it = item{clock: c.end, len: n, right: right, kind: k}
	tx.doc.storeContent(it, c, t, content)
	var origin, rightOrigin blocks.ID
	if left != nil {
		it.flags |= hasOrigin
		origin = left.lastID()
	}
	if right != nil {
		it.flags |= hasRight
		rightOrigin = right.id()
	}
	it.setRefs(origin, rightOrigin)
	if k == blocks.KindType {
		it.ensureExtra().typ = readType(tx.doc, content)
	}
	tx.integrate(it, left)
	return it
}

// insertFormat inserts a format at the cursor and moves the cursor over it.
func (tx *transaction) insertFormat(p *cursor, key string, value []byte) {
	p.right = tx.newItem(p.t, p.left, p.right, blocks.KindFormat, formatContent(key, value), 1)
	p.right.ensureExtra().value = value
	p.forward()
}

// formatContent returns the content of a KindFormat block.
func formatContent(key string, value []byte) []byte {
	content := make([]byte, 0, len(key)+len(value)+4)
	return lib0.AppendBytes(lib0.AppendString(content, key), value)
}

// skipRedundant moves the cursor over formats that are among the wanted ones. It is
// minimizeAttributeChanges of yjs.
func (p *cursor) skipRedundant(want attrs) {
	for p.right != nil {
		if !p.right.deleted() {
			if p.right.kind != blocks.KindFormat {
				return
			}
			if key, value := p.right.format(); !equalAttrs(want.get(key), value) {
				return
			}
		}
		p.forward()
	}
}

// openFormats inserts formats at the cursor until the wanted ones are in effect. It
// returns the formats that must be restored after the formatted text.
func (tx *transaction) openFormats(p *cursor, want attrs) (negated attrs) {
	for w := range want.each {
		was := p.now.get(w.key)
		if !equalAttrs(was, w.value) {
			negated.set(w.key, was)
			tx.insertFormat(p, w.key, w.value)
		}
	}
	return negated
}

// closeFormats inserts formats at the cursor that restore those that openFormats
// returned, unless existing formats do so.
func (tx *transaction) closeFormats(p *cursor, negated attrs) {
	for p.right != nil {
		if !p.right.deleted() {
			if p.right.kind != blocks.KindFormat {
				break
			}
			key, value := p.right.format()
			if was, ok := negated.find(key); !ok || !equalAttrs(was, value) {
				break
			}
			negated.remove(key)
		}
		p.forward()
	}
	for x := range negated.each {
		tx.insertFormat(p, x.key, x.value)
	}
}

// insertText inserts an item at the cursor with exactly the wanted formats.
func (tx *transaction) insertText(p *cursor, want attrs, k blocks.Kind, content []byte, n uint64) {
	want = want.clone()
	for x := range p.now.each {
		if !want.has(x.key) {
			want.set(x.key, null)
		}
	}
	want.list = orderByKey(want.list, func(x attr) string { return x.key })
	want.index = nil
	p.skipRedundant(want)
	negated := tx.openFormats(p, want)
	tx.insertItem(p, k, content, n)
	tx.closeFormats(p, negated)
}

// formatText formats n elements from the cursor on. If fewer than n follow, it appends
// line feeds for the rest.
func (tx *transaction) formatText(p *cursor, n uint64, want attrs) {
	p.skipRedundant(want)
	negated := tx.openFormats(p, want)
	// After the elements, continue while formats follow that can be among those to
	// restore.
	for p.right != nil && (n > 0 || negated.len() > 0 && !p.right.visible()) {
		it := p.right
		if it.deleted() {
			p.forward()
			continue
		}
		if it.kind != blocks.KindFormat {
			if n < it.len {
				tx.doc.split(it, n)
			}
			n -= it.len
			p.forward()
			continue
		}
		key, value := it.format()
		if w, ok := want.find(key); ok {
			if equalAttrs(w, value) {
				negated.remove(key)
			} else {
				if n == 0 {
					break
				}
				negated.set(key, value)
			}
			tx.delete(it)
		} else {
			p.now.set(key, value)
		}
		p.forward()
	}
	if n > 0 {
		tx.insertItem(p, blocks.KindString, []byte(strings.Repeat("\n", int(n))), n)
	}
	tx.closeFormats(p, negated)
}

// deleteText deletes n elements from the cursor on, or all that follow if there are
// fewer.
func (tx *transaction) deleteText(p *cursor, n uint64) {
	before, start := p.now.clone(), p.right
	for n > 0 && p.right != nil {
		it := p.right
		if it.visible() && it.inText() {
			if n < it.len {
				tx.doc.split(it, n)
			}
			n -= it.len
			tx.delete(it)
		}
		p.forward()
	}
	if start != nil {
		tx.cleanFrom(start, p.right, before.get, &p.now)
	}
}

// inText reports whether the kind of the item is one that texts consist of.
func (it *item) inText() bool {
	return it.kind == blocks.KindString || it.kind == blocks.KindEmbed || it.kind == blocks.KindType
}
