package yjs

import (
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
)

// cleanFormats deletes redundant formats after a remote transaction, as
// cleanupYTextAfterTransaction of yjs does: in the whole text if the transaction added
// or deleted formats of it, and otherwise only next to deleted elements.
func (tx *transaction) cleanFormats() {
	if !slices.ContainsFunc(tx.texts, func(t *sharedType) bool { return t.formatted && !t.isDeleted() }) {
		return
	}
	isWhole := make(map[*sharedType]bool)
	var wholeTexts []*sharedType
	cleanWhole := func(t *sharedType) {
		if !isWhole[t] {
			isWhole[t] = true
			wholeTexts = append(wholeTexts, t)
		}
	}
	for _, c := range tx.touched {
		for _, x := range append(c.filled, clocks.Span{From: c.endBefore, To: c.end}) {
			c.items.from(x.From, func(it *item) bool {
				if it.isFormat() && it.clock >= x.From {
					cleanWhole(it.parent())
				}
				return it.end() < x.To
			})
		}
	}
	withGaps := make(map[*sharedType]bool) // texts that are not indexed, with deleted elements
	// Items visited after clean were deleted in one of withGaps, or are in a clean gap.
	clean := tx.doc.visits
	for _, x := range slices.Clone(tx.deleted) {
		for clock := x.From; clock < x.To; {
			it := x.client.items.find(clock)
			clock = it.end()
			switch t := it.parent(); {
			case t == nil || !t.formatted || isWhole[t]:
			case it.kind == blocks.KindFormat:
				cleanWhole(t)
			case it.is(hasKey): // a key has at most one format that is not deleted
			case it.visit() > clean:
			case t.indexed:
				tx.cleanGap(it.gap())
			default:
				withGaps[t] = true
				tx.doc.visits++
				it.ensureExtra().visit = tx.doc.visits
			}
		}
	}
	for t := range withGaps {
		if !isWhole[t] {
			tx.cleanGaps(t, clean)
		}
	}
	for _, t := range wholeTexts {
		tx.cleanText(t)
	}
}

// cleanGaps cleans the gaps of a text that contain an item visited after clean. A gap
// is a sequence of items that are not visible.
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

// cleanGap deletes each format of a gap that a later format of the gap overrides. first
// is the first item of the gap.
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

// gap returns the first item of the gap that contains a deleted item. The text must be
// indexed.
func (it *item) gap() *item {
	t := it.parent()
	at := t.positionOf(it)
	if at == 0 {
		return t.first
	}
	before, _ := t.at(at - 1)
	return before.right
}

// cleanText deletes the redundant formats of a text, as cleanupYTextFormatting of yjs
// does.
func (tx *transaction) cleanText(t *sharedType) {
	var now attrs
	changed := make(map[string][]byte) // the keys of formats since start, with the values in effect before
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

// cleanFrom deletes formats between start and the text that follows which are
// overridden or have no effect, as cleanupFormattingGap of yjs does. before returns the
// formats in effect at start. now are the formats in effect at curr, which cleanFrom
// keeps up to date.
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

// same is === of JavaScript on two attribute values.
func same(a, b []byte) bool {
	if len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] {
		return true
	}
	return strictEqual(parseJSON(a), parseJSON(b))
}
