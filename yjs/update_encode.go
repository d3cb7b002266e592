package yjs

import (
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// Encode returns the whole document as an update, pending blocks included. It panics if
// enc is not an encoding. The caller owns the result.
func (d *Doc) Encode(enc Encoding) []byte {
	out, err := d.Diff([]byte{0}, enc)
	if err != nil {
		panic(err)
	}
	return out
}

// Diff returns an update with what a document with the given state vector lacks: the
// blocks after it, pending blocks and all deletions. The error is blocks.ErrMalformed
// or blocks.ErrEncoding. stateVector is borrowed; the caller owns the result.
func (d *Doc) Diff(stateVector []byte, enc Encoding) ([]byte, error) {
	has := make(map[uint64]uint64)
	err := blocks.ParseStateVector(stateVector, func(client, clock uint64) { has[client] = clock })
	if err != nil {
		return nil, err
	}
	w := writer{}
	for _, c := range d.inOrder() {
		w.section(c, has[c.id], true)
	}
	var deletions []deletion
	for _, c := range d.inOrder() {
		deletions = c.appendDeleted(deletions)
	}
	return blocks.Convert(blocks.V1, enc, w.update(deletions))
}

// encode returns the changes of the transaction as an update, or nil if there are none.
func (tx *transaction) encode() []byte {
	w := writer{}
	slices.SortFunc(tx.touched, descending)
	for _, c := range tx.touched {
		from := c.endBefore
		for _, x := range c.filled {
			from = min(from, x.From)
		}
		w.section(c, from, false)
	}
	if w.sections == 0 && len(tx.deleted) == 0 {
		return nil
	}
	return w.update(tx.deleted)
}

// appendDeleted appends the deletions of a client.
func (c *client) appendDeleted(all []deletion) []deletion {
	first := len(all)
	add := func(x clocks.Span) {
		if n := len(all); n > first && all[n-1].To == x.From {
			all[n-1].To = x.To
			return
		}
		all = append(all, deletion{c, x})
	}
	pending := c.pendingDeletions
	c.items.from(0, func(it *item) bool {
		if it.deleted() {
			for ; len(pending) > 0 && pending[0].From < it.clock; pending = pending[1:] {
				add(pending[0])
			}
			add(clocks.Span{From: it.clock, To: it.end()})
		}
		return true
	})
	for _, x := range pending {
		add(x)
	}
	return all
}

// writer writes an update in V1.
type writer struct {
	sections uint64
	out      []byte       // the finished sections
	blocks   []byte       // of the current section
	last     *item        // the last item of the current block, or nil
	block    blocks.Block // the current block
	content  []byte       // of the current block
	name     []byte       // scratch for the root's name of the current block
	key      []byte       // scratch for the key of the current block
}

// section writes the elements of a client from clock on, and its pending items if
// withPending is set.
func (w *writer) section(c *client, clock uint64, withPending bool) {
	w.blocks = w.blocks[:0]
	var pending []*item
	if withPending {
		pending = c.pending
	}
	n, start := uint64(0), clock
	add := func(it *item) {
		if it.end() <= clock {
			return
		}
		if n == 0 && w.last == nil {
			start = max(clock, it.clock)
			clock = start
		}
		if it.clock > clock {
			n += w.flush()
			w.block = blocks.Block{Kind: blocks.KindSkip, Len: it.clock - clock}
			w.blocks = w.block.AppendTo(w.blocks)
			n++
		}
		n += w.item(it, clock)
		clock = it.end()
	}
	held := func(before uint64) {
		for ; len(pending) > 0 && pending[0].clock < before; pending = pending[1:] {
			n += w.flush()
			add(pending[0])
			n += w.flush()
		}
	}
	if clock < c.end {
		c.items.from(clock, func(it *item) bool {
			held(it.clock)
			add(it)
			return true
		})
	}
	held(lib0.MaxInt + 1)
	if n += w.flush(); n == 0 {
		return
	}
	w.sections++
	w.out = lib0.AppendUint(lib0.AppendUint(lib0.AppendUint(w.out, n), c.id), start)
	w.out = append(w.out, w.blocks...)
}

// update returns the sections and the given deletions as an update.
func (w *writer) update(deletions []deletion) []byte {
	out := lib0.AppendUint(make([]byte, 0, len(w.out)+16*len(deletions)+16), w.sections)
	out = append(out, w.out...)
	clients := uint64(0)
	for i := range deletions {
		if i == 0 || deletions[i].client != deletions[i-1].client {
			clients++
		}
	}
	out = lib0.AppendUint(out, clients)
	for len(deletions) > 0 {
		n := 1
		for n < len(deletions) && deletions[n].client == deletions[0].client {
			n++
		}
		out = lib0.AppendUint(lib0.AppendUint(out, deletions[0].client.id), uint64(n))
		for _, x := range deletions[:n] {
			out = lib0.AppendUint(lib0.AppendUint(out, x.From), x.To-x.From)
		}
		deletions = deletions[n:]
	}
	return out
}

// item writes the part of an item from clock on. It joins the item with the current
// block if the item continues it. It returns the number of blocks that it finished: 0
// or 1.
func (w *writer) item(it *item, clock uint64) (n uint64) {
	if w.last != nil && !w.last.differs(it) && w.last.continues(it) {
		w.content = append(w.content, it.content()...)
		w.block.Len += it.len
		w.last = it
		return 0
	}
	n = w.flush()
	w.last = it
	b := &w.block
	*b = blocks.Block{
		Kind: it.kind, Len: it.len, Origin: it.origin(), Right: it.rightOrigin(),
		HasOrigin: it.is(hasOrigin), HasRight: it.is(hasRight), HasKey: it.is(hasKey),
	}
	w.content = append(w.content[:0], it.content()...)
	if it.clock < clock {
		w.cut(it, clock-it.clock)
	}
	if it.kind == blocks.KindGC || b.HasOrigin || b.HasRight {
		return n
	}
	switch {
	case it.is(inType):
		b.InType, b.Parent = true, it.origin()
	case it.parent().item != nil:
		b.InType, b.Parent = true, it.parent().id()
	default:
		w.name = append(w.name[:0], it.parent().name...)
		b.Root = w.name
	}
	w.key = append(w.key[:0], it.key()...)
	b.Key = w.key
	return n
}

// cut removes the first n elements of the current block.
func (w *writer) cut(it *item, n uint64) {
	w.block.Len -= n
	switch it.kind {
	case blocks.KindGC:
		return
	case blocks.KindString:
		_, w.content, _ = lib0.SplitUTF16(w.content, n, n+w.block.Len, true)
	case blocks.KindAny, blocks.KindJSON:
		w.content = w.content[skip(it.kind, w.content, n):]
	}
	w.block.HasOrigin = true
	w.block.Origin = blocks.ID{Client: it.client().id, Clock: it.clock + n - 1}
}

// flush writes the current block and returns the number of blocks written: 0 or 1.
func (w *writer) flush() uint64 {
	if w.last == nil {
		return 0
	}
	w.last = nil
	w.block.Content = w.content
	w.blocks = w.block.AppendTo(w.blocks)
	return 1
}
