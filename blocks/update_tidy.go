package blocks

import (
	"errors"
	"math"
	"sort"

	"github.com/yroom/yroom/internal/lib0"
)

// Some programs write what has no effect. yrs, and so pycrdt and ywasm, cuts a block of
// text in two when it is given an index inside a character: one part has the character,
// the other has no elements, and the clock of the client's next block. yjs reads most of
// that, but each version throws in some cases: when it looks for an element beside such a
// block, when it encodes the document, or when it encodes a deletion of no elements in V2.
// So updates that have such parts are accepted, and clients never receive these parts:
// neither a Store nor an update that is returned has any.

// These errors, errEmpty and errFuture are the reasons to tidy an update.
var (
	errNothing = errors.New("a deletion of no elements")
	errRest    = errors.New("bytes after its end")
)

// isUntidy reports whether an update was refused for something that tidied may remove.
func isUntidy(err error) bool {
	return err != nil && (errors.Is(err, errEmpty) || errors.Is(err, errFuture) || errors.Is(err, errNothing) || errors.Is(err, errRest))
}

// tidied returns a copy of an update in V1 without blocks of no elements, deletions of no
// elements and bytes after its end. s, which may be nil, is the document to which it will
// be applied. The result is not checked.
//
// Bytes after the end are refused if there are no blocks before them: read as V1, most
// updates in V2 are like that. A block of no elements is refused if it is the value of a map
// key, because that would delete the value before it.
//
// A block whose right origin is its own first element was inserted between a character,
// its origin, and a block of no elements that was cut off that character. Both have the
// same right origin, which therefore becomes that of the inserted block. The inserted block
// is refused if the character is neither in the update nor in s.
//
// Blocks that begin at the keys of mended get the right origins that mended has for them,
// and so do the blocks that follow them and have the same right origin: plan.mend has found
// that it can't have been the neighbour of their origin. There, too, yrs may have named a
// block of no elements, whose clock another block may have by now.
//
// Blocks that begin at the keys of keyed are marked as map entries: plan.mark has found that
// they are, which an update that yjs has merged doesn't say.
func tidied(update []byte, s *Store, mended map[id]id, keyed map[id]bool) ([]byte, error) {
	r := lib0.NewReader(update)
	t := tidier{store: s, mended: mended, keyed: keyed}
	sections, out := uint64(0), make([]byte, 0, len(update))
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		count, client, clock := r.Uint(), r.Uint(), r.Uint()
		kept := t.section(&r, count, client, clock)
		if err := r.Err(); err != nil {
			return nil, malformed("update: block %d of client %d: %w", t.clock, client, err)
		}
		if kept > 0 {
			sections++
			out = lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(out, kept), client), clock)
			out = append(out, t.out...)
		}
	}
	out = append(lib0.AppendUint(make([]byte, 0, len(out)+16), sections), out...)
	out = appendTidiedDeletions(out, &r)
	if err := r.Err(); err != nil {
		return nil, malformed("update: %w", err)
	}
	if sections == 0 && r.Len() > 0 {
		return nil, malformed("update: %d %w, and no blocks: it may be in V2", r.Len(), errRest)
	}
	return out, nil
}

// tidier tidies one section after the other.
type tidier struct {
	store  *Store
	mended map[id]id
	keyed  map[id]bool
	out    []byte       // the blocks that are kept of the section
	clock  uint64       // of the section's next block
	rights []rightUntil // the right origins of the elements so far
}

// rightUntil is the right origin of elements of a section up to a clock, which is not
// included: noID if they have none. In a gap, inGap is set.
type rightUntil struct {
	end   uint64
	right id
	inGap bool
}

