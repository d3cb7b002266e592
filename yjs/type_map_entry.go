package yjs

import (
	"iter"
	"strings"

	"github.com/yroom/yroom/blocks"
)

// entry is the list of all items that a key has had. The last item is the value of the
// key; deleteLoser deletes the others.
type entry struct {
	key         string
	first, last *item
	count       uint64 // of the items that were integrated
}

// entry returns the entry of a key, or nil.
func (t *sharedType) entry(key string) *entry { return t.entries[key] }

// value returns the item that is the value of a key, or nil if the key has no value.
func (t *sharedType) value(key string) *item {
	if e := t.entries[key]; e != nil && !e.last.deleted() {
		return e.last
	}
	return nil
}

// entryFor returns the entry of a key. It adds an empty one if there is none.
func (t *sharedType) entryFor(key string) *entry {
	if e := t.entries[key]; e != nil {
		return e
	}
	e := &entry{key: key}
	if t.entries == nil {
		t.entries = make(map[string]*entry)
	}
	t.entries[key] = e
	t.entryOrder = append(t.entryOrder, e)
	return e
}

// keys returns the number of keys that have a value.
func (t *sharedType) keys() int {
	n := 0
	for _, e := range t.entryOrder {
		if !e.last.deleted() {
			n++
		}
	}
	return n
}

// get returns the value of a key.
func (t *sharedType) get(key string) (Value, bool) {
	it := t.value(key)
	if it == nil {
		return Value{}, false
	}
	return it.element(it.len - 1), true
}

// all iterates over the keys that have a value.
func (t *sharedType) all() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, e := range t.entryOrder {
			if !e.last.deleted() && !yield(e.key, e.last.element(e.last.len-1)) {
				return
			}
		}
	}
}

// hasKeys reports whether any key has a value.
func (t *sharedType) hasKeys() bool {
	for _, e := range t.entryOrder {
		if !e.last.deleted() {
			return true
		}
	}
	return false
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
		*it = item{clock: own.end, len: 1, kind: c.kind, flags: hasKey}
		tx.doc.storeContent(it, own, t, c.bytes)
		it.ensureExtra().key = key
		var left *item
		if e := t.entry(key); e != nil {
			left = e.last
			it.flags |= hasOrigin
			it.setRefs(left.lastID(), blocks.ID{})
		}
		if c.kind == blocks.KindType {
			it.extra().typ = readType(tx.doc, c.bytes)
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

// deleteLoser is called when an item of a key was integrated after left: it deletes
// the one of the two that is not the last item of the entry.
func (tx *transaction) deleteLoser(it, left *item) {
	switch {
	case it.right != nil:
		tx.delete(it)
	case left != nil:
		tx.delete(left)
	}
}
