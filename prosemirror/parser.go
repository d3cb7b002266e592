package prosemirror

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// These bound the work of goldmark for a part of a text. Past them, characters that would
// otherwise have a meaning are text. A budget bounds its work for the whole text.
const (
	maxDepth       = 50   // how many lists and quotes may be nested
	maxParts       = 1000 // delimiters, brackets, codes and tags in a block: the work grows with the square of it
	maxDefinitions = 1000 // the lines of a paragraph in which definitions of links are found: likewise
)

// newParser returns a parser for what the editor has.
func (s *Schema) newParser() parser.Parser {
	blocks := parser.DefaultBlockParsers()
	for i, v := range blocks {
		if p := v.Value.(parser.BlockParser); p == parser.NewListParser() || p == parser.NewBlockquoteParser() {
			blocks[i].Value = boundedBlocks{p}
		}
	}
	lines := parser.DefaultInlineParsers()
	if s.has(markStrike) {
		lines = append(lines, util.Prioritized(extension.NewStrikethroughParser(), 500))
	}
	for i, v := range lines {
		lines[i].Value = boundedLine{v.Value.(parser.InlineParser)}
	}
	if s.has(markLink) {
		lines = append(lines, util.Prioritized(extension.NewLinkifyParser(), 999))
	}
	if s.has(nodeTasks) && (s.has(nodeTask) || s.base().grouped) {
		lines = append(lines, util.Prioritized(extension.NewTaskCheckBoxParser(), 0))
	}
	options := []parser.Option{
		parser.WithBlockParsers(blocks...),
		parser.WithInlineParsers(lines...),
		parser.WithParagraphTransformers(util.Prioritized(boundedDefinitions{}, 100)),
	}
	if s.has(nodeTable) && s.has(nodeRow) && s.has(nodeCell) && s.has(nodeHeader) {
		options = append(
			options,
			parser.WithParagraphTransformers(util.Prioritized(boundedTable{extension.NewTableParagraphTransformer()}, 200)),
			parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
		)
	}
	return parser.NewParser(options...)
}

// boundedBlocks is a parser of lists or quotes that doesn't nest them too deeply.
type boundedBlocks struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (b boundedBlocks) Open(parent ast.Node, r text.Reader, pc parser.Context) (ast.Node, parser.State) {
	depth := 0
	for n := parent; n != nil; n = n.Parent() {
		if n.Kind() == ast.KindList || n.Kind() == ast.KindBlockquote {
			depth++
		}
	}
	if depth >= maxDepth || pc.(*budget).err != nil {
		return nil, parser.NoChildren
	}
	return b.BlockParser.Open(parent, r, pc)
}

// Continue implements parser.BlockParser.
func (b boundedBlocks) Continue(n ast.Node, r text.Reader, pc parser.Context) parser.State {
	if budget := pc.(*budget); !budget.spend(&budget.lines, 1, errLines) {
		return parser.Close
	}
	return b.BlockParser.Continue(n, r, pc)
}

var autoLink = parser.NewAutoLinkParser()

// boundedLine is a parser of something in a line. Together, those of a block make at most
// maxParts attempts.
type boundedLine struct{ parser.InlineParser }

// Parse implements parser.InlineParser.
func (b boundedLine) Parse(parent ast.Node, r text.Reader, pc parser.Context) ast.Node {
	budget := pc.(*budget)
	if !budget.mayTry(parent) {
		return nil
	}
	n := b.InlineParser.Parse(parent, r, pc)
	if b.InlineParser != autoLink { // which reads up to the next <
		budget.noteTry(n)
	}
	return n
}

// CloseBlock implements parser.CloseBlocker.
func (b boundedLine) CloseBlock(parent ast.Node, r text.Reader, pc parser.Context) {
	if c, ok := b.InlineParser.(parser.CloseBlocker); ok {
		c.CloseBlock(parent, r, pc)
	}
}

// boundedDefinitions finds the definitions of links in paragraphs that are not too long.
type boundedDefinitions struct{}

// Transform implements parser.ParagraphTransformer.
func (boundedDefinitions) Transform(n *ast.Paragraph, r text.Reader, pc parser.Context) {
	if n.Lines().Len() <= maxDefinitions {
		parser.LinkReferenceParagraphTransformer.Transform(n, r, pc)
	}
}

// boundedTable makes tables of paragraphs if the text doesn't have too many cells.
type boundedTable struct{ parser.ParagraphTransformer }

// Transform implements parser.ParagraphTransformer.
func (b boundedTable) Transform(n *ast.Paragraph, r text.Reader, pc parser.Context) {
	if pc.(*budget).mayBeTable(n, r) {
		b.ParagraphTransformer.Transform(n, r, pc)
	}
}