// section reads a section into t.out, and returns how many of its blocks are kept. The error
// is r's.
func (t *tidier) section(r *lib0.Reader, count, client, clock uint64) (kept uint64) {
	t.out, t.clock, t.rights = t.out[:0], clock, append(t.rights[:0], rightUntil{end: clock, inGap: true})
	var b block
	before, was, is := uint64(0), noID, noID // the end of the last mended block, and its right origin before and after
	for ; count > 0; count-- {
		b.readParts(r, client, math.MaxUint64) // what it refers to is checked later
		if b.clock = t.clock; b.len > lib0.MaxInt-t.clock {
			r.Fail(lib0.ErrRange)
		}
		own := id{client, t.clock}
		switch {
		case b.len == 0 && b.flags&hasKey != 0:
			r.Fail(errEmpty)
		case b.len > 0 && b.kind != kindSkip && b.rightOrNone() == own && !t.mend(&b):
			r.Fail(errFuture)
		}
		if r.Err() != nil {
			return kept
		}
		if right, mended := t.mended[own]; mended {
			before, was, is = b.end(), b.rightOrNone(), right
			b.setRight(right)
		} else if before == b.clock && was == b.rightOrNone() && b.originOrNone() == (id{client, b.clock - 1}) {
			before = b.end()
			b.setRight(is)
		}
		if t.keyed[own] {
			b.setKeyed()
		}
		if b.len > 0 {
			t.keep(&b)
			kept++
		}
	}
	return kept
}

// keep appends a block to the section, and notes its right origin.
func (t *tidier) keep(b *block) {
	if b.kind == kindSkip && b.wire == nil {
		t.out = lib0.AppendUint(append(t.out, byte(kindSkip)), b.len)
	} else {
		t.out, _ = b.appendTo(t.out)
	}
	t.clock = b.end()
	next := rightUntil{end: t.clock, right: b.rightOrNone(), inGap: b.kind == kindSkip}
	if last := &t.rights[len(t.rights)-1]; last.right == next.right && last.inGap == next.inGap {
		last.end = next.end
		return
	}
	t.rights = append(t.rights, next)
}

// mend replaces the right origin of b by the one that b's origin has. It reports false if
// that is not known.
func (t *tidier) mend(b *block) bool {
	if b.flags&hasOrigin == 0 || b.origin.client != b.client || b.origin.clock >= b.clock {
		return false
	}
	right, known := t.rightOf(b.origin)
	if !known {
		return false
	}
	b.setRight(right)
	return true
}

// rightOf returns the right origin of an element of the section's client, and reports
// whether it is known.
func (t *tidier) rightOf(x id) (right id, known bool) {
	i := sort.Search(len(t.rights), func(i int) bool { return t.rights[i].end > x.clock })
	if i < len(t.rights) && !t.rights[i].inGap {
		return t.rights[i].right, true
	}
	if t.store == nil {
		return noID, false
	}
	return t.store.rightOf(x)
}

// rightOf returns the right origin of an element, and reports whether the document has
// the element.
func (s *Store) rightOf(x id) (right id, known bool) {
	c := s.find(x.client)
	if c == nil {
		return noID, false
	}
	r := &c.blocks
	if x.clock >= r.end {
		i := sort.Search(len(c.pending), func(i int) bool { return c.pending[i].end > x.clock })
		if i == len(c.pending) || x.clock < c.pending[i].start() {
			return noID, false
		}
		r = c.pending[i]
	}
	var b block
	r.read(x, &b)
	return b.rightOrNone(), true
}

// appendTidiedDeletions reads a delete set and appends it, without spans of no elements.
func appendTidiedDeletions(dst []byte, r *lib0.Reader) []byte {
	clients, sets := uint64(0), []byte(nil)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		client, kept, spans := r.Uint(), uint64(0), []byte(nil)
		for count := r.Uint(); count > 0 && r.Err() == nil; count-- {
			if clock, length := r.Uint(), r.Uint(); length > 0 {
				kept++
				spans = lib0.AppendUint(lib0.AppendUint(spans, clock), length)
			}
		}
		if kept > 0 {
			clients++
			sets = append(lib0.AppendUint(lib0.AppendUint(sets, client), kept), spans...)
		}
	}
	return append(lib0.AppendUint(dst, clients), sets...)
}
