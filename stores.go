package yroom

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/yroom/yroom/store"
)

// stores is a store.Store that passes each call to the store of the room.
type stores struct {
	of    func(room string) store.Store
	parts []part
}

// part is a store with the condition that selects its rooms. The store may hold other
// rooms, too.
type part struct {
	store store.Store
	holds func(room string) bool
}

// storesOf returns the stores that the settings name. The rooms whose settings name
// none are in rest.
func storesOf(rooms map[string]Settings, rest store.Store) *stores {
	if s := rooms[fallback].Store; s != nil {
		rest = s
	}
	s := &stores{of: byRow(rooms, func(s Settings) store.Store {
		if s.Store == nil {
			return rest
		}
		return s.Store
	})}
	rowOf := RowOf(slices.Collect(maps.Keys(rooms)))
	elsewhere := func(key string) bool { return key != fallback && rooms[key].Store != nil }
	add := func(of store.Store, holds func(key string) bool) {
		s.parts = append(s.parts, part{of, func(room string) bool { return holds(rowOf(room)) }})
	}
	add(rest, func(key string) bool { return !elsewhere(key) })
	for row, settings := range rooms {
		if elsewhere(row) {
			add(settings.Store, func(key string) bool { return key == row })
		}
	}
	return s
}

// Load implements store.Store.
func (s *stores) Load(ctx context.Context, room string) (store.Log, error) {
	return s.of(room).Load(ctx, room)
}

// LoadAfter implements store.Store.
func (s *stores) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	return s.of(room).LoadAfter(ctx, room, after)
}

// Append implements store.Store.
func (s *stores) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	return s.of(room).Append(ctx, room, e)
}

// Compact implements store.Store.
func (s *stores) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	return s.of(room).Compact(ctx, room, read, snapshot)
}

// Create implements store.Store.
func (s *stores) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	return s.of(room).Create(ctx, room, e)
}

// Delete implements store.Store.
func (s *stores) Delete(ctx context.Context, room string) error {
	return s.of(room).Delete(ctx, room)
}

// List implements store.Store. Rooms of stores that can't list them are missing.
func (s *stores) List(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	var all []store.Listed
	for _, p := range s.parts {
		listed, err := p.list(ctx, prefix, after, limit)
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
		all = append(all, listed...)
	}
	slices.SortFunc(all, func(a, b store.Listed) int { return strings.Compare(a.Room, b.Room) })
	return all[:min(limit, len(all))], nil
}

// list is like List, but only for the rooms for which the store is used.
func (p part) list(ctx context.Context, prefix, after string, limit int) (held []store.Listed, err error) {
	for len(held) < limit {
		listed, err := p.store.List(ctx, prefix, after, limit)
		if err != nil {
			return nil, err
		}
		for _, l := range listed {
			if p.holds(l.Room) {
				held = append(held, l)
			}
		}
		if len(listed) < limit {
			break
		}
		after = listed[len(listed)-1].Room
	}
	return held, nil
}
