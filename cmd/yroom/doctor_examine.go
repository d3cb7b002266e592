package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/yjs"
)

// What counts as too much. A log that costs this is compacted by its server long before.
const (
	longEntries    = 4000     // entries besides the largest one
	longBytes      = 4 << 20  // or bytes of these
	largeDocument  = 64 << 20 // a quarter of the default of limits.document
	manyClients    = 32 << 10 // half of the default of limits.clients
	deletedContent = 1 << 20  // bytes of deleted content, if they are most of the document
	manyRemains    = 10_000   // blocks of deleted elements, if there are ten for each other one
	mostShown      = 5        // things of one kind that a finding lists
)

// examination is what is found in one room.
type examination struct {
	room     store.Inspected
	findings []finding

	doc     *blocks.Store // of all entries, without the content of what is deleted; nil if some can't be read
	v1      []byte        // doc, encoded
	updates []encoded
}

// examine examines a room, which was read with this error.
func examine(room store.Inspected, unread error) (x *examination) {
	x = &examination{room: room}
	defer func() {
		if fault := recover(); fault != nil { // one room must not end the examination of the others
			x.addf(kindDiffers, "yroom failed: %v", fault)
		}
	}()
	if room.Deleted {
		if room.Count > 0 {
			x.addf(kindLeft, "%d entries of the deleted room are stored", room.Count)
		}
		return x
	}
	if event.CheckName(room.Room) != nil {
		x.addf(kindName, "the name %s can't be that of a room", shownName(room.Room))
	}
	switch {
	case unread != nil:
		x.addf(kindDamaged, "only %d of its entries can be read: %v", len(room.Entries), unread)
	case room.Count == 0:
		x.addf(kindEmpty, "the room exists, and has no entries")
		return x
	case room.Entries == nil:
		x.addf(kindLarge, "its %d entries have %d bytes, and are examined up to %d bytes", room.Count, room.Bytes, mostExamined)
		return x
	}
	x.positions()
	if x.load() && unread == nil {
		x.v1 = x.doc.Encode(blocks.V1)
		x.whole()
		x.sizes()
	}
	return x
}

