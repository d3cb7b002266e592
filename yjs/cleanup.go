package yjs

import (
	"slices"

	"github.com/yroom/yroom/blocks"
)

// cleanFormats deletes formats that say nothing after a remote transaction, as
// cleanupYTextAfterTransaction of yjs does: where formats came or went in the
// whole of a text, elsewhere next to what was deleted.
func (tx *transaction) cleanFormats() {
	if !slices.ContainsFunc(tx.texts, func(t *typ) bool { return t.formatted && !t.gone() }) {
		return
	}
	whole := make(map[*typ]bool)
	var order []*typ
	full := func(t *typ) {
		if !whole[t] {
			whole[t] = true
			order = append(order, t)
		}
	}
	for _, c := range tx.touched {
		c.items.from(c.before, func(it *item) bool {
			if it.isFormat() {
				full(it.parent())
			}
			return true
		})
	}
	gaps := tx.doc.visits // what was visited since is part of a gap that is clean
	for _, x := range slices.Clone(tx.deleted) {
		for clock := x.from; clock < x.to; {
			it := x.client.items.find(clock)
			clock = it.end()
			switch {
			case it.parent() == nil || !it.parent().formatted || whole[it.parent()]:
			case it.kind == blocks.KindFormat:
				full(it.parent())
			case it.visit() <= gaps:
				tx.cleanGap(it)
			}
		}
	}
	for _, t := range order {
		tx.cleanText(t)
	}
}

// cleanGap deletes each format around a deleted item that another one overrides
// before text follows.
func (tx *transaction) cleanGap(it *item) {
	var gap []*item
	for x := it.gap(); x != nil && !x.visible(); x = x.right {
		gap = append(gap, x)
	}
	var keys attrs
	for _, it := range slices.Backward(gap) {
		tx.doc.visits++
		it.more().visit = tx.doc.visits
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

// fewItems is how many are looked through before an index is made.
const fewItems = 64

// gap gives the first of the items around a deleted one that aren't visible.
func (it *item) gap() *item {
	t := it.parent()
	if it.is(hasKey) {
		return t.entry(it.key()).first // only the last one may be visible
	}
	first := t.first
	for x, n := t.first, 0; n < fewItems; x, n = x.right, n+1 {
		if x == it {
			return first
		}
		if x.visible() {
			first = x.right
		}
	}
	at := t.positionOf(it)
	if at == 0 {
		return t.first
	}
	before, _ := t.at(at - 1)
	return before.right
}

// cleanText is cleanupYTextFormatting of yjs.
func (tx *transaction) cleanText(t *typ) {
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
