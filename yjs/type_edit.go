package yjs

import (
	"fmt"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// edit runs f in the open transaction, or in a new one if none is open. The error is
// ErrDeleted.
func (t *sharedType) edit(f func(*transaction)) error {
	if t.isDeleted() {
		return ErrDeleted
	}
	return t.doc.edit(func(tx *transaction) error {
		f(tx)
		return nil
	})
}

// checkRange returns ErrRange unless the list has n elements from position at on.
func (t *sharedType) checkRange(at, n int) error {
	if at < 0 || n < 0 || uint64(at) > t.len || uint64(n) > t.len-uint64(at) {
		return fmt.Errorf("%w: %d elements at position %d of %d", ErrRange, n, at, t.len)
	}
	return nil
}

// content is the content of a block.
type content struct {
	kind  blocks.Kind
	bytes []byte
}

// contentOf returns the content of a value in an array or a map.
func contentOf(v Value) (content, error) {
	switch v.kind {
	case ValueKindBytes:
		return content{blocks.KindBinary, lib0.AppendString(nil, v.str)}, nil
	case ValueKindType:
		return newTypeContent(v)
	case ValueKindSubdocument:
		if !encodable(Value{kind: ValueKindObject, object: v.object}, lib0.MaxDepth) {
			return content{}, fmt.Errorf("%w: the options of a subdocument contain a shared type or a subdocument, or are nested too deeply", ErrValue)
		}
		for _, m := range v.object {
			if m.Key == "guid" || m.Key == "gcFilter" {
				return content{}, fmt.Errorf("%w: a subdocument can't have the option %q", ErrValue, m.Key)
			}
		}
		return content{blocks.KindDoc, appendAnyObject(lib0.AppendString(nil, v.str), v.object)}, nil
	}
	if !encodable(v, lib0.MaxDepth) {
		return content{}, fmt.Errorf("%w: %s", ErrValue, notEncodable)
	}
	return content{blocks.KindAny, appendAny(nil, v)}, nil
}

// newTypeContent returns the content of a shared type that is not in a document yet.
func newTypeContent(v Value) (content, error) {
	k := Kind(v.num)
	if v.typ != nil {
		return content{}, fmt.Errorf("%w: the shared type is already in a document", ErrValue)
	}
	if k == KindUnknown || int(k) >= len(kindNames) {
		return content{}, fmt.Errorf("%w: no shared type can be created of kind %s", ErrValue, k)
	}
	return content{blocks.KindType, typeContent(k, v.str)}, nil
}

// contentsOf returns the contents of values in an array, and the number of elements of
// each. Consecutive plain values become one block.
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

// insertAt inserts values before position at.
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

// insertAfter inserts contents after left, or at the start if left is nil.
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

// push appends values to the list, after all deleted items.
func (t *sharedType) push(values []Value) error {
	contents, lens, err := contentsOf(values)
	if err != nil {
		return err
	}
	return t.edit(func(tx *transaction) { tx.insertAfter(t, t.last, contents, lens) })
}

// deleteAt deletes n elements from position at on.
func (t *sharedType) deleteAt(at, n int) error {
	if err := t.checkRange(at, n); err != nil {
		return err
	}
	return t.edit(func(tx *transaction) {
		it := t.first
		if left := tx.itemBefore(t, uint64(at)); left != nil {
			it = left.right
		}
		for rest := uint64(n); rest > 0; it = it.right {
			if !it.visible() {
				continue
			}
			if rest < it.len {
				tx.doc.split(it, rest)
			}
			rest -= it.len
			tx.delete(it)
		}
	})
}
