// Package markdown reads the code blocks of the project's documentation, for the
// tests that compile and run them.
package markdown

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Block is one fenced code block.
type Block struct {
	File     string // in the project, such as docs/clients.md
	Line     int    // of the fence that opens it, from 1
	Language string // the word after that fence
	Text     string // each line ends with \n
}

// String returns the position of the block.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.File, b.Line) }

// Documents returns the names of the pages in the project's folder and in docs/.
func Documents(project fs.FS) ([]string, error) {
	pages, err := fs.Glob(project, "docs/*.md")
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, errors.New("markdown: there is no documentation")
	}
	front, err := fs.Glob(project, "*.md")
	return append(pages, front...), err
}

// Blocks returns the blocks of a language in all documents; "" selects all languages.
func Blocks(project fs.FS, language string) ([]Block, error) {
	documents, err := Documents(project)
	if err != nil {
		return nil, err
	}
	var found []Block
	for _, name := range documents {
		text, err := fs.ReadFile(project, name)
		if err != nil {
			return nil, err
		}
		for _, b := range read(string(text)) {
			if b.File = name; language == "" || b.Language == language {
				found = append(found, b)
			}
		}
	}
	return found, nil
}

// read returns the blocks of a page. A fence is a line of its own.
func read(text string) (blocks []Block) {
	inside := false
	n := 0
	for line := range strings.Lines(text) {
		n++
		switch language, fence := strings.CutPrefix(line, "```"); {
		case fence && !inside:
			blocks = append(blocks, Block{Line: n, Language: strings.TrimSpace(language)})
			inside = true
		case fence:
			inside = false
		case inside:
			blocks[len(blocks)-1].Text += line
		}
	}
	return blocks
}
