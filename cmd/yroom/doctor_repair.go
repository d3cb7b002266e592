package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

// repair compacts the logs of rooms.
type repair struct {
	url    string
	purge  bool    // drop the content of what is deleted
	stores *stores // nil until a room is compacted
}

func (p *repair) close() error {
	if p.stores == nil {
		return nil
	}
	return p.stores.close()
}

// room replaces the log of a room by one snapshot, unless it is one already. It returns
// what it has done or why it has done nothing, or "" if nothing was to be done.
func (p *repair) room(ctx context.Context, room store.Inspected) (done string, err error) {
	if p.stores == nil {
		if p.stores, err = openStores(ctx, p.url, nil, sqlitestore.Config{Shared: true}, pgstore.Config{}); err != nil {
			return "", err
		}
	}
	log, err := p.stores.rest.Load(ctx, room.Room)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDeleted) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	snapshot, err := p.snapshot(log)
	if err != nil {
		return "nothing was changed: " + err.Error(), nil //nolint:nilerr // the report says it, and other rooms are repaired
	}
	size := 0
	for _, e := range log.Entries {
		size += len(e.Data)
	}
	if len(log.Entries) == 1 && len(snapshot) >= size {
		return "", nil
	}
	err = p.stores.rest.Compact(ctx, room.Room, log, store.Entry{Encoding: store.V1, Data: snapshot})
	switch {
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrDeleted):
		return "nothing was changed: a server has compacted or deleted the room meanwhile", nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("%d entries with %d bytes were replaced by a snapshot with %d bytes", len(log.Entries), size, len(snapshot)), nil
}

// snapshot returns the document of a log, in V1. The error says why it would not be the
// same document.
func (p *repair) snapshot(log store.Log) ([]byte, error) {
	doc := blocks.NewWith(blocks.Options{History: !p.purge})
	var updates []encoded
	for i, e := range log.Entries {
		u := encoded{e.Data, blocks.Encoding(e.Encoding)}
		if err := doc.Load(u.data, u.enc); err != nil {
			return nil, fmt.Errorf("entry %d: %w", log.Positions[i], err)
		}
		updates = append(updates, u)
	}
	if err := incomplete(doc); err != nil {
		return nil, err
	}
	before, err := contentOf(updates...)
	if err != nil {
		return nil, err
	}
	doc.Compact()
	snapshot := doc.Encode(blocks.V1)
	after, err := contentOf(encoded{snapshot, blocks.V1})
	if err == nil {
		err = before.in(after)
	}
	return snapshot, err
}
