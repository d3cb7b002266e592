package yjs

import (
	"fmt"
	"strings"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// edit runs f in the open transaction, or in one of its own, unless the type is
// deleted.
func (t *sharedType) edit(f func(*transaction)) error {
	if t.isDeleted() {
		return ErrDeleted
	}
	return t.doc.edit(func(tx *transaction) error {
		f(tx)
		return nil
	})
}

// within tells whether n elements from at on are in the list: nil or ErrRange.
func (t *sharedType) checkRange(at, n int) error {
	if at < 0 || n < 0 || uint64(at) > t.len || uint64(n) > t.len-uint64(at) {
		return fmt.Errorf("%w: %d from %d on, of %d", ErrRange, n, at, t.len)
	}
	return nil
}

// content is a value as blocks hold it.
type content struct {
	kind  blocks.Kind
	bytes []byte
}

// contentOf gives a value as an element of an array, or as the value of a key.
func contentOf(v Value) (content, error) {
	switch v.kind {
	case ValueKindBytes:
		return content{blocks.KindBinary, lib0.AppendString(nil, v.str)}, nil
	case ValueKindType:
		return newTypeContent(v)
	case ValueKindSubdocument:
		if !encodable(Value{kind: ValueKindObject, object: v.object}, lib0.MaxDepth) {
			return content{}, fmt.Errorf("%w: options of a subdocument", ErrValue)
		}
		for _, m := range v.object {
			if m.Key == "guid" || m.Key == "gcFilter" {
				return content{}, fmt.Errorf("%w: a subdocument with the option %s", ErrValue, m.Key)
			}
		}
		return content{blocks.KindDoc, appendAnyObject(lib0.AppendString(nil, v.str), v.object)}, nil
	}
	if !encodable(v, lib0.MaxDepth) {
		return content{}, fmt.Errorf("%w: a type or a document inside of a plain value, or one nested too deep", ErrValue)
	}
	return content{blocks.KindAny, appendAny(nil, v)}, nil
}

// newTypeContent gives a type that is still to be made.
func newTypeContent(v Value) (content, error) {
	k := Kind(v.num)
	if v.typ != nil {
		return content{}, fmt.Errorf("%w: a type that is in a document already", ErrValue)
	}
	if k == KindUnknown || int(k) >= len(kindNames) {
		return content{}, fmt.Errorf("%w: a type of %s", ErrValue, k)
	}
	return content{blocks.KindType, typeContent(k, v.str)}, nil
}

// contentsOf gives values as elements of an array, plain ones that follow one
// another as one block.
func contentsOf(values []Value) (contents []content, lens []uint64, err error) {
	for _, v := range values {
		c, err := contentOf(v)
		if err != nil {
			return nil, nil, err
		}
		if n := len(contents); n > 0 && c.kind == blocks.KindAny && contents[n-1].kind == blocks.KindAny {
			contents[n-1].bytes = append(contents[n-1].bytes, c.bytes...)
			lens[n-1]++
			continue
		}
		contents, lens = append(contents, c), append(lens, 1)
	}
	return contents, lens, nil
}

// insertAt puts values in the list.
func (t *sharedType) insertAt(at int, values []Value) error {
	if err := t.checkRange(at, 0); err != nil {
		return err
	}
	contents, lens, err := contentsOf(values)
	if err != nil {
		return err
	}
	return t.edit(func(tx *transaction) { tx.insertAfter(t, tx.itemBefore(t, uint64(at)), contents, lens) })
}

func (tx *transaction) insertAfter(t *sharedType, left *item, contents []content, lens []uint64) {
	right := t.first
	if left != nil {
		right = left.right
	}
	for i, c := range contents {
		left = tx.newItem(t, left, right, c.kind, c.bytes, lens[i])
		left = tx.doc.endingAt(blocks.ID{Client: left.client().id, Clock: left.client().end - 1})
	}
}

// push puts values at the end of the list, behind what is deleted there.
func (t *sharedType) push(values []Value) error {
	contents, lens, err := contentsOf(values)
	if err != nil {
		return err
	}
	return t.edit(func(tx *transaction) { tx.insertAfter(t, t.last, contents, lens) })
}

// deleteAt deletes elements of the list.
func (t *sharedType) deleteAt(at, n int) error {
	if err := t.checkRange(at, n); err != nil {
		return err
	}
	return t.edit(func(tx *transaction) {
		it := t.first
		if left := tx.itemBefore(t, uint64(at)); left != nil {
			it = left.right
		}
		for left := uint64(n); left > 0; it = it.right {
			if !it.visible() {
				continue
			}
			if left < it.len {
				tx.doc.split(it, left)
			}
			left -= it.len
			tx.delete(it)
		}
	})
}

// set sets the value of a key.
func (t *sharedType) set(key string, v Value) error {
	c, err := contentOf(v)
	if err != nil {
		return err
	}
	key = strings.ToValidUTF8(key, replacement)
	return t.edit(func(tx *transaction) {
		own := tx.doc.ownClient()
		it := tx.doc.slab.item(slabItems)
		*it = item{clock: own.end, len: 1, kind: c.kind, extra: &extra{key: key}, flags: hasKey}
		tx.doc.storeContent(it, own, t, c.bytes)
		var left *item
		if e := t.entry(key); e != nil {
			left = e.last
			it.flags |= hasOrigin
			it.setRefs(left.lastID(), blocks.ID{})
		}
		if c.kind == blocks.KindType {
			it.extra.typ = readType(tx.doc, c.bytes)
		}
		tx.integrate(it, left)
	})
}

// removeKey deletes the value of a key, if it has one.
func (t *sharedType) removeKey(key string) error {
	if t.isDeleted() {
		return ErrDeleted
	}
	it := t.value(key)
	if it == nil {
		return nil
	}
	return t.edit(func(tx *transaction) { tx.delete(it) })
}
