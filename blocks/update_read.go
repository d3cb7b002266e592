package blocks

import (
	"errors"
	"slices"

	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/lib0"
)

// section is the blocks of one client in an update.
type section struct {
	client   uint64
	clock    uint64        // of the first block
	end      uint64        // after the last block
	count    uint64        // of blocks, skips included
	elements uint64        // the number of elements in them, without skips
	foreign  bool          // a block refers to an element of another client
	linked   bool          // refCheck must look up what a block refers to
	text     bool          // the last block is in a list of text, or of another kind without keys
	wire     []byte        // the blocks; aliases the update
	prepared *clientBlocks // the blocks in the form of the store, if it doesn't have the client; else nil
	index    *sectionIndex // nil until a block is looked up if the section is small or the update trusted
	resume   sectionPos    // where the plan has stopped
}

// parsedUpdate is the content of a checked update in V1, which it aliases.
type parsedUpdate struct {
	sections   []section     // without those that have no elements
	deletions  []deletion    // each client once, in descending order
	spans      []clocks.Span // the spans of deletions
	normalized bool          // the update's own delete set was out of order or overlapped
	typeCount  int           // the number of blocks of kindType
	nested     bool          // it has such a block, or one that names a block as its parent
	builder    clientBuilder // reused for each section

	limits *Options // of the store that applies the update; nil if there are none
	most   int      // how many clients may be in the store, or in one part of the update; 0: any number
	known  int      // how many clients that store has
	added  int      // how many clients of sections it doesn't have
}

// tooMany reports whether n clients, in the store or in one part of the update, are more
// than are allowed. It doesn't count those that the store has past the limit.
func (in *parsedUpdate) tooMany(n int) bool {
	return in.most > 0 && n > in.most
}

// read reads and checks a whole update in V1. If the store s is to apply it, read also
// prepares the blocks of clients that s doesn't have. s may be nil. limits is nil if
// there are none; otherwise read stops at the first client that is one too many, so that
// what it allocates for clients is bounded by the limit and not by the update.
//
// read returns what it has read: update, or what tidied makes of it.
func (in *parsedUpdate) read(update []byte, s *Store, limits *Options) ([]byte, error) {
	err := in.readTidy(update, s, limits)
	if isUntidy(err) {
		clear(in.sections) // there may be fewer now
		if update, err = tidied(update, s, nil, nil); err == nil {
			err = in.readTidy(update, s, limits)
		}
	}
	return update, err
}

// readTidy is read without tidied: it refuses what tidied would change.
func (in *parsedUpdate) readTidy(update []byte, s *Store, limits *Options) error {
	r := lib0.NewReader(update)
	if in.limits, in.most = limits, 0; limits != nil {
		r.RefuseLossyJSON()
		in.bound(s, limits)
	}
	err := in.readAll(&r, s)
	if errors.Is(err, errClients) {
		err = limits.tooManyClients()
	}
	return err
}

// errClients means that an update has more clients than are allowed.
var errClients = errors.New("too many clients")

// bound lets readAll return errClients if an update of the store would add too many.
func (in *parsedUpdate) bound(s *Store, limits *Options) {
	in.known = len(s.byID)
	in.most = max(limits.MaxClients, in.known)
}

// readAll is read, from r and within the bound.
func (in *parsedUpdate) readAll(r *lib0.Reader, s *Store) error {
	in.begin()
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		sec := in.readSection(r, s)
		if sec == nil {
			return errClients
		}
		if err := r.Err(); err != nil {
			return malformed("update: block %d of client %d: %w", sec.end, sec.client, err)
		}
	}
	if err := r.Err(); err != nil {
		return malformed("update: %w", err)
	}
	if client, ok := duplicateClient(in.sections); ok {
		return malformed("update: two sections of client %d", client)
	}
	in.dropEmpty()
	return in.readDeletions(r, V1)
}

// begin forgets the update that was read before.
func (in *parsedUpdate) begin() {
	in.sections, in.typeCount, in.nested, in.added = in.sections[:0], 0, false, 0
}

// dropEmpty drops the sections without elements.
func (in *parsedUpdate) dropEmpty() {
	in.sections = slices.DeleteFunc(in.sections, func(sec section) bool { return sec.elements == 0 })
}

