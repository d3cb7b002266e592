package djangostore

import (
	"context"
	"slices"
	"strings"

	"github.com/yroom/yroom/store"
)

// List implements store.Store. It also returns rooms that have only a row.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	all, err := s.log.List(ctx, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	rows, err := s.table.list(ctx, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	all = append(all, rows...)
	slices.SortStableFunc(all, func(a, b store.Listed) int { return strings.Compare(a.Room, b.Room) })
	all = slices.CompactFunc(all, func(a, b store.Listed) bool { return a.Room == b.Room }) // it keeps the first, of the log
	return all[:min(max(limit, 0), len(all))], nil
}
