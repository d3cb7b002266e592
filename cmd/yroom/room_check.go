package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/ids"
	"github.com/yroom/yroom/yjs"
)

// shownWaiting bounds how much of an incomplete document an error lists.
const shownWaiting = 5

// errIncomplete means that a part of a document waits for what the document lacks.
var errIncomplete = errors.New("the update is not a whole document")

// encoded is an update.
type encoded struct {
	data []byte
	enc  blocks.Encoding
}

// checkWhole returns an error if a room with these updates would not show all of them: if a
// part waits for what they lack (errIncomplete), or if the room's document would differ
// from them.
func checkWhole(updates ...encoded) error {
	doc := blocks.New()
	for _, u := range updates {
		if err := doc.Load(u.data, u.enc); err != nil {
			return fmt.Errorf("this is not a Yjs update in V%d: %w. If it is in another encoding, name that with --encoding", u.enc, err)
		}
	}
	if err := incomplete(doc); err != nil {
		return err
	}
	return sameDocument(updates, encoded{doc.Encode(blocks.V1), blocks.V1}, encoded{doc.Encode(blocks.V2), blocks.V2})
}

// sameDocument returns an error unless each of the copies is the document of updates.
func sameDocument(updates []encoded, copies ...encoded) error {
	before, err := contentOf(updates...)
	if err != nil {
		return err
	}
	for _, whole := range copies {
		after, err := contentOf(whole)
		if err == nil {
			err = errors.Join(before.in(after), after.held.In(&before.held))
		}
		if err != nil {
			return fmt.Errorf("in V%d, the room would have another document than the update: %w; this is a fault of yroom: please report it", whole.enc, err)
		}
	}
	return nil
}

// content is what a document consists of.
type content struct {
	held  ids.Set // read by another decoder than that of the room
	text  []byte  // as JSON, or empty if it is too large to be printed
	nodes map[blocks.Kind]uint64
}

// contentOf returns the content of the document of updates.
func contentOf(updates ...encoded) (*content, error) {
	c := &content{nodes: make(map[blocks.Kind]uint64)}
	doc := yjs.New()
	for _, u := range updates {
		if err := c.held.Add(u.data, u.enc == blocks.V2); err != nil {
			return nil, err
		}
		if err := doc.Apply(u.data, u.enc); err != nil {
			return nil, err
		}
	}
	var err error
	if c.text, err = doc.MarshalJSON(); errors.Is(err, yjs.ErrSize) || errors.Is(err, yjs.ErrDepth) {
		c.text, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = blocks.Parse(doc.Encode(blocks.V1), blocks.V1, func(b *blocks.Block) { c.nodes[b.Kind] += b.Len })
	for _, invisible := range []blocks.Kind{blocks.KindDeleted, blocks.KindGC, blocks.KindSkip, blocks.KindFormat} {
		delete(c.nodes, invisible)
	}
	return c, err
}

// in returns an error if other lacks elements or deletions of c, or shows another document.
func (c *content) in(other *content) error {
	if err := c.held.In(&other.held); err != nil {
		return err
	}
	if !sameJSON(c.text, other.text) {
		return errors.New("its text is another one")
	}
	if !maps.Equal(c.nodes, other.nodes) {
		return fmt.Errorf("it has %v elements by kind in place of %v", other.nodes, c.nodes)
	}
	return nil
}

// incomplete returns an error that says which elements of the document wait for which, or
// nil if none does.
func incomplete(doc *blocks.Store) error {
	waiting := slices.Collect(doc.Waiting())
	if len(waiting) == 0 {
		return nil
	}
	text := new(bytes.Buffer)
	for _, w := range waiting[:min(len(waiting), shownWaiting)] {
		fmt.Fprintf(text, "\n  %v", w)
	}
	if more := len(waiting) - shownWaiting; more > 0 {
		fmt.Fprintf(text, "\n  and %d more", more)
	}
	return fmt.Errorf("%w, and a part of it would be invisible:%s\nGet it from a client or a server that has all of the document, or import it with --incomplete", errIncomplete, text)
}

// sameJSON reports whether two documents are the same apart from the order of their roots
// and of the keys of maps, which depends on the order of updates.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var values [2]any
	for i, text := range [][]byte{a, b} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&values[i]); err != nil {
			return false
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

// readWhole reads an update that is to be imported, and checks it. If it isn't a whole
// document, it is checked together with the room's document, which base returns.
func readWhole(from *body, enc blocks.Encoding, base func() ([]byte, error)) (*body, error) {
	update, err := io.ReadAll(io.LimitReader(from, int64(largestImport)+1))
	if err != nil {
		return nil, err
	}
	if len(update) > int(largestImport) {
		return nil, fmt.Errorf("the update has more than %d bytes", largestImport)
	}
	err = checkWhole(encoded{update, enc})
	if errors.Is(err, errIncomplete) {
		var held []byte
		if held, err = base(); err != nil {
			return nil, err
		}
		err = checkWhole(encoded{held, blocks.V1}, encoded{update, enc})
	}
	if err != nil {
		return nil, err
	}
	return &body{bytes.NewReader(update), int64(len(update))}, nil
}