// readSection reads and checks the next section. It returns nil if the section's client
// is one too many. The error is r's.
func (in *parsedUpdate) readSection(r *lib0.Reader, s *Store) *section {
	next := section{count: r.Uint(), client: r.Uint(), end: r.Uint()}
	known := s == nil || s.find(next.client) != nil
	if !known {
		in.added++
	}
	if in.tooMany(len(in.sections)+1) || in.tooMany(in.known+in.added) {
		return nil
	}
	sec, w := in.beginSection(next, known, r.Rest())
	if in.limits != nil && sec.count > smallSection && !s.blockwise {
		sec.index = newIndex(min(sec.count, uint64(r.Len())/2))
	}
	off := r.Offset()
	in.readBlocks(r, sec, w)
	sec.wire = r.Since(off)
	return sec
}

// beginSection appends a section, whose end is still where it begins. Its blocks will be
// read from wire. w is nil if they are not to be prepared.
func (in *parsedUpdate) beginSection(next section, known bool, wire []byte) (sec *section, w *clientBuilder) {
	in.sections = append(in.sections, next)
	sec = &in.sections[len(in.sections)-1]
	sec.clock, sec.resume.clock = sec.end, sec.end
	if !known && sec.count > 1 && sec.clock == 0 {
		w = &in.builder
		w.begin(sec.client, wire)
	}
	return sec, w
}

// readBlocks reads and checks the blocks of a section. Unless w is nil or there is a
// gap between the blocks, it prepares them with w.
func (in *parsedUpdate) readBlocks(r *lib0.Reader, sec *section, w *clientBuilder) {
	var b block
	wire, begin := r.Rest(), r.Offset()
	for left := sec.count; left > 0; left-- {
		off := r.Offset() - begin
		if w == nil || !w.verbose {
			start := off
			off, left = sec.readSimple(wire, off, left, w)
			if r.Skip(off - start); left == 0 {
				break
			}
		}
		if in.readBlock(r, sec, off, &b); r.Err() != nil {
			return
		}
		if b.kind == kindSkip {
			w = nil
		}
		if w != nil {
			w.addBlock(&b, off, r.Offset()-begin)
		}
	}
	if w != nil {
		sec.prepared = w.finish(r.Offset()-begin, sec.end)
	}
}

// readBlock reads and checks a block of a section. off is its offset in the section.
func (in *parsedUpdate) readBlock(r *lib0.Reader, sec *section, off int, b *block) {
	b.read(r, sec.client, sec.end)
	if r.Err() != nil {
		return
	}
	linked := b.flags&(hasRight|hasKey) != 0 || b.kind > kindDeleted && b.kind != kindType && b.parent == nil
	if sec.index != nil {
		follows := b.originOrNone() == id{b.client, b.clock - 1} || b.kind == kindSkip
		sec.index.add(blockPos{b.clock, off}, b.rightOrNone(), linked && b.kind != kindSkip, follows)
	}
	sec.end = b.end()
	if b.kind == kindSkip {
		return
	}
	sec.elements += b.len
	sec.foreign = sec.foreign || b.foreign
	sec.text = b.parent != nil && b.flags&hasKey == 0
	sec.linked = sec.linked || linked
	if b.kind == kindType {
		in.typeCount++
	}
	in.nested = in.nested || b.kind == kindType || b.parentIsID
}

// reset drops large buffers and the references to the update.
func (in *parsedUpdate) reset() {
	in.limits, in.most = nil, 0
	if clear(in.sections); cap(in.sections) > 1024 {
		in.sections = nil
	}
	if cap(in.deletions)+cap(in.spans) > 1024 {
		in.deletions, in.spans = nil, nil
	}
	clear(in.deletions[:cap(in.deletions)]) // normalizeDeletions may have made it shorter
	in.builder.reset()
}

// duplicateClient returns a client that has two sections, and reports whether there is
// one.
func duplicateClient(sections []section) (client uint64, ok bool) {
	if len(sections) < 2 {
		return 0, false
	}
	clients := make([]uint64, 0, 64) // on the stack, for most updates
	for _, sec := range sections {
		clients = append(clients, sec.client)
	}
	return duplicate(clients)
}

// duplicate returns a client that occurs twice, and reports whether there is one. The clients
// of an update are usually in descending order; otherwise, duplicate sorts them.
func duplicate(clients []uint64) (client uint64, ok bool) {
	sorted := true
	for i := 1; i < len(clients); i++ {
		sorted = sorted && clients[i] < clients[i-1]
	}
	if sorted {
		return 0, false
	}
	slices.Sort(clients)
	for i := 1; i < len(clients); i++ {
		if clients[i] == clients[i-1] {
			return clients[i], true
		}
	}
	return 0, false
}
