package prosemirror

import (
	"fmt"
	"maps"
	"slices"

	"github.com/yuin/goldmark/parser"
)

// These are the names of this package for the nodes, marks and attributes that Markdown can
// hold.
const (
	nodeDoc        = "doc"
	nodeParagraph  = "paragraph"
	nodeHeading    = "heading"
	nodeQuote      = "blockquote"
	nodeCode       = "code_block"
	nodeBullets    = "bullet_list"
	nodeNumbers    = "ordered_list"
	nodeTasks      = "task_list"
	nodeItem       = "list_item"
	nodeTask       = "task_item"
	nodeRule       = "horizontal_rule"
	nodeBreak      = "hard_break"
	nodeImage      = "image"       // in a line of text
	nodeImageBlock = "image_block" // beside paragraphs
	nodeTable      = "table"
	nodeRow        = "table_row"
	nodeHeader     = "table_header"
	nodeCell       = "table_cell"
	nodeCellText   = "table_paragraph"

	markStrong    = "strong"
	markEm        = "em"
	markCode      = "code"
	markStrike    = "strike"
	markUnderline = "underline"
	markLink      = "link"

	attrLevel    = "heading.level"
	attrLanguage = "code_block.language"
	attrStart    = "ordered_list.start"
	attrChecked  = "task_item.checked"
	attrSrc      = "image.src"
	attrAlt      = "image.alt"
	attrTitle    = "image.title"
	attrHref     = "link.href"
	attrLinkText = "link.title"
)

// The names of the schemas.
const (
	// Basic is the schema of prosemirror-schema-basic and prosemirror-schema-list, which
	// the examples of y-prosemirror use, with the attribute "params" of the code blocks
	// of prosemirror-markdown.
	Basic = "prosemirror"
	// TipTap is the schema of TipTap's StarterKit.
	TipTap = "tiptap"
	// BlockNote is the default schema of BlockNote.
	BlockNote = "blocknote"
)

// Config names the nodes and marks of an editor's documents. The zero value is useful.
type Config struct {
	// Schema is the schema that the editor extends: Basic, TipTap or BlockNote. "": Basic.
	Schema string `yaml:"schema"`
	// Root is the name of the XML fragment that the editor edits. "": "prosemirror" for
	// Basic, "default" for TipTap, "document-store" for BlockNote.
	Root string `yaml:"root"`
	// Names has the editor's names that differ from those of Schema, by the names of this
	// package (see the function Names). "" means that the editor has no such node, mark or attribute.
	Names map[string]string `yaml:"names"`
}

// Schema knows the names of the nodes and marks in an editor's documents.
type Schema struct {
	Config

	write  map[string]string   // the editor's names, by those of this package
	read   map[string]string   // names of nodes and marks of this package, by those of editors
	items  map[string]string   // kinds of lists, by the names of their items in BlockNote
	values map[string][]string // names of attributes of editors, by those of this package
	parser parser.Parser
}

// base is a schema that many editors use or extend.
type base struct {
	root      string
	names     map[string]string
	codeAlone bool // the mark code excludes all other marks
	grouped   bool // the blocks are in containers and groups, as in BlockNote
}

