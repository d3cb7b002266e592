package yroom

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/yroom/yroom/store"
)

// stores is the store of each room.
type stores func(room string) store.Store

// storesOf gives rooms whose settings name no store to rest.
func storesOf(rooms map[string]Settings, rest store.Store) stores {
	return byPrefix(rooms, func(s Settings) store.Store {
		if s.Store == nil {
			return rest
		}
		return s.Store
	})
}

// Load implements store.Store.
func (s stores) Load(ctx context.Context, room string) (store.Log, error) {
	return s(room).Load(ctx, room)
}

// Append implements store.Store.
func (s stores) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	return s(room).Append(ctx, room, e)
}

// Compact implements store.Store.
func (s stores) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	return s(room).Compact(ctx, room, read, snapshot)
}

// Create implements store.Creator. The error is errors.ErrUnsupported where the
// room's store is none.
func (s stores) Create(ctx context.Context, room string, e store.Entry) error {
	c, ok := s(room).(store.Creator)
	if !ok {
		return errors.ErrUnsupported
	}
	return c.Create(ctx, room, e)
}

// Delete implements store.Deleter. The error is errors.ErrUnsupported where the
// room's store is none.
func (s stores) Delete(ctx context.Context, room string) error {
	d, ok := s(room).(store.Deleter)
	if !ok {
		return errors.ErrUnsupported
	}
	return d.Delete(ctx, room)
}

// shelf is a store and which rooms it keeps: those whose settings it stands in.
type shelf struct {
	store store.Lister
	keeps func(room string) bool
}

// shelvesOf gives the stores that can list their rooms.
func shelvesOf(rooms map[string]Settings, rest store.Store) (all []shelf) {
	elsewhere := func(prefix string) bool { return prefix != fallback && rooms[prefix].Store != nil }
	add := func(s store.Store, keeps func(prefix string) bool) {
		if l, ok := s.(store.Lister); ok {
			all = append(all, shelf{l, func(room string) bool {
				prefix, _, _ := strings.Cut(room, ".")
				return keeps(prefix)
			}})
		}
	}
	if s := rooms[fallback].Store; s != nil {
		rest = s
	}
	add(rest, func(prefix string) bool { return !elsewhere(prefix) })
	for row, s := range rooms {
		if elsewhere(row) {
			add(s.Store, func(prefix string) bool { return prefix == row })
		}
	}
	return all
}

// list is store.Lister.List of what the shelf keeps: the store may hold other rooms too.
func (s shelf) list(ctx context.Context, prefix, after string, most int) (kept []store.Listed, err error) {
	for len(kept) < most {
		part, err := s.store.List(ctx, prefix, after, most)
		if err != nil {
			return nil, err
		}
		for _, l := range part {
			if s.keeps(l.Room) {
				kept = append(kept, l)
			}
		}
		if len(part) < most {
			break
		}
		after = part[len(part)-1].Room
	}
	return kept, nil
}

// Stored lists rooms as store.Lister.List does, whether they are in memory or
// not. Rooms of stores that can't list them are missing.
func (s *Server) Stored(ctx context.Context, prefix, after string, most int) ([]store.Listed, error) {
	var all []store.Listed
	for _, shelf := range s.shelves {
		part, err := shelf.list(ctx, prefix, after, most)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	slices.SortFunc(all, func(a, b store.Listed) int { return strings.Compare(a.Room, b.Room) })
	return all[:min(most, len(all))], nil
}
