package blocks

import "github.com/yroom/yroom/internal/lib0"

// section is the blocks of one client in an update.
type section struct {
	client   uint64
	clock    uint64 // of the first block
	end      uint64 // behind the last
	count    uint64 // of blocks, skips included
	elements uint64 // in them, skips apart
	wire     []byte // alias of the update
}

// readSections reads and checks a whole V1 update. It appends the sections to
// out; deletions is the delete set's bytes.
func readSections(update []byte, out []section) (sections []section, deletions []byte, err error) {
	r := lib0.NewReader(update)
	var b block
	at := id{}
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		sec := section{count: r.Uint(), client: r.Uint(), clock: r.Uint()}
		off := r.Offset()
		at = id{sec.client, sec.clock}
		for left := sec.count; left > 0 && r.Err() == nil; left-- {
			b.read(&r, at.client, at.clock)
			if r.Err() != nil {
				break
			}
			at.clock = b.end()
			if b.kind != kindSkip {
				sec.elements += b.len
			}
		}
		sec.end, sec.wire = at.clock, r.Since(off)
		out = append(out, sec)
	}
	if err := r.Err(); err != nil {
		return nil, nil, malformed("update: block %d of client %d: %w", at.clock, at.client, err)
	}
	if client, ok := repeated(out); ok {
		return nil, nil, malformed("update: client %d is in it twice", client)
	}
	deletions = update[r.Offset():]
	if err := checkDeletions(deletions); err != nil {
		return nil, nil, err
	}
	return out, deletions, nil
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

// checkDeletions checks a V1 delete set, with which an update ends.
func checkDeletions(wire []byte) error {
	r := lib0.NewReader(wire)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		client := r.Uint()
		for spans := r.Uint(); spans > 0 && r.Err() == nil; spans-- {
			clock, length := r.Uint(), r.Uint()
			if r.Err() == nil && (length == 0 || clock+length > lib0.MaxInt) {
				return malformed("update: deletes %d elements of client %d at %d", length, client, clock)
			}
		}
	}
	if err := r.Err(); err != nil {
		return malformed("update: delete set: %w", err)
	}
	if r.Len() > 0 {
		return malformed("update: %d bytes behind its end", r.Len())
	}
	return nil
}

// eachDeletion calls yield with the spans of a checked delete set, client by
// client. A client may come more than once.
func eachDeletion(wire []byte, yield func(client uint64, x span)) {
	r := lib0.NewReader(wire)
	for n := r.Uint(); n > 0; n-- {
		client := r.Uint()
		for spans := r.Uint(); spans > 0; spans-- {
			clock := r.Uint()
			yield(client, span{clock, clock + r.Uint()})
		}
	}
}

// source gives blocks of one client in clock order: those of a checked section
// of an update, or those of runs.
type source struct {
	client uint64
	block  block
	loaded bool

	wire  lib0.Reader // a section: what is left of it
	count uint64
	clock uint64

	runs   []*run // runs: the rest, and where in the first
	walker walker
}

func sectionSource(sec *section) source {
	return source{client: sec.client, wire: lib0.NewReader(sec.wire), count: sec.count, clock: sec.clock}
}

func runSource(client uint64, runs []*run) source {
	s := source{client: client, runs: runs}
	if len(runs) > 0 {
		s.walker.run = runs[0]
	}
	return s
}

// next goes to the next block; nil: there is none. The block is valid until
// the next call, and may be changed.
func (s *source) next() *block {
	for s.count > 0 {
		s.count--
		s.block.read(&s.wire, s.client, s.clock)
		s.clock = s.block.end()
		if s.block.kind != kindSkip {
			return &s.block
		}
	}
	for len(s.runs) > 0 {
		if s.walker.next(&s.block, s.client) {
			return &s.block
		}
		if s.runs = s.runs[1:]; len(s.runs) > 0 {
			s.walker = walker{run: s.runs[0]}
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
