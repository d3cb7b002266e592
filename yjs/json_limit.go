package yjs

import (
	"fmt"
	"slices"

	"github.com/yroom/yroom/blocks"
)

const (
	maxFormats = 64 << 20 // the greatest size of the formats of all texts in bytes
	formatSize = 16       // the size of a format without its key and its value
)

// Printable returns nil if the document can be printed, and ErrSize if that would take
// too much memory. Each run of a text is printed with all formats that are in effect
// there, so a document of some hundred kilobytes can take gigabytes when printed. Call
// Printable before Delta, and before String of an XML type, if the authors of the
// document are not trusted. Methods that return an error call it themselves. Text
// without formats can always be printed.
func (d *Doc) Printable() error { return printable(d.rootOrder...) }

// printable returns ErrSize if the formats of types, and of types nested in them, are
// too large to be printed.
func printable(todo ...*sharedType) error {
	todo = slices.Clone(todo)
	var total uint64
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		total += t.formatsSize()
		if total > maxFormats {
			return fmt.Errorf("%w: the formats take more than %d bytes", ErrSize, maxFormats)
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

// formatsSize returns the size of the formats in effect, summed over the runs of the
// list.
func (t *sharedType) formatsSize() (total uint64) {
	var sizes map[string]uint64 // of the formats in effect
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
