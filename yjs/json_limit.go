package yjs

import (
	"fmt"
	"slices"

	"github.com/yroom/yroom/blocks"
)

const (
	maxFormats = 64 << 20 // bytes that the formats of all texts may take
	formatSize = 16       // of a format, beside its key and its value
)

// Printable tells whether the document can be printed: nil or ErrSize. Each run of
// a text is printed with all the formats that hold there, so a document of some
// hundred kilobytes can take gigabytes with them. Who can't trust its authors asks
// before Delta, and before String of an XML type; what returns an error asks by
// itself. Text without formats can always be had.
func (d *Doc) Printable() error { return printable(d.rootOrder...) }

// printable tells whether types can be printed, with all that is in them.
func printable(todo ...*sharedType) error {
	todo = slices.Clone(todo)
	var total uint64
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		total += t.formatsSize()
		if total > maxFormats {
			return fmt.Errorf("%w: more than %d bytes of formats", ErrSize, maxFormats)
		}
		for it := t.first; it != nil; it = it.right {
			if t := it.typ(); t != nil && !it.deleted() {
				todo = append(todo, t)
			}
		}
		for _, e := range t.entryOrder {
			if t := e.last.typ(); t != nil && !e.last.deleted() {
				todo = append(todo, t)
			}
		}
	}
	return nil
}

// formatsSize tells how large the formats of all that the list holds are, each
// counted where it holds.
func (t *sharedType) formatsSize() (total uint64) {
	var sizes map[string]uint64 // of the formats that hold
	var now uint64
	run := false
	for it := t.first; it != nil; it = it.right {
		if it.deleted() {
			continue
		}
		switch it.kind {
		case blocks.KindFormat:
			run = false
			if sizes == nil {
				sizes = make(map[string]uint64)
			}
			key, value := it.format()
			now -= sizes[key]
			delete(sizes, key)
			if !isNull(value) {
				sizes[key] = uint64(len(key) + len(value) + formatSize)
				now += sizes[key]
			}
		case blocks.KindString:
			if !run {
				total += now
			}
			run = true
		case blocks.KindType, blocks.KindEmbed:
			total += now
			run = false
		}
	}
	return total
}
