package prosemirror

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// ErrComplex means that it would take too long to read a Markdown text. The error says why,
// and what to change.
var ErrComplex = errors.New("prosemirror: the Markdown is too complex")

var (
	errWork = fmt.Errorf("%w: long paragraphs have many characters that seem to begin or end a code, a link or a tag; "+
		"divide the paragraphs, or write a backslash before these characters", ErrComplex)
	errCells    = fmt.Errorf("%w: tables have many rows with fewer cells than columns; write each cell, or remove columns", ErrComplex)
	errLines    = fmt.Errorf("%w: many short lines are in lists and quotes that are nested deeply; nest them less", ErrComplex)
	errRepeated = fmt.Errorf("%w: references repeat long addresses and titles of links; shorten these", ErrComplex)
)

// A budget is the state of goldmark for one text, with what it may still do. Once one of
// the numbers is negative, nothing more is found in the text, and err says why.
type budget struct {
	parser.Context

	work     int // the attempts to find something in a line that fail, each as much as its block costs
	cells    int // of tables
	lines    int // in lists and quotes, each counted for each list and quote
	repeated int // the bytes of addresses and titles that references repeat
	err      error

	block ast.Node // in whose lines something is looked for
	cost  int      // of an attempt in it
	tried int      // how many attempts there were
}

// The numbers for a text of size bytes. Cells and lines take memory, so what they may be
// depends on its size.
const (
	maxWork     = 1 << 28
	lineWork    = 64 // what a line costs in addition to its bytes
	maxSpare    = 10_000
	linesOfByte = 2
	maxRepeated = 1 << 20
)

func newBudget(size int) *budget {
	return &budget{
		Context: parser.NewContext(), work: maxWork, cells: maxSpare + size, lines: maxSpare + linesOfByte*size, repeated: maxRepeated,
	}
}

// spend takes n from one of the numbers of b, and reports whether that much was left.
func (b *budget) spend(number *int, n int, err error) bool {
	if *number -= n; *number < 0 && b.err == nil {
		b.err = err
	}
	return b.err == nil
}

// mayTry reports whether something may be looked for in the lines of a block.
func (b *budget) mayTry(block ast.Node) bool {
	if b.block != block {
		b.block, b.cost, b.tried = block, 0, 0
		for _, line := range block.Lines().Sliced(0, block.Lines().Len()) {
			b.cost += line.Len() + lineWork
		}
	}
	b.tried++
	return b.tried <= maxParts && b.err == nil
}

// noteTry counts the work of a parser that has found n. If it has found nothing, or a code
// that doesn't end, it may have read the whole block.
func (b *budget) noteTry(n ast.Node) {
	if n == nil || n.Kind() == ast.KindText {
		b.spend(&b.work, b.cost, errWork)
	}
}

// Reference implements parser.Context.
func (b *budget) Reference(label string) (parser.Reference, bool) {
	ref, ok := b.Context.Reference(label)
	if !ok || !b.spend(&b.repeated, len(ref.Destination())+len(ref.Title()), errRepeated) {
		return nil, false
	}
	return ref, true
}

// mayBeTable reports whether a paragraph may become a table. A row has a cell for each
// column, even if the text has fewer.
func (b *budget) mayBeTable(paragraph *ast.Paragraph, r text.Reader) bool {
	lines, columns := paragraph.Lines(), 0
	for _, line := range lines.Sliced(0, lines.Len()) {
		if value := line.Value(r.Source()); len(bytes.Trim(value, "-|: \t\n")) == 0 && bytes.IndexByte(value, '-') >= 0 {
			columns = max(columns, 1+bytes.Count(value, []byte{'|'}))
		}
	}
	return b.spend(&b.cells, columns*lines.Len(), errCells)
}
