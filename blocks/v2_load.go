package blocks

import (
	"math"

	"github.com/yroom/yroom/internal/lib0"
)

// readV2 is fromV2 and read in one, for an update that the store s is to load. Most blocks
// are simple, and what read would find out about them in V1 is known when they are
// converted. The result is the update in V1, in the memory of buffer if that suffices. If
// ok is false, the update has something that fromV2 and read must look at.
func (in *parsedUpdate) readV2(buffer, update []byte, s *Store) (wire []byte, ok bool) {
	d := newV2Reader(buffer, update, math.MaxInt)
	in.limits, in.most = nil, 0
	in.begin()
	for n := d.copyUint(); n > 0 && d.ok(); n-- {
		count, client := d.copyUint(), d.clients.Uint()
		d.uint(client)
		in.readSectionV2(d, section{count: count, client: client, end: d.copyUint()}, s)
	}
	from := len(d.out)
	d.deletions()
	r := lib0.NewReader(d.out[from:])
	if _, twice := duplicateClient(in.sections); !d.ok() || twice {
		return nil, false
	}
	in.setWire(d.out)
	in.dropEmpty()
	if err := in.readDeletions(&r, V1); err != nil {
		return nil, false
	}
	return d.out, true
}

// readSectionV2 converts and reads the blocks of a section. An error is d's.
func (in *parsedUpdate) readSectionV2(d *v2Reader, next section, s *Store) {
	sec, w := in.beginSection(next, s.find(next.client) != nil, nil)
	begin := len(d.out)
	var l blockLayout
	var b block
	for left := sec.count; left > 0 && d.ok(); left-- {
		off := len(d.out) - begin
		if d.layout(&l, begin, sec.client, sec.end) {
			if w != nil {
				w.wire = d.out[begin:] // it may have been moved
				w.add(&l, off, sec.end)
			}
			sec.foreign = sec.foreign || l.foreign
			sec.elements += l.len
			sec.end += l.len
			continue
		}
		r := lib0.NewReader(d.out[begin+off:])
		if in.readBlock(&r, sec, off, &b); r.Err() != nil {
			d.rest.Fail(r.Err())
			return
		}
		if b.kind == kindSkip {
			w = nil
		}
		if w != nil {
			w.wire = d.out[begin:]
			w.addBlock(&b, off, len(d.out)-begin)
		}
	}
	sec.wire = d.out[begin:]
	if w != nil {
		sec.prepared = w.finish(len(sec.wire), sec.end)
	}
}

// layout converts a block of a section that begins at begin of d.out. If the block is
// simple, layout reads it as blockLayout.readSimple would read the result. Otherwise, it
// returns false.
func (d *v2Reader) layout(l *blockLayout, begin int, client, clock uint64) bool {
	info := d.infos.Byte()
	if !isSimple(info) {
		d.block(info)
		return false
	}
	l.kind = kind(info & kindMask)
	l.joinable, l.foreign, l.origin, l.right = true, false, noID, noID
	future := false
	d.out = append(d.out, info)
	out := d.out
	if info&hasOrigin != 0 {
		l.origin = id{d.clients.Uint(), d.leftClocks.Uint()}
		out = lib0.AppendUint(lib0.AppendUint(out, l.origin.client), l.origin.clock)
		l.foreign = l.origin.client != client
		future = !l.foreign && l.origin.clock >= clock
	}
	if info&hasRight != 0 {
		l.right = id{d.clients.Uint(), d.rightClocks.Uint()}
		out = lib0.AppendUint(lib0.AppendUint(out, l.right.client), l.right.clock)
		if l.right.client != client {
			l.foreign = true
		} else if l.right.clock >= clock {
			future = true
		}
	}
	l.prefix = len(out) - begin
	size := 0
	if l.kind == kindDeleted {
		l.len = d.lengths.Uint()
		out = lib0.AppendUint(out, l.len)
		l.content = len(out) - begin
	} else {
		var text []byte
		text, l.len = d.strings.Next()
		size = len(text)
		out = lib0.AppendUint(out, uint64(size))
		l.content = len(out) - begin
		out = append(out, text...)
	}
	d.out, l.next = out, len(out)-begin
	return !future && l.len > 0 && clock+l.len <= lib0.MaxInt && size <= blockBytes
}

// setWire sets the wire of the sections, which are one after another in wire.
func (in *parsedUpdate) setWire(wire []byte) {
	off := lib0.UintLen(uint64(len(in.sections)))
	for i := range in.sections {
		sec := &in.sections[i]
		off += lib0.UintLen(sec.count) + lib0.UintLen(sec.client) + lib0.UintLen(sec.clock)
		end := off + len(sec.wire)
		sec.wire = wire[off:end:end]
		off = end
	}
}