var bases = map[string]base{
	Basic: {root: "prosemirror", names: map[string]string{
		nodeParagraph: "paragraph", nodeHeading: "heading", nodeQuote: "blockquote", nodeCode: "code_block",
		nodeBullets: "bullet_list", nodeNumbers: "ordered_list", nodeItem: "list_item",
		nodeRule: "horizontal_rule", nodeBreak: "hard_break", nodeImage: "image",
		markStrong: "strong", markEm: "em", markCode: "code", markLink: "link",
		attrLevel: "level", attrLanguage: "params", attrStart: "order", attrHref: "href", attrLinkText: "title",
		attrSrc: "src", attrAlt: "alt", attrTitle: "title", attrChecked: "checked",
	}},
	TipTap: {root: "default", codeAlone: true, names: map[string]string{
		nodeParagraph: "paragraph", nodeHeading: "heading", nodeQuote: "blockquote", nodeCode: "codeBlock",
		nodeBullets: "bulletList", nodeNumbers: "orderedList", nodeItem: "listItem",
		nodeRule: "horizontalRule", nodeBreak: "hardBreak",
		markStrong: "bold", markEm: "italic", markCode: "code", markStrike: "strike", markUnderline: "underline", markLink: "link",
		attrLevel: "level", attrLanguage: "language", attrStart: "start", attrHref: "href", attrLinkText: "title",
		attrSrc: "src", attrAlt: "alt", attrTitle: "title", attrChecked: "checked",
	}},
	BlockNote: {root: "document-store", codeAlone: true, grouped: true, names: map[string]string{
		nodeParagraph: "paragraph", nodeHeading: "heading", nodeQuote: "quote", nodeCode: "codeBlock",
		nodeBullets: "bulletListItem", nodeNumbers: "numberedListItem", nodeTasks: "checkListItem",
		nodeRule: "divider", nodeBreak: "hardBreak", nodeImageBlock: "image",
		nodeTable: "table", nodeRow: "tableRow", nodeHeader: "tableHeader", nodeCell: "tableCell", nodeCellText: "tableParagraph",
		markStrong: "bold", markEm: "italic", markCode: "code", markStrike: "strike", markUnderline: "underline", markLink: "link",
		attrLevel: "level", attrLanguage: "language", attrStart: "start", attrHref: "href", attrLinkText: "title",
		attrSrc: "url", attrAlt: "name", attrTitle: "caption", attrChecked: "checked",
	}},
}

// more has names of common extensions of the schemas. They are known for reading; for
// writing, Config.Names has to say that the editor has them.
var more = map[string]string{
	"taskList": nodeTasks, "taskItem": nodeTask, "image": nodeImage, "table": nodeTable, "table_row": nodeRow,
	"table_header": nodeHeader, "table_cell": nodeCell, "strikethrough": markStrike, "s": markStrike,
}

// Names returns the names of this package that Config.Names may have: those of nodes, of
// marks, and of attributes, which have a dot.
func Names() []string {
	return []string{
		nodeParagraph, nodeHeading, attrLevel, nodeQuote, nodeCode, attrLanguage, nodeBullets, nodeNumbers, attrStart, nodeItem,
		nodeTasks, nodeTask, attrChecked, nodeRule, nodeBreak, nodeImage, nodeImageBlock, attrSrc, attrAlt, attrTitle,
		nodeTable, nodeRow, nodeHeader, nodeCell, nodeCellText,
		markStrong, markEm, markCode, markStrike, markUnderline, markLink, attrHref, attrLinkText,
	}
}

// NewSchema returns the schema that cfg describes.
func NewSchema(cfg Config) (*Schema, error) {
	if cfg.Schema == "" {
		cfg.Schema = Basic
	}
	b, ok := bases[cfg.Schema]
	if !ok {
		return nil, fmt.Errorf("prosemirror: there is no schema %q: want %s, %s or %s", cfg.Schema, Basic, TipTap, BlockNote)
	}
	if cfg.Root == "" {
		cfg.Root = b.root
	}
	s := &Schema{Config: cfg, write: maps.Clone(b.names), read: maps.Clone(more), items: map[string]string{}, values: map[string][]string{}}
	for _, name := range []string{BlockNote, TipTap, Basic, cfg.Schema} { // the last one counts
		s.learn(bases[name].names, bases[name].grouped)
	}
	for _, key := range slices.Sorted(maps.Keys(cfg.Names)) {
		if !slices.Contains(Names(), key) {
			return nil, fmt.Errorf("prosemirror: %q is not the name of a node, mark or attribute that Markdown has: want one of %q", key, Names())
		}
	}
	maps.Copy(s.write, cfg.Names)
	s.learn(cfg.Names, b.grouped)
	s.parser = s.newParser()
	return s, nil
}

// learn makes names known for reading.
func (s *Schema) learn(names map[string]string, grouped bool) {
	for ours, theirs := range names {
		switch {
		case theirs == "":
		case isAttribute(ours):
			s.values[ours] = append([]string{theirs}, s.values[ours]...)
		case ours == nodeCellText:
			s.read[theirs] = nodeParagraph
		case grouped && (ours == nodeBullets || ours == nodeNumbers || ours == nodeTasks):
			s.items[theirs] = ours
		default:
			s.read[theirs] = ours
		}
	}
}
