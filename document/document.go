package document

import (
	"bytes"
	"context"
	"slices"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
)

// Document is the document of one room, in memory or only stored, wherever its
// worker runs. If a method's context has no deadline, the method waits 10 seconds for
// the room, and another second for each MiB of an update that has to be stored, and
// then returns ErrTimeout. If the room is closed for a while, because it or its store
// has failed, the error is a *protocol.CloseError. If the room has no worker, the error
// is ErrNoWorker, which wraps one.
type Document struct {
	documents *Documents
	room      string
}

// Room returns the name of the document's room.
func (d *Document) Room() string { return d.room }

// Info describes a room and its document. All of its content is durable. The caller
// must not change the data.
type Info struct {
	// Mark is the state of the document. Its Epoch is 0 if the room is only stored.
	Mark    event.Mark
	Summary event.Summary
	Vector  []byte            // the document's state vector
	Members []event.Member    // the connections, by ascending ID
	States  []awareness.State // by ascending client id
	// Update is what was added to the document since the mark from which the query
	// started, in V1. It is nil if nothing was added.
	Update []byte
	// Whole reports that Update is the whole document, because the room no
	// longer knows what was added since that mark.
	Whole bool
}

// Info describes the room and its document, without Update, Members and States. If the
// room is in memory, it costs no work that grows with the document or the number of
// connections. Info doesn't open a room that is not in memory.
func (d *Document) Info(ctx context.Context) (Info, error) {
	return d.query(ctx, event.Request{Bare: true})
}

// Query describes the room and its document, with what was added to the document since
// a mark. With the zero Mark, that is the whole document. Query doesn't open a room
// that is not in memory.
func (d *Document) Query(ctx context.Context, since event.Mark) (Info, error) {
	return d.query(ctx, event.Request{Since: since})
}

// Backup is Query for the whole document, and its Update has the blocks that are pending,
// too: those that the room has accepted and stored, but sends to no client until the
// blocks on which they depend arrive. An Update that is kept must have them. A Doc, or
// a stream of Changes, that begins with the document should begin with Query.
func (d *Document) Backup(ctx context.Context) (Info, error) {
	return d.query(ctx, event.Request{Pending: true})
}

// query sends a query with the options of r.
func (d *Document) query(ctx context.Context, r event.Request) (Info, error) {
	r.Kind = event.RequestQuery
	a, err := d.documents.request(ctx, d.room, func() event.Request {
		sent := r
		sent.Vector = bytes.Clone(r.Vector)
		return sent
	})
	if err != nil {
		return Info{}, err
	}
	return Info{a.Mark, a.Summary, a.Vector, a.Members, a.States, a.Update, a.Whole}, nil
}

// Update returns the whole document as one update, which the caller owns. It is that of
// Backup.
func (d *Document) Update(ctx context.Context, enc blocks.Encoding) ([]byte, error) {
	return d.diff(ctx, event.Request{Pending: true}, enc)
}

// Diff returns the blocks that a client with the given state vector lacks, and
// all deletions, as one update, which the caller owns. stateVector is borrowed.
// The error is ErrMalformed if it is not a state vector.
func (d *Document) Diff(ctx context.Context, stateVector []byte, enc blocks.Encoding) ([]byte, error) {
	return d.diff(ctx, event.Request{Vector: append([]byte{}, stateVector...)}, enc)
}

func (d *Document) diff(ctx context.Context, r event.Request, enc blocks.Encoding) ([]byte, error) {
	info, err := d.query(ctx, r)
	if err != nil {
		return nil, err
	}
	update, err := info.Encode(enc)
	if enc == blocks.V1 {
		update = slices.Clone(update)
	}
	return update, err
}

// Encode returns the Update in an encoding. The caller must not change it.
func (i Info) Encode(enc blocks.Encoding) ([]byte, error) {
	update, err := blocks.Convert(blocks.V1, enc, i.Update)
	return update, updateError(err)
}

// StateVector returns the document's state vector, which the caller owns.
func (d *Document) StateVector(ctx context.Context) ([]byte, error) {
	info, err := d.Info(ctx)
	return slices.Clone(info.Vector), err
}

// Apply adds an update, which it borrows, to the document, as an edit of a client is
// added. When it returns nil, the update is durable, and on its way to all connections
// of the room. Apply creates a room that doesn't exist if the update adds anything. If
// the room was deleted, the error is ErrNotFound until Create creates it again. After
// ErrMalformed, ErrLimit and ErrNoWorker nothing has changed; after ErrTimeout,
// ErrClosed, ErrOutcomeUnknown and any other *protocol.CloseError the outcome is
// unknown, and applying the same update again is harmless.
func (d *Document) Apply(ctx context.Context, update []byte, enc blocks.Encoding) error {
	return d.write(ctx, event.RequestApply, update, enc)
}

// Create creates the room with update, which it borrows, as its content. If several
// programs try, one of them succeeds, and the others get ErrExists, which is also the
// error if the room was written to. If the room has connections but no content, the
// content is added and sent to them. A room that was deleted can be created again.
// After ErrNoWorker nothing has changed; after ErrTimeout, ErrClosed, ErrOutcomeUnknown
// and any other *protocol.CloseError the outcome is unknown.
//
// Use Create to fill a room that several programs may find empty: if each of them
// applied its own content, the document would hold all of it.
//
// A client that was in the room before it was deleted and reconnects after Create adds
// its old content to the new document, because Yjs merges any two documents.
func (d *Document) Create(ctx context.Context, update []byte, enc blocks.Encoding) error {
	return d.write(ctx, event.RequestCreate, update, enc)
}

// write sends a request that contains an update.
func (d *Document) write(ctx context.Context, kind event.RequestKind, update []byte, enc blocks.Encoding) error {
	v1 := update
	if enc != blocks.V1 || kind != event.RequestApply { // otherwise the room checks it, with what the document has
		var err error
		if v1, err = blocks.Convert(enc, blocks.V1, update); err != nil {
			return updateError(err)
		}
	}
	ctx, cancel := withTimeout(ctx, len(v1))
	defer cancel()
	_, err := d.documents.request(ctx, d.room, func() event.Request {
		return event.Request{Kind: kind, Update: slices.Clone(v1)} // the room keeps it
	})
	return err
}

// Delete deletes the room. Its connections are closed with 4404, and so are those of
// clients that reconnect, so that none of them can restore the room with the content
// that it still has. Create creates the room again. The error is ErrNotFound if the
// room was never written to, whether it has connections or not, and if it was deleted.
// The outcome after other errors is as after those of Create.
func (d *Document) Delete(ctx context.Context) error {
	_, err := d.documents.request(ctx, d.room, func() event.Request { return event.Request{Kind: event.RequestDelete} })
	return err
}
