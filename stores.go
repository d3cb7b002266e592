package yroom

import (
	"context"

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
