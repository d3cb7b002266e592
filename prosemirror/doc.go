// Package prosemirror reads and writes the documents of ProseMirror editors, such as TipTap
// and BlockNote, as Markdown and HTML, and changes single blocks of them while people edit.
//
// A [Schema] has the names that an editor gives to the nodes and marks that Markdown can
// hold. [Schema.Update] makes the first content of a room from a Markdown text:
//
//	schema, err := prosemirror.NewSchema(prosemirror.Config{Schema: prosemirror.TipTap})
//	update, err := schema.Update(schema.Root, markdown)
//	err = server.Document("notes").Create(ctx, update, yjs.V1)
//
// [Read] reads a document, and [Schema.Markdown] and [Schema.HTML] write it.
// [Schema.Blocks] lists, adds, replaces and deletes its blocks, and sets marks.
//
// # What Markdown can't hold
//
// Only these are dropped: empty paragraphs, the marks strong and em on spaces at the ends of
// a text, whether a list has blank lines, and those attributes of nodes and marks that
// Markdown doesn't have, such as the alignment of a paragraph. A node that Markdown doesn't
// have is written as an HTML element with its name, its attributes and its content, and a
// mark in the same way:
//
//	<div data-node="callout" data-attrs="{&#34;kind&#34;:&#34;info&#34;}">
//
//	Text with a <span data-mark="highlight">mark</span>.
//
//	</div>
//
// [Schema.Parse] makes the node or the mark from this again. Other HTML in Markdown becomes
// text: a block of HTML becomes a code block with the language html.
//
// # Map of the code
//
//   - schema.go, schema_lookup.go: names
//   - node.go: Node, and Read
//   - common.go: converts an editor's document to the common form, which the printers and
//     the parser use. native.go converts back. blocknote.go does both for BlockNote.
//     texts.go joins texts
//   - markdown.go prints blocks, markdown_line.go the text in them, markdown_escape.go what
//     has to be escaped
//   - html.go prints HTML
//   - parser.go, budget.go: the parser of goldmark, with bounds. parse.go, parse_line.go and
//     parse_tag.go make nodes from its tree
//   - write.go inserts nodes into shared types. update.go changes elements to be like nodes
//   - blocks.go, mark.go: changes of single blocks
package prosemirror
