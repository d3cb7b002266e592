package main

import (
	"context"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/yjs"
)

func readDoc(ctx context.Context, d *yroom.Document) (*yjs.Doc, error) {
	update, err := d.Update(ctx, yroom.V1)
	if err != nil {
		return nil, err
	}
	doc := yjs.New()
	return doc, doc.Apply(update, yroom.V1)
}
