package prosemirror

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/yroom/yroom/yjs"
)

var (
	// ErrNoBlock means that the document has no block with an ID: the ID is of another
	// document, or the block was deleted. An editor also deletes a block and inserts
	// another one when its kind changes.
	ErrNoBlock = errors.New("prosemirror: the document has no such block")
	// ErrChanged means that a block has changed since its tag was read.
	ErrChanged = errors.New("prosemirror: the block has changed")
	// ErrText means that a block doesn't have the text that is to be marked, or has it
	// several times.
	ErrText = errors.New("prosemirror: the block doesn't have this text once")
	// ErrMarkdown means that a Markdown text has no block.
	ErrMarkdown = errors.New("prosemirror: the Markdown text has no block")
)

// Block describes a block.
type Block struct {
	// ID names the block as long as it exists, whatever else is edited. It is a Yjs
	// relative position, as encodeRelativePosition of yjs encodes it, in URL-safe base64.
	ID string `json:"id"`
	// Tag is a hash of the block's Markdown.
	Tag string `json:"tag"`
	// Type is the name that the editor gives to the node.
	Type string `json:"type"`
	// Markdown is the block as Markdown.
	Markdown string `json:"markdown"`
}

// Blocks are the blocks of a document: the nodes at its top, and in BlockNote the
// containers at its top.
//
// The changes are minimal operations on the shared types: what stays the same is not
// written again. So the cursors of people remain where they are, except in text that is
// deleted, and each person can still undo their own edits.
type Blocks struct {
	schema   *Schema
	doc      *yjs.Doc
	fragment *yjs.XMLFragment
	writer   writer
}

// Blocks returns the blocks of a root of doc, such as s.Root. The error is yjs.ErrType or
// yjs.ErrSize. doc must not be used by other goroutines meanwhile.
func (s *Schema) Blocks(doc *yjs.Doc, root string) (*Blocks, error) {
	if !doc.Holds(root, yjs.KindXMLFragment) {
		return nil, fmt.Errorf("%w: the root %q has content of another kind than an XML fragment", yjs.ErrType, root)
	}
	if err := doc.Printable(); err != nil {
		return nil, err
	}
	f, err := doc.XMLFragment(root)
	if err != nil {
		return nil, err
	}
	return &Blocks{s, doc, f, writer{direct: hasDirectText(f.AsText())}}, nil
}

// hasDirectText reports whether text is directly in an XML type or an element in it, as
// @y/prosemirror 2 writes it.
func hasDirectText(list *yjs.Text) bool {
	for _, op := range list.Delta() {
		if _, ok := op.Insert.AsString(); ok {
			return true
		}
		if e, ok := op.Insert.XMLElement(); ok && hasDirectText(e.AsText()) {
			return true
		}
	}
	return false
}

// top returns the fragment, or the element in it that has the blocks.
func (b *Blocks) top() parent {
	if b.schema.base().grouped && b.fragment.Len() > 0 {
		if v, err := b.fragment.Get(0); err == nil {
			if e, ok := v.XMLElement(); ok && e.Name() == nodeGroup {
				return e
			}
		}
	}
	return b.fragment
}

// List returns all blocks. Text outside of blocks is omitted.
func (b *Blocks) List() ([]Block, error) {
	var all []Block
	top, size := b.top(), 0
	for at := range top.Len() {
		e := elementAt(top, at)
		if e == nil {
			continue
		}
		block, err := b.describe(top, at, e)
		if err != nil {
			return nil, err
		}
		if size += len(block.Markdown); size > MaxOutput {
			return nil, ErrSize
		}
		all = append(all, block)
	}
	return all, nil
}

// elementAt returns the element at a position, or nil if something else is there.
func elementAt(p parent, at int) *yjs.XMLElement {
	v, err := p.Get(at)
	if err != nil {
		return nil
	}
	e, _ := v.XMLElement()
	return e
}

func (b *Blocks) describe(p parent, at int, e *yjs.XMLElement) (Block, error) {
	n, err := readElement(e)
	if err != nil {
		return Block{}, err
	}
	markdown, err := b.schema.Markdown(&Node{Type: nodeDoc, Content: []*Node{n}})
	if err != nil {
		return Block{}, err
	}
	id, err := idAt(p, at)
	if err != nil {
		return Block{}, err
	}
	sum := sha256.Sum256(markdown)
	return Block{ID: id, Tag: hex.EncodeToString(sum[:8]), Type: n.Type, Markdown: string(markdown)}, nil
}

func idAt(p parent, at int) (string, error) {
	position, err := p.RelativePosition(at, 0)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(position.Encode()), nil
}

// place is where a block is.
type place struct {
	parent  parent
	at      int
	element *yjs.XMLElement
}

