package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/yroom/yroom/blocks"
)

// eachDocument calls do with each document of another server at path: with its name, and
// with updates in V1 that are the document together. A document that can't be read has none,
// and an error.
type eachDocument func(ctx context.Context, path string, do func(name string, updates [][]byte, err error)) error

// grouping passes on the updates of each document together. Those of one document are added
// one after another.
type grouping struct {
	do      func(name string, updates [][]byte)
	name    string
	updates [][]byte // of the document with the name; nil: there is none
}

func (g *grouping) add(name string, update []byte) {
	if name != g.name {
		g.end()
	}
	g.name, g.updates = name, append(g.updates, update)
}

// end passes on the last document.
func (g *grouping) end() {
	if g.updates != nil {
		g.do(g.name, g.updates)
	}
	g.updates = nil
}

// checkVector returns an error if the state vector that is stored with the updates of a
// document is ahead of them: then some are lost.
func checkVector(vector []byte, updates [][]byte) error {
	doc := blocks.New()
	for i, update := range updates {
		if err := doc.Load(update, blocks.V1); err != nil {
			return fmt.Errorf("update %d: %w", i, err)
		}
	}
	ahead, err := doc.Behind(vector)
	if err != nil {
		return fmt.Errorf("its state vector can't be read: %w", err)
	}
	if ahead {
		return errors.New("its state vector counts elements that its updates lack: some updates are lost")
	}
	return nil
}

// importFrom imports each document of another server. It goes on if one can't be imported.
func importFrom(ctx context.Context, each eachDocument, path string, report *roomReport, send func(room string, update []byte) error) error {
	err := each(ctx, path, func(name string, updates [][]byte, err error) {
		if ctx.Err() != nil {
			return
		}
		var update []byte
		if err == nil {
			update, err = merged(updates)
		}
		if err == nil {
			err = send(name, update)
		}
		report.add(name, err)
	})
	return cmp.Or(err, ctx.Err(), report.err())
}

// merged returns one update that is the same document as all of the updates.
func merged(updates [][]byte) ([]byte, error) {
	switch len(updates) {
	case 0:
		return nil, errors.New("the document has no updates")
	case 1:
		return updates[0], nil // its import checks it
	}
	all := make([]encoded, len(updates))
	for i, update := range updates {
		all[i] = encoded{update, blocks.V1}
	}
	update, err := blocks.Merge(blocks.V1, updates...)
	if err != nil {
		for i, u := range updates {
			if _, foreign := blocks.Convert(blocks.V1, blocks.V1, u); foreign != nil {
				return nil, fmt.Errorf("update %d of %d can't be read: it is %s: %w", i+1, len(updates), cmp.Or(looksLike(u), "no Yjs update in V1"), foreign)
			}
		}
		return nil, err
	}
	before, err := contentOf(all...)
	if err != nil {
		return nil, err
	}
	after, err := contentOf(encoded{update, blocks.V1})
	if err == nil {
		err = before.in(after)
	}
	return update, err
}
