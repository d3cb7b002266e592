package blocks

import (
	"bytes"
	"cmp"
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/lib0"
)

// section is the blocks of one client in an update.
type section struct {
	client   uint64
	clock    uint64 // of the first block
	end      uint64 // behind the last
	count    uint64 // of blocks, skips included
	elements uint64 // in them, skips apart
	foreign  bool   // some block refers to another client
	wire     []byte // alias of the update
	body     *body  // its blocks, ready to be held, where it begins a client
	resume   place  // where the plan has got to
}

// place is where in a section a block begins.
type place struct {
	off   int    // in its bytes
	nth   uint64 // of its blocks
	clock uint64
}

// contents is what a checked V1 update holds.
type contents struct {
	sections  []section  // those with elements
	deletions []deletion // each client once, in descending order
	spans     []span     // those of the deletions
	tidied    bool       // the update's own delete set isn't like that
	types     int        // how many blocks are types

	room, buried []byte // for a builder
}

// deletion is what an update deletes of a client.
type deletion struct {
	client uint64
	n      int    // of spans
	spans  []span // at least one, in order; but see body
	body   *body  // if it is just what the blocks of this body say: spans are not read
}

// read reads the spans, if they were not yet.
func (d *deletion) read() []span {
	if b := d.body; b != nil {
		d.body, d.spans = nil, make([]span, 0, d.n)
		b.deleted.closed.each(func(x span) { d.spans = append(d.spans, x) })
	}
	return d.spans
}

// read reads and checks a whole V1 update. Where s is to hold it, the blocks of
// clients that s doesn't have are put together on the way.
func (in *contents) read(update []byte, s *Store) error {
	r := lib0.NewReader(update)
	in.sections, in.types = in.sections[:0], 0
	empty := false
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		sec := in.readSection(&r, s)
		if err := r.Err(); err != nil {
			return malformed("update: block %d of client %d: %w", sec.end, sec.client, err)
		}
		empty = empty || sec.elements == 0
	}
	if err := r.Err(); err != nil {
		return malformed("update: %w", err)
	}
	if client, ok := repeated(in.sections); ok {
		return malformed("update: client %d is in it twice", client)
	}
	if empty {
		in.sections = slices.DeleteFunc(in.sections, func(sec section) bool { return sec.elements == 0 })
	}
	return in.readDeletions(&r)
}

// readSection reads and checks the next section. The error is r's.
func (in *contents) readSection(r *lib0.Reader, s *Store) *section {
	in.sections = append(in.sections, section{count: r.Uint(), client: r.Uint(), end: r.Uint()})
	sec := &in.sections[len(in.sections)-1]
	sec.clock, sec.resume.clock = sec.end, sec.end
	off := r.Offset()
	if s != nil && sec.count > 1 && sec.clock == 0 && s.find(sec.client) == nil {
		w := builder{body: new(body), client: sec.client, wire: r.Rest(), room: in.room[:0], buried: in.buried[:0]}
		in.readBlocks(r, sec, &w)
		in.room, in.buried = w.room, w.buried
	} else {
		in.readBlocks(r, sec, nil)
	}
	sec.wire = r.Since(off)
	return sec
}

// readBlocks reads and checks the blocks of a section. w, if there is one, makes a
// body of them, unless there is a gap between them.
func (in *contents) readBlocks(r *lib0.Reader, sec *section, w *builder) {
	var b block
	wire, off := r.Rest(), 0
	for left := sec.count; left > 0; left-- {
		if w == nil || !w.loose {
			start := off
			off, left = sec.skim(wire, off, left, w)
			if r.Skip(off - start); left == 0 {
				break
			}
		}
		before := r.Len()
		if in.readBlock(r, sec, &b); r.Err() != nil {
			return
		}
		next := off + before - r.Len()
		if b.kind == kindSkip {
			w = nil
		}
		if w != nil {
			w.addBlock(&b, off, next)
		}
		off = next
	}
	if w != nil {
		sec.body = w.finish(off, sec.end)
	}
}

// readBlock reads and checks a block of a section.
func (in *contents) readBlock(r *lib0.Reader, sec *section, b *block) {
	b.read(r, sec.client, sec.end)
	if r.Err() != nil {
		return
	}
	sec.end = b.end()
	if b.kind == kindSkip {
		return
	}
	sec.elements += b.len
	sec.foreign = sec.foreign || b.foreign
	if b.kind == kindType {
		in.types++
	}
}

// release gives up large room to work in, and lets go of the update.
func (in *contents) release() {
	clear(in.sections)
	clear(in.deletions[:cap(in.deletions)])
	if cap(in.sections) > 1024 {
		in.sections = nil
	}
	if cap(in.deletions)+cap(in.spans) > 1024 {
		in.deletions, in.spans = nil, nil
	}
	if cap(in.room)+cap(in.buried) > 4*chunkBytes {
		in.room, in.buried = nil, nil
	}
}

// repeated tells which client has two sections. Sections stand in descending
// order of client, as a rule.
func repeated(sections []section) (client uint64, ok bool) {
	sorted := true
	for i := 1; i < len(sections); i++ {
		sorted = sorted && sections[i].client < sections[i-1].client
	}
	if sorted {
		return 0, false
	}
	seen := make(map[uint64]bool, len(sections))
	for _, sec := range sections {
		if seen[sec.client] {
			return sec.client, true
		}
		seen[sec.client] = true
	}
	return 0, false
}

