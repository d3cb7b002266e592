package djangostore

import (
	"context"
	"iter"
	"time"

	"github.com/yroom/yroom/store"
)

const sweepPage = 1000 // rooms are listed at once

// newest returns the time of the newest entry of a log, as precise as a row has it.
func newest(log store.Log) (at time.Time) {
	for _, e := range log.Entries {
		if e.At.After(at) {
			at = e.At
		}
	}
	return at.Truncate(time.Microsecond)
}

// sweepLogged is sweep, after which swept is set unless ctx has ended before.
func (s *Store) sweepLogged(ctx context.Context) {
	err := s.sweep(ctx)
	if s.swept = ctx.Err() == nil; err != nil && s.swept {
		s.config.Logger.Warn("The rows of channels_yroom_ydocupdate could not be compared with the log. "+
			"Rows that a crash has left behind are written when their rooms are opened. Check the database.", "error", err)
	}
}

// sweep finds the rooms whose rows are older or newer than their logs: a crash has left them behind,
// or the other worker has written them.
func (s *Store) sweep(ctx context.Context) error {
	next, stop := iter.Pull2(pages(ctx, s.table.list))
	defer stop()
	r, err, more := next()
	for room, err := range pages(ctx, s.log.List) {
		if err != nil {
			return err
		}
		for more && err == nil && r.Room < room.Room {
			r, err, more = next()
		}
		if err != nil {
			return err
		}
		if !more || r.Room != room.Room || !r.Stored.Equal(room.Stored.Truncate(time.Microsecond)) {
			s.changed(room.Room)
		}
	}
	return err
}

// pages returns all that list returns, page by page.
func pages(ctx context.Context, list func(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error)) iter.Seq2[store.Listed, error] {
	return func(yield func(store.Listed, error) bool) {
		for after := ""; ; {
			page, err := list(ctx, "", after, sweepPage)
			if err != nil {
				yield(store.Listed{}, err)
				return
			}
			for _, l := range page {
				if !yield(l, nil) {
					return
				}
			}
			if len(page) < sweepPage {
				return
			}
			after = page[len(page)-1].Room
		}
	}
}
