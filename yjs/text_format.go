package yjs

import (
	"strings"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// cursor is a place in a text, and what formats hold there.
type cursor struct {
	t           *sharedType
	left, right *item
	now         attrs
}

// cursorAt gives the place before position at, which is in the text, behind all
// that isn't visible only if that is behind what is at the left.
func (tx *transaction) cursorAt(t *sharedType, at uint64) *cursor {
	p := &cursor{t: t, left: tx.itemBefore(t, at)}
	p.right = t.first
	if p.left != nil {
		p.right = p.left.right
		t.eachFormat(p.left, p.now.apply)
	}
	return p
}

// before gives the item that ends where position at begins, which is in the list;
// nil: that is where the list begins.
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

// forward steps over one item.
func (p *cursor) forward() {
	if p.right.isFormat() {
		p.now.apply(p.right)
	}
	p.left, p.right = p.right, p.right.right
}

// insertItem makes an item at the cursor, which then is behind it.
func (tx *transaction) insertItem(p *cursor, k blocks.Kind, content []byte, n uint64) {
	p.right = tx.newItem(p.t, p.left, p.right, k, content, n)
	p.forward()
}

// newItem makes an item of the Doc's own between two neighbours in a list.
func (tx *transaction) newItem(t *sharedType, left, right *item, k blocks.Kind, content []byte, n uint64) *item {
	c := tx.doc.ownClient()
	it := tx.doc.slab.item(slabItems)
	*it = item{clock: c.end, len: n, right: right, kind: k}
	tx.doc.storeContent(it, c, t, content)
	var before, behind blocks.ID
	if left != nil {
		it.flags |= hasOrigin
		before = left.lastID()
	}
	if right != nil {
		it.flags |= hasRight
		behind = right.id()
	}
	it.setRefs(before, behind)
	if k == blocks.KindType {
		it.ensureExtra().typ = readType(tx.doc, content)
	}
	tx.integrate(it, left)
	return it
}

// insertFormat makes a format at the cursor.
func (tx *transaction) insertFormat(p *cursor, key string, value []byte) {
	p.right = tx.newItem(p.t, p.left, p.right, blocks.KindFormat, formatContent(key, value), 1)
	p.right.ensureExtra().value = value
	p.forward()
}

func formatContent(key string, value []byte) []byte {
	content := make([]byte, 0, len(key)+len(value)+4)
	return lib0.AppendBytes(lib0.AppendString(content, key), value)
}

// minimize goes past formats that hold already.
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

// begin makes formats at the cursor where what holds isn't what is wanted, and
// gives what must be there again behind the text that gets them.
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

// end makes formats at the cursor that end what begin began, where there are none.
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

// insertText makes an item at the cursor that has exactly the wanted formats.
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

// formatText formats n positions from the cursor on, which the text has, or all
// but more of them, which become line ends.
func (tx *transaction) formatText(p *cursor, n uint64, want attrs) {
	p.skipRedundant(want)
	negated := tx.openFormats(p, want)
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

// deleteText deletes n positions from the cursor on, or what is left of the text.
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

// inText tells whether the item is of a kind that texts are made of.
func (it *item) inText() bool {
	return it.kind == blocks.KindString || it.kind == blocks.KindEmbed || it.kind == blocks.KindType
}
