package store

import (
	"context"
	"time"
)

// Lister is a Store that can list its rooms.
type Lister interface {
	// List gives, in the byte order of their names, the first most rooms whose
	// names begin with prefix and come after the name after, which need not be
	// there. It leaves out rooms that were deleted. Rooms to which somebody
	// writes meanwhile may be told as they were before.
	List(ctx context.Context, prefix, after string, most int) ([]Listed, error)
}

// Listed is what a Lister tells of a room.
type Listed struct {
	Room   string
	Bytes  int       // of all its entries' data
	Stored time.Time // when the newest entry was stored, which may be a snapshot
}
