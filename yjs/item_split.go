package yjs

import (
	"unicode/utf8"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// pieceBytes is the greatest size of the content of an item that must be read to be
// split. Items are joined only up to this size.
const pieceBytes = 4096

// split splits an integrated item before its element n, with 0 < n < len, and returns
// the right part.
func (d *Doc) split(it *item, n uint64) *item {
	return d.splitAt(it, n, -1)
}

// splitAt is split for an element n that is known to begin at byte at of the content,
// unless at is -1.
func (d *Doc) splitAt(it *item, n uint64, at int) *item {
	right := d.cutItem(it, n, at)
	if it.is(hasKey) {
		right.ensureExtra().key = it.key()
	}
	right.right, it.right = it.right, right
	t := it.parent()
	if it.is(hasKey) {
		if e := t.entry(it.key()); e.last == it {
			e.last = right
		}
	} else {
		if t.last == it {
			t.last = right
		}
		if t.indexed {
			t.update(it)
			t.insert(right, it)
		}
	}
	it.client().items.insert(right)
	return right
}

// cutItem splits an item before its element n without touching lists, and returns the
// right part, which has the same right origin. at is the byte of the content at which
// element n begins, or -1 if it is not known.
func (d *Doc) cutItem(it *item, n uint64, at int) *item {
	right := d.slab.item(slabItems)
	*right = item{
		common: it.common.shareable(), clock: it.clock + n, len: it.len - n,
		kind: it.kind, flags: it.flags,
	}
	it.len = n
	if it.kind != blocks.KindGC {
		right.flags = it.flags&^inType | hasOrigin
		right.setRefs(it.lastID(), it.rightOrigin())
	}
	switch {
	case at >= 0:
		it.cutContent(right, at)
	case it.kind == blocks.KindString:
		if l, r, _ := lib0.SplitUTF16(it.content(), n, n+right.len, false); len(l)+len(r) == len(it.content()) {
			it.cutContent(right, len(l))
		} else { // a surrogate pair was split
			it.setContent(l)
			right.setContent(r)
		}
	case it.kind == blocks.KindAny || it.kind == blocks.KindJSON:
		it.cutContent(right, skip(it.kind, it.content(), n))
	}
	return right
}

// skip returns the byte at which element n of a content begins.
func skip(k blocks.Kind, content []byte, n uint64) int {
	r := lib0.Reread(content)
	for ; n > 0; n-- {
		if k == blocks.KindAny {
			r.Any()
		} else {
			r.Text()
		}
	}
	return r.Offset()
}

const replacement = string(utf8.RuneError)

// divide splits an item that was just integrated into pieces of at most pieceBytes
// bytes. It bounds the cost of later splits, which have to read the content from its
// start.
func (d *Doc) divide(it *item) {
	if len(it.content()) <= pieceBytes {
		return
	}
	switch it.kind {
	case blocks.KindString:
		for uint64(len(it.content())) > it.len && len(it.content()) > pieceBytes {
			at := pieceBytes
			for !utf8.RuneStart(it.content()[at]) {
				at--
			}
			it = d.splitAt(it, lib0.UTF16Len(it.content()[:at]), at)
		}
	case blocks.KindAny, blocks.KindJSON:
		for len(it.content()) > pieceBytes && it.len > 1 {
			n, at := uint64(0), 0
			for r := lib0.Reread(it.content()); at < pieceBytes && n+1 < it.len; n++ {
				if it.kind == blocks.KindAny {
					r.Any()
				} else {
					r.Text()
				}
				at = r.Offset()
			}
			if n == 0 {
				return
			}
			it = d.splitAt(it, n, at)
		}
	}
}
