package blocks

import (
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// applyTyping applies an update as typing makes them, without planning: it has one
// block that continues its client, or one span of deletions, or both; all of it is new
// and nothing becomes pending. For any other update, valid or not, applyTyping changes
// nothing and returns false.
func (s *Store) applyTyping(update []byte, limits *Options) bool {
	r := lib0.NewReader(update)
	if limits != nil {
		r.RefuseLossyJSON()
	}
	var b block
	writer, ok := s.readOneBlock(&r, &b, limits == nil)
	if !ok {
		return false
	}
	eraser, x, ok := s.readOneDeletion(&r)
	if !ok || r.Err() != nil || r.Len() > 0 || writer == nil && eraser == nil {
		return false
	}
	if limits != nil && s.total()+costOfByte*len(update) > limits.MaxSize {
		return false
	}
	var in insertion
	noted := writer != nil && limits != nil && s.isNoted(&b)
	if noted {
		if in = s.insertionOf(&b); in.doubt {
			return false
		}
	}
	if writer != nil {
		before, count := writer.sizes(), writer.blocks.count
		writer.push(&b)
		s.changed(&writer.clientBlocks, before)
		if s.nested && writer.blocks.count > count { // otherwise the block was joined with the last one
			s.integratedCost += depthSize * writer.setDepth(b.clock, s.depthOf(&b))
		}
		s.steps += len(update)
		if noted {
			s.note(&in, &s.spots.kept)
		}
	}
	if eraser != nil {
		s.deleteContent(eraser, x)
	}
	return true
}

// readOneBlock reads the sections of an update that has one block or none. It returns
// the block's client, or nil without a block. What the block of a trusted update refers
// to is not checked.
func (s *Store) readOneBlock(r *lib0.Reader, b *block, trusted bool) (writer *client, ok bool) {
	switch r.Uint() {
	case 0:
		return nil, true
	case 1:
		count, client, clock := r.Uint(), r.Uint(), r.Uint()
		writer = s.find(client)
		if count != 1 || writer == nil || clock != writer.blocks.end || writer.pendingFrom(clock) || !writer.waiters.Empty() {
			return nil, false
		}
		b.read(r, client, clock)
		_, blocked := s.missing(writer, b)
		if blocked || r.Err() != nil || b.kind == kindSkip || b.kind == kindType || !s.nested && b.parentIsID {
			return nil, false
		}
		refs := refCheck{store: s, steps: freeSteps}
		return writer, trusted || refs.check(b) == nil
	}
	return nil, false
}

// readOneDeletion reads the delete set of an update that has one span or none. It
// returns the span's client, or nil without a span.
func (s *Store) readOneDeletion(r *lib0.Reader) (c *client, x clocks.Span, ok bool) {
	switch r.Uint() {
	case 0:
		return nil, clocks.Span{}, true
	case 1:
		client, count, from := r.Uint(), r.Uint(), r.Uint()
		c, x = s.find(client), clocks.Span{From: from, To: from + r.Uint()}
		return c, x, count == 1 && c != nil && x.From < x.To && x.To <= c.blocks.end && c.hole(x).From == x.To && c.deleted.gap(x) == x
	}
	return nil, clocks.Span{}, false
}
