package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/yroom/yroom/docs"
	"github.com/yroom/yroom/internal/docsite"
)

// docsCmd writes the documentation as files for a web server.
type docsCmd struct {
	Out string `placeholder:"FOLDER" required:"" help:"Folder of the site. Each version is in a folder of its own in it; other versions that are there stay."`
}

// Run writes the site.
func (c docsCmd) Run(stdout io.Writer) error {
	if err := docsite.New(docs.Files(), version(), true).Write(c.Out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "Open %s in a browser.\n", filepath.Join(c.Out, "index.html"))
	return err
}
