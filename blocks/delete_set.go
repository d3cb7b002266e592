package blocks

import (
	"bytes"
	"slices"
	"sort"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// deletion is what an update deletes of one client.
type deletion struct {
	client   uint64
	n        int           // the number of spans
	spans    []clocks.Span // in order; nil if prepared is set
	prepared *clientBlocks // blocks of the same update whose deleted elements are exactly the spans, or nil
}

// read returns the spans.
func (d *deletion) read() []clocks.Span {
	if d.prepared == nil {
		return d.spans
	}
	spans := make([]clocks.Span, 0, d.n)
	d.prepared.deleted.encoded.each(func(x clocks.Span) { spans = append(spans, x) })
	return spans
}

// readDeletions reads and checks the delete set, which is the end of an update, and sorts
// it. It normalizes it if spans are out of order or overlap, which yjs never writes. The
// clients of a delete set are in any order: versions of yjs differ. In V2, an update may
// have more bytes.
func (in *parsedUpdate) readDeletions(r *lib0.Reader, enc Encoding) error {
	in.deletions, in.spans = in.deletions[:0], in.spans[:0]
	tidy, sorted, before := true, true, uint64(lib0.MaxInt+1)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		if in.tooMany(len(in.deletions) + 1) {
			return errClients
		}
		client, count := r.Uint(), r.Uint()
		sorted = sorted && client < before
		before = client
		if sec := in.sectionOf(client); sec != nil && sec.matchesDeleted(count, r.Rest()) {
			d := deletion{client: client, n: int(count), prepared: sec.prepared}
			r.Skip(len(d.prepared.deleted.encoded.wire))
			in.deletions = append(in.deletions, d)
			continue
		}
		ordered, err := in.readSpans(r, enc, client, count)
		if err != nil {
			return err
		}
		tidy = tidy && ordered
	}
	if err := r.Err(); err != nil {
		return malformed("update: delete set: %w", err)
	}
	if enc == V1 && r.Len() > 0 {
		return malformed("update: %d %w", r.Len(), errRest)
	}
	rest := in.spans // it doesn't grow any more
	for i := range in.deletions {
		if d := &in.deletions[i]; d.prepared == nil {
			d.spans, rest = rest[:d.n:d.n], rest[d.n:]
		}
	}
	if !sorted {
		slices.SortStableFunc(in.deletions, func(a, b deletion) int { return descending(a.client, b.client) })
		tidy = tidy && !hasTwice(in.deletions)
	}
	if in.normalized = !tidy; in.normalized {
		in.normalizeDeletions()
	}
	return nil
}

// hasTwice reports whether a client occurs twice in sorted deletions.
func hasTwice(sorted []deletion) bool {
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1].client == sorted[i].client {
			return true
		}
	}
	return false
}

// sectionOf returns the section of a client, or nil if there is none or if the sections
// are not in the order in which yjs writes them.
func (in *parsedUpdate) sectionOf(client uint64) *section {
	i := sort.Search(len(in.sections), func(i int) bool { return in.sections[i].client <= client })
	if i < len(in.sections) && in.sections[i].client == client {
		return &in.sections[i]
	}
	return nil
}

// readSpans reads and checks what is deleted of a client, and reports whether it is in
// order. In V2, a clock is relative to the end of the previous span, and a length is less
// by 1. It returns an error for an impossible span; the error of a failed read is r's.
func (in *parsedUpdate) readSpans(r *lib0.Reader, enc Encoding, client, count uint64) (ordered bool, err error) {
	first, end := len(in.spans), uint64(0)
	ordered = true
	in.spans = slices.Grow(in.spans, int(min(count, uint64(r.Len()/2))))
	for ; count > 0 && r.Err() == nil; count-- {
		clock, length := r.Uint(), r.Uint()
		if enc == V2 {
			clock, length = end+clock, length+1
		}
		switch {
		case r.Err() != nil:
		case length == 0:
			return false, malformed("update: client %d at %d: %w", client, clock, errNothing)
		case clock+length > lib0.MaxInt:
			return false, malformed("update: deletes %d elements of client %d at %d", length, client, clock)
		}
		ordered = ordered && clock >= end
		end = clock + length
		in.spans = append(in.spans, clocks.Span{From: clock, To: end})
	}
	if n := len(in.spans) - first; n > 0 {
		in.deletions = append(in.deletions, deletion{client: client, n: n})
	}
	return ordered, nil
}

// matchesDeleted reports whether wire begins with count spans that are exactly the
// deleted elements of the section's prepared blocks.
func (sec *section) matchesDeleted(count uint64, wire []byte) bool {
	return sec.prepared != nil && count > 0 && count == uint64(sec.prepared.deleted.encoded.n) &&
		bytes.HasPrefix(wire, sec.prepared.deleted.encoded.wire)
}

// normalizeDeletions joins deletions that overlap and those of the same client, which must
// be neighbours.
func (in *parsedUpdate) normalizeDeletions() {
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
		tidy[i].spans = clocks.Spans(nil).Union(tidy[i].spans)
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

func appendSpan(dst []byte, x clocks.Span) []byte {
	return lib0.AppendUint(lib0.AppendUint(dst, x.From), x.To-x.From)
}
