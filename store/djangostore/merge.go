package djangostore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/yroom/yroom/internal/ids"
	"github.com/yroom/yroom/store"
)

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	r, log, err := s.merge(ctx, room)
	if err == nil && !r.at.Equal(newest(log)) {
		s.changed(room)
	}
	return log, err
}

// LoadAfter implements store.Store. Unless it returns the whole log, the row is not compared
// with it.
func (s *Store) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	if after == 0 {
		return s.Load(ctx, room)
	}
	return s.log.LoadAfter(ctx, room, after)
}

// merge returns the row of a room and its log, which has everything that the row has.
func (s *Store) merge(ctx context.Context, room string) (row, store.Log, error) {
	// The row is read before the log. What another process of yroom writes to the row in
	// between is in its log already, so it is not missed.
	r, err := s.table.get(ctx, room)
	if err != nil {
		return r, store.Log{}, err
	}
	log, err := s.log.Load(ctx, room)
	if !r.exists() {
		return r, log, err
	}
	switch {
	case errors.Is(err, store.ErrDeleted):
		return s.restore(ctx, room)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return r, log, err
	}
	e, lacks, fault := compare(r.data, log.Entries)
	if fault != nil {
		return r, store.Log{}, fmt.Errorf("%w: room %q: its row in channels_yroom_ydocupdate can't be compared with its log: "+
			"restore the row from a backup, or delete it: %w", store.ErrCorrupt, room, fault)
	}
	if !lacks {
		return r, log, err
	}
	if _, err := s.log.Append(ctx, room, e); err != nil {
		return r, store.Log{}, err
	}
	log, err = s.log.Load(ctx, room)
	return r, log, err
}

// restore creates a room again that was deleted and of which the other worker has written a
// row since.
func (s *Store) restore(ctx context.Context, room string) (row, store.Log, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	r, err := s.table.get(ctx, room) // the one before may be that of the deleted room
	if err != nil {
		return r, store.Log{}, err
	}
	e, lacks, err := compare(r.data, nil)
	if err == nil && lacks {
		_, err = s.log.Create(ctx, room, e)
	}
	if err != nil && !errors.Is(err, store.ErrExists) {
		return r, store.Log{}, err
	}
	log, err := s.log.Load(ctx, room)
	return r, log, err
}

// compare returns the data of a row as an entry, and reports whether the entries of a log lack a
// part of it.
func compare(data []byte, entries []store.Entry) (e store.Entry, lacks bool, err error) {
	e = store.Entry{Encoding: encoding(data), Data: data}
	if len(data) == 0 { // channels-yroom, too, treats it as a missing row
		return e, false, nil
	}
	for _, other := range entries {
		if other.Encoding == e.Encoding && bytes.Equal(other.Data, data) {
			return e, false, nil
		}
	}
	var theirs, ours ids.Set
	if err := theirs.Add(data, e.Encoding == store.V2); err != nil {
		return e, false, fmt.Errorf("the row: %w", err)
	}
	for _, other := range entries {
		if err := ours.Add(other.Data, other.Encoding == store.V2); err != nil {
			return e, false, fmt.Errorf("the log: %w", err)
		}
	}
	_, lacks = errors.AsType[*ids.MissingError](theirs.In(&ours))
	return e, lacks || len(entries) == 0, nil
}

// encoding returns the encoding of a row. A worker of channels-yroom whose PROTOCOL_VERSION is
// 2 writes V2, which begins with a byte 0. In V1, so does only a document without elements.
func encoding(data []byte) store.Encoding {
	if len(data) > 2 && data[0] == 0 && new(ids.Set).Add(data, true) == nil {
		return store.V2
	}
	return store.V1
}
