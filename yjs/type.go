package yjs

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
)

// typ is a shared type: a list of items, and a list of items for each key, of
// which the last is the value.
type sharedType struct {
	doc  *Doc
	item *item  // that it is the content of; nil: a root
	name string // of a root, an XML element or hook
	kind Kind

	first, last *item // of the list
	len         uint64

	entries    map[string]*entry
	entryOrder []*entry // as the keys came first: the order of a JavaScript Map

	index     *node // over the list; nil where it isn't indexed, or empty
	indexed   bool
	formatted bool   // a format was integrated, as yjs's _hasFormatting
	changed   uint64 // the last remote transaction that changed it
	depth     int    // in how many types it is
}

// entry is what a key has had, in the order of integration.
type entry struct {
	key         string
	first, last *item
}

// The types on the wire.
var wireKinds = [...]Kind{KindArray, KindMap, KindText, KindXMLElement, KindXMLFragment, KindXMLHook, KindXMLText}

func (k Kind) named() bool  { return k == KindXMLElement || k == KindXMLHook }
func (k Kind) isText() bool { return k == KindText || k == KindXMLText }

// readType makes the type that content opens.
func readType(d *Doc, content []byte) *sharedType {
	r := lib0.Reread(content)
	t := &sharedType{doc: d, kind: wireKinds[r.Uint()]}
	if t.kind.named() {
		t.name = string(r.Text())
	}
	return t
}

// typeContent is what opens a type on the wire.
func typeContent(k Kind, name string) []byte {
	content := []byte{byte(k) - 1}
	if k.named() {
		content = lib0.AppendString(content, name)
	}
	return content
}

// entry gives what a key has had; nil: nothing.
func (t *sharedType) entry(key string) *entry { return t.entries[key] }

// value gives the item that is the value of a key; nil: it has none.
func (t *sharedType) value(key string) *item {
	if e := t.entries[key]; e != nil && !e.last.deleted() {
		return e.last
	}
	return nil
}

// entryFor gives what a key has had, to add to it.
func (t *sharedType) entryFor(key string) *entry {
	if e := t.entries[key]; e != nil {
		return e
	}
	e := &entry{key: key}
	if t.entries == nil {
		t.entries = make(map[string]*entry)
	}
	t.entries[key] = e
	t.entryOrder = append(t.entryOrder, e)
	return e
}

// gone tells whether the type is no longer part of the document.
func (t *sharedType) isDeleted() bool { return t.item != nil && t.item.deleted() }

// drop forgets what is in a type whose content was collected.
func (t *sharedType) reset() {
	t.first, t.last, t.len, t.entries, t.entryOrder = nil, nil, 0, nil, nil
	t.index, t.indexed = nil, false
}

// id is the id of the item that the type is the content of.
func (t *sharedType) id() blocks.ID { return t.item.id() }