// readDeletions reads and checks the delete set, with which an update ends, and
// puts it in order where yjs would have written it otherwise.
func (in *contents) readDeletions(r *lib0.Reader) error {
	in.deletions, in.spans = in.deletions[:0], in.spans[:0]
	tidy, before, sections := true, uint64(lib0.MaxInt+1), in.sections
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		client, count := r.Uint(), r.Uint()
		tidy = tidy && client < before
		before = client
		for len(sections) > 0 && sections[0].client > client {
			sections = sections[1:]
		}
		if len(sections) > 0 && sections[0].client == client && sections[0].buries(count, r.Rest()) {
			d := deletion{client: client, n: int(count), body: sections[0].body}
			r.Skip(len(d.body.deleted.closed.wire))
			in.deletions = append(in.deletions, d)
			continue
		}
		first, end := len(in.spans), uint64(0)
		in.spans = slices.Grow(in.spans, int(min(count, uint64(r.Len()/4))))
		for ; count > 0 && r.Err() == nil; count-- {
			clock, length := r.Uint(), r.Uint()
			if r.Err() == nil && (length == 0 || clock+length > lib0.MaxInt) {
				return malformed("update: deletes %d elements of client %d at %d", length, client, clock)
			}
			tidy = tidy && clock >= end
			end = clock + length
			in.spans = append(in.spans, span{clock, end})
		}
		if n := len(in.spans) - first; n > 0 {
			in.deletions = append(in.deletions, deletion{client: client, n: n})
		}
	}
	if err := r.Err(); err != nil {
		return malformed("update: delete set: %w", err)
	}
	if r.Len() > 0 {
		return malformed("update: %d bytes behind its end", r.Len())
	}
	rest := in.spans
	for i := range in.deletions {
		if d := &in.deletions[i]; d.body == nil {
			d.spans, rest = rest[:d.n:d.n], rest[d.n:]
		}
	}
	if in.tidied = !tidy; in.tidied {
		in.tidyDeletions()
	}
	return nil
}

// buries tells whether wire begins with so many spans that say just what the
// section's body says of deleted elements.
func (sec *section) buries(count uint64, wire []byte) bool {
	return sec.body != nil && count > 0 && count == uint64(sec.body.deleted.closed.n) &&
		bytes.HasPrefix(wire, sec.body.deleted.closed.wire)
}

// tidyDeletions sorts the deletions and joins those that overlap.
func (in *contents) tidyDeletions() {
	slices.SortStableFunc(in.deletions, func(a, b deletion) int { return descending(a.client, b.client) })
	tidy := in.deletions[:0]
	for _, d := range in.deletions {
		own := d.read()
		if n := len(tidy); n > 0 && tidy[n-1].client == d.client {
			tidy[n-1].spans = append(tidy[n-1].spans, own...)
			continue
		}
		tidy = append(tidy, deletion{client: d.client, spans: slices.Clip(own)})
	}
	for i := range tidy {
		tidy[i].spans = spans(nil).union(tidy[i].spans)
	}
	in.deletions = tidy
}

// appendDeletions appends a delete set.
func appendDeletions(dst []byte, deletions []deletion) []byte {
	dst = lib0.AppendUint(dst, uint64(len(deletions)))
	for _, d := range deletions {
		dst = lib0.AppendUint(dst, d.client)
		dst = lib0.AppendUint(dst, uint64(len(d.spans)))
		for _, x := range d.spans {
			dst = appendSpan(dst, x)
		}
	}
	return dst
}

func descending(a, b uint64) int { return cmp.Compare(b, a) }

func appendSpan(dst []byte, x span) []byte {
	return lib0.AppendUint(lib0.AppendUint(dst, x.from), x.to-x.from)
}

// source gives blocks of one client in clock order: those of a checked section
// of an update, or those of runs.
type source struct {
	client uint64
	block  block
	loaded bool

	section *section // nil: the source is runs
	wire    lib0.Reader
	this    place // of block, if it is loaded
	ahead   place // of what comes next

	runs   []*run // the rest, and where in the first
	walker walker
}

func sectionSource(sec *section) source {
	return sec.from(place{clock: sec.clock})
}

// from gives the blocks from a place on.
func (sec *section) from(p place) source {
	return source{client: sec.client, section: sec, wire: lib0.Reread(sec.wire[p.off:]), ahead: p}
}

// runSource gives the blocks of runs, from the one on that holds clock or is
// behind it.
func runSource(client uint64, runs []*run, clock uint64) source {
	i := sort.Search(len(runs), func(i int) bool { return runs[i].end > clock })
	s := source{client: client, runs: runs[i:]}
	if len(s.runs) > 0 {
		s.walker = s.runs[0].walk(clock)
	}
	return s
}

// next goes to the next block; nil: there is none. The block is valid until
// the next call, and may be changed.
func (s *source) next() *block {
	for s.section != nil && s.ahead.nth < s.section.count {
		s.this = s.ahead
		left := s.wire.Len()
		s.block.read(&s.wire, s.client, s.this.clock)
		s.ahead = place{s.this.off + left - s.wire.Len(), s.this.nth + 1, s.block.end()}
		if s.block.kind != kindSkip {
			return &s.block
		}
	}
	for len(s.runs) > 0 {
		if s.walker.next(&s.block, s.client) {
			return &s.block
		}
		if s.runs = s.runs[1:]; len(s.runs) > 0 {
			s.walker = s.runs[0].walk(0)
		}
	}
	return nil
}

// at goes on to the block that holds clock; nil: none does. It never goes back.
func (s *source) at(clock uint64) *block {
	for {
		if !s.loaded {
			if s.next() == nil {
				return nil
			}
			s.loaded = true
		}
		if s.block.end() > clock {
			break
		}
		s.loaded = false
	}
	if s.block.clock > clock {
		return nil
	}
	return &s.block
}

// place is where a section's source has got to: at its block, or behind all.
func (s *source) place() place {
	if s.loaded {
		return s.this
	}
	return s.ahead
}