// find returns the place of a block. If tag is not "", the block must have that tag.
func (b *Blocks) find(id, tag string) (place, error) {
	missing := fmt.Errorf("%w: %q", ErrNoBlock, id)
	data, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return place{}, missing
	}
	position, err := yjs.DecodeRelativePosition(data)
	if err != nil {
		return place{}, missing
	}
	now, err := b.doc.Resolve(position)
	if err != nil {
		return place{}, missing
	}
	p := place{at: now.Index}
	if f, ok := now.Type.XMLFragment(); ok {
		p.parent = f
	} else if e, ok := now.Type.XMLElement(); ok {
		p.parent = e
	} else {
		return place{}, missing
	}
	// The ID of a deleted block resolves to the block after it, which has another ID.
	if at, err := idAt(p.parent, p.at); err != nil || at != id {
		return place{}, missing
	}
	if p.element = elementAt(p.parent, p.at); p.element == nil {
		return place{}, missing
	}
	if tag == "" {
		return p, nil
	}
	block, err := b.describe(p.parent, p.at, p.element)
	if err != nil {
		return place{}, err
	}
	if block.Tag != tag {
		return place{}, fmt.Errorf("%w: its tag is %s", ErrChanged, block.Tag)
	}
	return p, nil
}

// read returns the blocks of a Markdown text as nodes of the editor.
func (b *Blocks) read(markdown []byte) ([]*Node, error) {
	blocks, err := b.schema.parse(markdown)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 {
		return nil, ErrMarkdown
	}
	nodes := b.schema.nativeBlocks(blocks)
	if b.schema.base().grouped {
		nodes = nodes[0].Content
	}
	return nodes, nil
}

// Append adds the blocks of a Markdown text after all others, and returns their IDs. The
// error is ErrMarkdown, ErrSize or ErrComplex.
func (b *Blocks) Append(markdown []byte) (ids []string, err error) {
	nodes, err := b.read(markdown)
	if err != nil {
		return nil, err
	}
	top := b.top()
	if b.schema.base().grouped && top == parent(b.fragment) {
		if top, err = b.fragment.InsertElement(b.fragment.Len(), nodeGroup); err != nil {
			return nil, err
		}
	}
	return b.insertBlocks(top, top.Len(), nodes)
}

// Before adds the blocks of a Markdown text before a block, and returns their IDs. The
// error is ErrNoBlock, ErrMarkdown, ErrSize or ErrComplex.
func (b *Blocks) Before(id string, markdown []byte) (ids []string, err error) {
	return b.beside(id, 0, markdown)
}

// After adds the blocks of a Markdown text after a block, and returns their IDs. The error
// is ErrNoBlock, ErrMarkdown, ErrSize or ErrComplex.
func (b *Blocks) After(id string, markdown []byte) (ids []string, err error) {
	return b.beside(id, 1, markdown)
}

func (b *Blocks) beside(id string, offset int, markdown []byte) ([]string, error) {
	nodes, err := b.read(markdown)
	if err != nil {
		return nil, err
	}
	p, err := b.find(id, "")
	if err != nil {
		return nil, err
	}
	return b.insertBlocks(p.parent, p.at+offset, nodes)
}

func (b *Blocks) insertBlocks(p parent, at int, nodes []*Node) (ids []string, err error) {
	if err := b.writer.insert(p, at, nodes); err != nil {
		return nil, err
	}
	for i := range nodes {
		id, err := idAt(p, at+i)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Replace replaces a block by the blocks of a Markdown text, and returns their IDs. If the
// first one is of the same type, the block becomes that one and keeps its ID: of its text,
// only what differs is deleted and inserted, and attributes that Markdown doesn't have stay.
// If tag is not "", the block must have that tag. The error is ErrNoBlock, ErrChanged,
// ErrMarkdown, ErrSize or ErrComplex.
func (b *Blocks) Replace(id, tag string, markdown []byte) (ids []string, err error) {
	nodes, err := b.read(markdown)
	if err != nil {
		return nil, err
	}
	p, err := b.find(id, tag)
	if err != nil {
		return nil, err
	}
	if p.element.Name() != nodes[0].Type {
		if err := p.parent.Delete(p.at, 1); err != nil {
			return nil, err
		}
		return b.insertBlocks(p.parent, p.at, nodes)
	}
	if err := (updater{b.schema, b.writer}).update(p.element, nodes[0]); err != nil {
		return nil, err
	}
	ids, err = b.insertBlocks(p.parent, p.at+1, nodes[1:])
	return append([]string{id}, ids...), err
}

// Delete deletes a block. If tag is not "", the block must have that tag. The error is
// ErrNoBlock or ErrChanged.
func (b *Blocks) Delete(id, tag string) error {
	p, err := b.find(id, tag)
	if err != nil {
		return err
	}
	return p.parent.Delete(p.at, 1)
}
