package document

import (
	"context"

	"github.com/yroom/yroom/event"
)

// Log describes the newest entries of the stored log of the room, at most limit, by
// ascending position. Each edit is an entry until the log is compacted, which replaces
// entries by one snapshot. Log doesn't open a room that is not in memory.
func (d *Document) Log(ctx context.Context, limit int) ([]event.LogEntry, error) {
	a, err := d.documents.request(ctx, d.room, func() event.Request {
		return event.Request{Kind: event.RequestLog, Limit: limit}
	})
	return a.Log, err
}

// Cut removes the entries from position from on from the log of the room: its document is
// what it was before the entry at that position, and what was added later is lost, whoever
// has added it. What was compacted can't be cut: then the error is ErrPosition, and nothing
// has changed. The outcome after other errors is as after those of Create.
//
// The connections of the room are closed with 4409. Clients that have what was cut and
// connect again without being loaded again add it again, because Yjs merges any two
// documents.
func (d *Document) Cut(ctx context.Context, from uint64) error {
	_, err := d.documents.request(ctx, d.room, func() event.Request {
		return event.Request{Kind: event.RequestCut, From: from}
	})
	return err
}