func (x *examination) addf(kind, format string, args ...any) {
	x.findings = append(x.findings, finding{Room: shownName(x.room.Room), Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

// unsafe reports whether a compaction could remove evidence of a fault, or fail.
func (x *examination) unsafe() bool {
	return slices.ContainsFunc(x.findings, func(f finding) bool {
		return !slices.Contains([]string{kindName, kindDuplicate, kindClients, kindLog, kindDeleted, kindRemains}, f.Kind)
	}) || x.doc == nil
}

// positions finds entries that are from before the room was deleted, and positions at which
// entries are missing. After the newest snapshot, positions follow one another.
func (x *examination) positions() {
	next, left := x.room.First, 0
	for _, e := range x.room.Entries {
		if e.Position < x.room.First {
			left++
		} else if e.Snapshot {
			next = e.Position + 1
		}
	}
	if left > 0 {
		x.addf(kindLeft, "%d entries have positions before %d, where the room was created again", left, x.room.First)
	}
	var gaps []string
	gap := func(from, to store.Position) {
		if from == to {
			gaps = append(gaps, fmt.Sprintf("entry %d", from))
		} else {
			gaps = append(gaps, fmt.Sprintf("entries %d to %d", from, to))
		}
	}
	for _, e := range x.room.Entries {
		if e.Position > next {
			gap(next, e.Position-1)
		}
		next = max(next, e.Position+1)
	}
	if x.room.Next > next {
		gap(next, x.room.Next-1)
	}
	if len(gaps) > 0 {
		x.addf(kindGap, "its log lacks %s", some(gaps, len(gaps)))
	}
}

// load loads the document from the log, and reports whether all entries could be read.
func (x *examination) load() bool {
	// The limits are those of servers. What is stored was accepted.
	doc := blocks.NewWith(blocks.Options{MaxSize: math.MaxInt, MaxPending: math.MaxInt, MaxClients: math.MaxInt})
	var damaged, foreign, unknown, twice []string
	for _, e := range x.room.Entries {
		if e.Position < x.room.First {
			continue
		}
		what := fmt.Sprintf("entry %d (%d bytes)", e.Position, len(e.Data))
		if e.Fault != nil {
			damaged = append(damaged, fmt.Sprintf("%s: %v", what, e.Fault))
			continue
		}
		enc := blocks.Encoding(e.Encoding)
		added, err := apply(doc, e.Data, enc)
		looks := ""
		if err != nil {
			looks = looksLike(e.Data)
		}
		switch {
		case err == nil && !added && len(e.Data) > 2: // two bytes are an empty document
			twice = append(twice, what)
			fallthrough
		case err == nil:
			x.updates = append(x.updates, encoded{e.Data, enc})
		case looks != "":
			foreign = append(foreign, fmt.Sprintf("%s is %s", what, looks))
		case errors.Is(err, blocks.ErrUnknown):
			unknown = append(unknown, fmt.Sprintf("%s: %v", what, err))
		default:
			foreign = append(foreign, fmt.Sprintf("%s: %v", what, err))
		}
	}
	for _, f := range []struct {
		kind string
		list []string
	}{{kindDamaged, damaged}, {kindForeign, foreign}, {kindUnknown, unknown}} {
		if len(f.list) > 0 {
			x.addf(f.kind, "%s", some(f.list, len(f.list)))
		}
	}
	if len(damaged)+len(foreign)+len(unknown) > 0 {
		return false
	}
	if len(twice) > 0 {
		x.addf(kindDuplicate, "what these entries have is in entries before them, too: %s", some(twice, len(twice)))
	}
	if n, last := doc.Clashes(); n > 0 {
		x.addf(kindClash, "%d entries have blocks that differ from those of entries before them, such as that of element %d of client %d", n, last.Clock, last.Client)
	}
	x.doc = doc
	return true
}

// apply applies an update, and reports whether it brought anything.
func apply(doc *blocks.Store, update []byte, enc blocks.Encoding) (added bool, err error) {
	if enc == blocks.V1 {
		news, err := doc.Apply(update, enc)
		if !errors.Is(err, blocks.ErrLimit) {
			return news != nil, err
		}
	}
	// Apply has bounds that have no setting, such as for what an update in V2 becomes in V1.
	return true, doc.Load(update, enc)
}

// whole finds what is missing in the document, and compares it with a copy.
func (x *examination) whole() {
	waiting := 0
	var pending []string
	for w := range x.doc.Waiting() {
		if waiting++; waiting <= mostShown {
			pending = append(pending, w.String())
		}
	}
	if waiting > 0 {
		x.addf(kindPending, "%s", some(pending, waiting))
	}
	x.elements()
	if x.doc.Size() > largeDocument {
		x.addf(kindLarge, "the document has %d bytes. Its text was not compared with that of a copy", x.doc.Size())
		return
	}
	err := sameDocument(x.updates, encoded{x.v1, blocks.V1}, encoded{x.doc.Encode(blocks.V2), blocks.V2})
	if err != nil && !errors.Is(err, yjs.ErrWork) {
		x.addf(kindDiffers, "%v", err)
	}
	if errors.Is(err, yjs.ErrWork) || errors.Is(yjs.Try(x.v1), yjs.ErrWork) {
		x.addf(kindFreeze, "so many elements were inserted at one place at the same time that a page needs seconds to order them")
	}
}

// elements finds elements that are missing before others of their client, and deletions of
// elements that are missing.
func (x *examination) elements() {
	all, err := blocks.ContentIDsOf(blocks.V1, x.v1)
	if err != nil {
		x.addf(kindDiffers, "the document can't be read again: %v", err)
		return
	}
	if x.doc.Missing() > 0 {
		var whole []blocks.Range // the elements of each client from the first one on
		for _, r := range all.Inserts {
			if n := len(whole); n > 0 && whole[n-1].Client == r.Client {
				whole[n-1].To = r.To
			} else {
				whole = append(whole, blocks.Range{Client: r.Client, To: r.To})
			}
		}
		x.addf(kindHole, "the document lacks %s", elementsOf(lacking(whole, all.Inserts)))
	}
	if ahead := lacking(all.Deletes, all.Inserts); len(ahead) > 0 {
		x.addf(kindAhead, "it has deletions of %s, which it lacks", elementsOf(ahead))
	}
}

// lacking returns the elements of want that are not in have. Both are in the order of
// blocks.ContentIDs.
func lacking(want, have []blocks.Range) (lacks []blocks.Range) {
	for _, r := range want {
		for len(have) > 0 && (have[0].Client > r.Client || have[0].Client == r.Client && have[0].To <= r.From) {
			have = have[1:]
		}
		for _, h := range have {
			if h.Client != r.Client || h.From >= r.To {
				break
			}
			if r.From < h.From {
				lacks = append(lacks, blocks.Range{Client: r.Client, From: r.From, To: h.From})
			}
			r.From = min(h.To, r.To)
		}
		if r.From < r.To {
			lacks = append(lacks, r)
		}
	}
	return lacks
}

// elementsOf names elements.
func elementsOf(ranges []blocks.Range) string {
	var list []string
	for _, r := range ranges[:min(len(ranges), mostShown)] {
		if r.To-r.From == 1 {
			list = append(list, fmt.Sprintf("element %d of client %d", r.From, r.Client))
		} else {
			list = append(list, fmt.Sprintf("elements %d to %d of client %d", r.From, r.To-1, r.Client))
		}
	}
	return some(list, len(ranges))
}

// sizes finds what takes more space than it needs.
func (x *examination) sizes() {
	base, total := 0, 0
	for _, e := range x.room.Entries {
		base, total = max(base, len(e.Data)), total+len(e.Data)
	}
	if tail, n := total-base, len(x.room.Entries)-1; n >= longEntries || tail >= longBytes && tail >= 2*base {
		x.addf(kindLog, "its log has %d entries with %d bytes; the document has %d bytes", n+1, total, x.doc.Size())
	}
	clients := 0
	_ = blocks.ParseStateVector(x.doc.StateVector(), func(uint64, uint64) { clients++ }) // it was just encoded
	if clients >= manyClients {
		x.addf(kindClients, "%d client ids have written in it", clients)
	}
	gone, left := remains(x.v1)
	if gone >= manyRemains && gone >= 10*left {
		x.addf(kindRemains, "%d of its %d blocks stand for deleted elements", gone, gone+left)
	}
	if kept := x.doc.Size(); total >= deletedContent && total >= 2*kept {
		if full := fullSize(x.updates); full-kept >= deletedContent && full-kept >= full/2 {
			x.addf(kindDeleted, "%d of %d bytes are the content of deleted elements", full-kept, full)
		}
	}
}

// remains counts the blocks of a document in V1 that stand for deleted elements, and the
// others.
func remains(doc []byte) (gone, left int) {
	_, _ = blocks.Parse(doc, blocks.V1, func(b *blocks.Block) { // it was just encoded
		switch b.Kind {
		case blocks.KindDeleted, blocks.KindGC:
			gone++
		case blocks.KindSkip:
		default:
			left++
		}
	})
	return gone, left
}

// fullSize returns the size of the document with the content of what is deleted.
func fullSize(updates []encoded) int {
	doc := blocks.NewWith(blocks.Options{History: true})
	for _, u := range updates {
		if err := doc.Load(u.data, u.enc); err != nil {
			return 0 // without history, it was loaded
		}
	}
	return doc.Size()
}

// some lists the first things of a list, of which there are n.
func some(list []string, n int) string {
	text := strings.Join(list[:min(len(list), mostShown)], "; ")
	if more := n - mostShown; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
