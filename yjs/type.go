package yjs

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// sharedType is a shared type of any kind: a list of items, and for each key an entry
// with the items of that key.
type sharedType struct {
	doc  *Doc
	item *item  // the item whose content is the type; nil for a root
	name string // of a root, an XML element or an XML hook
	kind Kind

	first, last *item  // of the list
	len         uint64 // the sum of the widths of the items in the list

	entries    map[string]*entry
	entryOrder []*entry // by first use of the key, the order of a JavaScript Map

	index     *node // the root of the position index; nil if the list is empty or not indexed
	indexed   bool
	formatted bool   // a format was integrated: _hasFormatting of yjs
	changed   uint64 // the serial of the last remote transaction that changed the type, or of the one that added it
	depth     int    // the number of types that the type is nested in
}

// wireKinds are the kinds by their numbers in the encoding of a KindType block.
var wireKinds = [...]Kind{KindArray, KindMap, KindText, KindXMLElement, KindXMLFragment, KindXMLHook, KindXMLText}

func (k Kind) named() bool  { return k == KindXMLElement || k == KindXMLHook }
func (k Kind) isText() bool { return k == KindText || k == KindXMLText }

// readType returns the type that the content of a KindType block describes.
func readType(d *Doc, content []byte) *sharedType {
	r := lib0.Reread(content)
	t := &sharedType{doc: d, kind: wireKinds[r.Uint()]}
	if t.kind.named() {
		t.name = string(r.Text())
	}
	return t
}

// typeContent returns the content of a KindType block.
func typeContent(k Kind, name string) []byte {
	content := []byte{byte(k) - 1}
	if k.named() {
		content = lib0.AppendString(content, name)
	}
	return content
}

// isDeleted reports whether the type is no longer part of the document.
func (t *sharedType) isDeleted() bool { return t.item != nil && t.item.deleted() }

// reset removes all items from a type whose content was collected.
func (t *sharedType) reset() {
	t.first, t.last, t.len, t.entries, t.entryOrder = nil, nil, 0, nil, nil
	t.index, t.indexed = nil, false
}

// id returns the id of the item whose content is the type. The type must not be a root.
func (t *sharedType) id() blocks.ID { return t.item.id() }
