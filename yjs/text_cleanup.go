package yjs

import (
	"slices"

	"github.com/yroom/yroom/blocks"
)

// cleanFormats deletes formats that say nothing after a remote transaction, as
// cleanupYTextAfterTransaction of yjs does: where formats came or went in the
// whole of a text, elsewhere next to what was deleted.
func (tx *transaction) cleanFormats() {
	if !slices.ContainsFunc(tx.texts, func(t *sharedType) bool { return t.formatted && !t.isDeleted() }) {
		return
	}
	whole := make(map[*sharedType]bool)
	var order []*sharedType
	full := func(t *sharedType) {
		if !whole[t] {
			whole[t] = true
			order = append(order, t)
		}
	}
	for _, c := range tx.touched {
		c.items.from(c.endBefore, func(it *item) bool {
			if it.isFormat() {
				full(it.parent())
			}
			return true
		})
	}
	torn := make(map[*sharedType]bool) // texts that aren't indexed, in which something was deleted
	clean := tx.doc.visits             // what was visited since was deleted in one of these, or is part of a gap that is clean
	for _, x := range slices.Clone(tx.deleted) {
		for clock := x.From; clock < x.To; {
			it := x.client.items.find(clock)
			clock = it.end()
			switch t := it.parent(); {
			case t == nil || !t.formatted || whole[t]:
			case it.kind == blocks.KindFormat:
				full(t)
			case it.is(hasKey): // a key has no more than one format that isn't deleted
			case it.visit() > clean:
			case t.indexed:
				tx.cleanGap(it.gap())
			default:
				torn[t] = true
				tx.doc.visits++
				it.ensureExtra().visit = tx.doc.visits
			}
		}
	}
	for t := range torn {
		if !whole[t] {
			tx.cleanGaps(t, clean)
		}
	}
	for _, t := range order {
		tx.cleanText(t)
	}
}

// cleanGaps cleans the gaps of a text that have an item in them that was visited after
// clean.
func (tx *transaction) cleanGaps(t *sharedType, clean uint64) {
	gap := t.first
	dirty := false
	for it := t.first; it != nil; it = it.right {
		if it.visible() {
			if dirty {
				tx.cleanGap(gap)
			}
			gap, dirty = it.right, false
		} else {
			dirty = dirty || it.visit() > clean
		}
	}
	if dirty {
		tx.cleanGap(gap)
	}
}

// cleanGap deletes each format of a gap, of which first is the first item, that another
// one overrides before text follows.
func (tx *transaction) cleanGap(first *item) {
	var gap []*item
	for x := first; x != nil && !x.visible(); x = x.right {
		gap = append(gap, x)
	}
	var keys attrs
	for _, it := range slices.Backward(gap) {
		tx.doc.visits++
		it.ensureExtra().visit = tx.doc.visits
		if !it.isFormat() {
			continue
		}
		if key, _ := it.format(); keys.has(key) {
			tx.delete(it)
		} else {
			keys.set(key, null)
		}
	}
}

// gap gives the first of the items around a deleted one, in a text that is indexed,
// that aren't visible.
func (it *item) gap() *item {
	t := it.parent()
	at := t.positionOf(it)
	if at == 0 {
		return t.first
	}
	before, _ := t.at(at - 1)
	return before.right
}

// cleanText is cleanupYTextFormatting of yjs.
func (tx *transaction) cleanText(t *sharedType) {
	var now attrs
	changed := make(map[string][]byte) // since start, with what held there
	before := func(key string) []byte {
		if value, ok := changed[key]; ok {
			return value
		}
		return now.get(key)
	}
	start := t.first
	for it := t.first; it != nil; it = it.right {
		switch {
		case it.deleted():
		case it.kind == blocks.KindFormat:
			key, _ := it.format()
			changed[key] = before(key)
			now.apply(it)
		default:
			tx.cleanFrom(start, it, before, &now)
			changed = make(map[string][]byte)
			start = it
		}
	}
}

// cleanFrom is cleanupFormattingGap of yjs: it deletes the formats between start,
// where before tells what holds, and the text that follows which are overridden or hold
// already. now is what holds at curr, and is kept right.
func (tx *transaction) cleanFrom(start, curr *item, before func(key string) []byte, now *attrs) {
	if start.visible() {
		return
	}
	end := start
	last := make(map[string]*item)
	for ; end != nil && !end.visible(); end = end.right {
		if end.isFormat() {
			key, _ := end.format()
			last[key] = end
		}
	}
	reached := false
	for it := start; it != end; it = it.right {
		reached = reached || it == curr
		if !it.isFormat() {
			continue
		}
		key, value := it.format()
		was := before(key)
		if last[key] != it || same(was, value) {
			tx.delete(it)
			if !reached && same(now.get(key), value) && !same(was, value) {
				if isNull(was) {
					now.remove(key)
				} else {
					now.set(key, was)
				}
			}
		}
		if !reached && !it.deleted() {
			now.apply(it)
		}
	}
}

// same is === of JavaScript on two values of attributes.
func same(a, b []byte) bool {
	if len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] {
		return true
	}
	return strictEqual(parseJSON(a), parseJSON(b))
}
