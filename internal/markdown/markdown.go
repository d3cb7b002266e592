// Package markdown reads the code blocks of the project's documentation, for the
// tests that compile and run them.
package markdown

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Block is one fenced code block.
type Block struct {
	File     string // as it was asked for
	Line     int    // of the fence that opens it, from 1
	Language string // what stands behind that fence
	Text     string // each line ends with \n
}

// String says where the block is.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.File, b.Line) }

// Documents gives README.md and the pages of docs/ below root, the project's folder.
func Documents(root string) ([]string, error) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err == nil && len(pages) == 0 {
		err = fmt.Errorf("markdown: %s has no documentation", root)
	}
	return append(pages, filepath.Join(root, "README.md")), err
}

// Blocks gives the blocks of a language in all documents below root; "": of all languages.
func Blocks(root, language string) ([]Block, error) {
	documents, err := Documents(root)
	if err != nil {
		return nil, err
	}
	var found []Block
	for _, name := range documents {
		text, err := os.ReadFile(name)
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

// read reads blocks that are fenced by lines of their own.
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
