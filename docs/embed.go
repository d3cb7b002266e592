// Package docs holds the pages of the documentation, which package internal/docsite
// makes a web site of.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed *.md images
var files embed.FS

// Files returns the pages as NAME.md, and their images in images/. README.md lists all
// pages.
func Files() fs.FS { return files }
