package main

import (
	"errors"
	"os"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/load"
)

// documentFile is the flag of the document that rooms have.
type documentFile struct {
	Document string `placeholder:"FILE" type:"path" help:"File with the document of each room, an update in V1."`
}

// read returns the document, or nil if there is none.
func (d documentFile) read() (*load.Document, error) {
	if d.Document == "" {
		return nil, nil
	}
	update, err := os.ReadFile(d.Document)
	if err != nil {
		return nil, err
	}
	return load.ReadDocument(update)
}

type benchJoin struct {
	documentFile

	Span   time.Duration `placeholder:"DURATION" default:"10s"    help:"How long one joins after another (default: 10s)."`
	Size   string        `placeholder:"SIZE"     default:"256KiB" help:"Without --document: the size of a document that is made (default: 256KiB)."`
	People int           `placeholder:"N"        default:"1"      help:"How many join at once. With 1, one joins after another (default: 1)."`
}

// Run measures how clients are sent a document.
func (b benchJoin) Run(c *benchCommands, e environment) error {
	document, err := b.read()
	if err == nil && document == nil {
		var size yroom.Bytes
		if size, err = parseSize(b.Size); err == nil {
			document, err = load.NewDocument(int(size))
		}
	}
	if err != nil {
		return err
	}
	return c.run(e, load.Join{Document: document, People: b.People, Span: b.Span})
}

type benchIdle struct {
	warmedUp
	documentFile

	Rooms  int `placeholder:"N" default:"10"  help:"Rooms (default: 10)."`
	People int `placeholder:"N" default:"100" help:"People in each room (default: 100)."`
}

// Run measures what idle connections and rooms cost.
func (b benchIdle) Run(c *benchCommands, e environment) error {
	if b.Rooms < 1 || b.People < 1 {
		return errors.New("--rooms and --people have to be 1 or more")
	}
	document, err := b.read()
	if err != nil {
		return err
	}
	return c.run(e, load.Idle{Rooms: b.Rooms, People: b.People, Document: document, WarmUp: b.WarmUp, Span: b.Span})
}
