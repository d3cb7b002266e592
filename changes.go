package yroom

import (
	"context"
	"iter"
	"sync"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// Change is what a document gained. See Document.Changes.
type Change struct {
	Update []byte // V1, not to be changed; nil: nothing, this is where the stream begins
	Whole  bool   // Update is all of the document
	At     Mark   // where to go on from
}

// watchedBytes bounds the updates that wait for who reads a stream of changes.
const watchedBytes = 1 << 20

// Changes tells what the document gains after since, for as long as the caller
// takes it: first what there is, which may be nothing or, where nothing is known
// of since any more, the whole document; then each change once it is durable.
// Changes that come faster than they are taken are merged. What waits in memory
// is bounded: past that, what was missed is asked for in one piece.
//
// The stream ends with an error: ErrUnavailable when the room is deleted or is
// not there, a *CloseError when it was closed because something is wrong,
// ErrTimeout, ErrClosed at Shutdown, or that of ctx. The next can begin at the
// last Change's mark.
//
// Who watches is in the room as a reader whom nobody sees, and so the room stays
// in memory meanwhile: only a room in memory can tell what happens in it.
func (d *Document) Changes(ctx context.Context, since Mark) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w := &watcher{wake: make(chan struct{}, 1)}
		n := d.server.line
		conn := n.open(w.take)
		defer n.shut(conn)
		if err := d.watch(ctx, conn, since); err != nil {
			yield(Change{}, err)
			return
		}
		defer d.leave(ctx, conn)
		// The first answer has to come in time; then there is no hurry.
		hurry, cancel := patient(ctx)
		defer cancel()
		late := hurry.Done()
		for {
			select {
			case <-w.wake:
			case <-d.server.stopping:
				yield(Change{}, ErrClosed)
				return
			case <-late:
				err := ended(hurry)
				if ctx.Err() != nil {
					err = ended(ctx)
				}
				yield(Change{}, err)
				return
			}
			late = ctx.Done()
			change, ok, err := w.next(ctx, d)
			if err != nil {
				yield(Change{}, err)
				return
			}
			if ok && !yield(change, nil) {
				return
			}
		}
	}
}

func (d *Document) watch(ctx context.Context, conn room.ConnID, since Mark) error {
	ctx, cancel := patient(ctx)
	defer cancel()
	return d.server.line.send(ctx, d.room, room.Input{Kind: room.Watch, Conn: conn, Ask: &room.Ask{Since: since}})
}

// leave ends what a connection of the server's own does in the room.
func (d *Document) leave(ctx context.Context, conn room.ConnID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerPatience)
	defer cancel()
	_ = d.server.line.send(ctx, d.room, room.Input{Kind: room.Leave, Conn: conn}) // where the room is gone, it knows nobody
}

// watcher takes what a room tells who watches.
type watcher struct {
	wake chan struct{} // holds one when there is something to take

	mu      sync.Mutex
	began   bool // the first answer has come
	first   bool // and not been taken
	whole   bool // the first update is all of the document
	updates []gained
	bytes   int
	at      Mark // after the last of updates
	behind  bool // some were dropped
	err     error

	taken Mark // the reader's: up to where it has all
}

type gained struct {
	update []byte
	seq    uint64
}

// take is called by the layer.
func (w *watcher) take(out room.Output) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch a := out.Answer; {
	case a == nil && out.Msg.Type != protocol.Close:
		return
	case a == nil && out.Msg.Code == protocol.CloseDeleted:
		w.err = ErrUnavailable
	case a == nil:
		w.err = &CloseError{Code: out.Msg.Code, Reason: out.Msg.Reason}
	case a.Refusal.Cause != 0:
		w.err = refused(a.Refusal)
	case !w.began:
		w.began, w.first, w.whole = true, true, a.Whole
		w.gain(*a)
	default:
		w.gain(*a)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) gain(a room.Answer) {
	switch {
	case w.behind:
		return
	case len(w.updates) > 0 && w.bytes+len(a.Update) > watchedBytes:
		w.updates, w.bytes, w.behind = nil, 0, true
		return
	case a.Update != nil:
		w.updates = append(w.updates, gained{a.Update, a.At.Seq})
		w.bytes += len(a.Update)
	}
	w.at = a.At
}

// next gives what has come, if anything has.
func (w *watcher) next(ctx context.Context, d *Document) (c Change, ok bool, err error) {
	w.mu.Lock()
	updates, first, behind := w.updates, w.first, w.behind
	c, err = Change{Whole: w.whole, At: w.at}, w.err
	w.updates, w.bytes, w.first, w.whole, w.behind = nil, 0, false, false, false
	w.mu.Unlock()
	switch {
	case err != nil:
		return Change{}, false, err
	case behind:
		if c, err = w.catchUp(ctx, d); err != nil {
			return Change{}, false, err
		}
	case len(updates) == 1:
		c.Update = updates[0].update
	case len(updates) > 1:
		all := make([][]byte, len(updates))
		for i, u := range updates {
			all[i] = u.update
		}
		if c.Update, err = blocks.Merge(blocks.V1, all...); err != nil {
			return Change{}, false, malformed(err)
		}
	case !first:
		return Change{}, false, nil
	}
	w.taken = c.At
	return c, first || c.Update != nil, nil
}

// catchUp asks for what was missed.
func (w *watcher) catchUp(ctx context.Context, d *Document) (Change, error) {
	a, err := d.server.line.ask(ctx, d.room, room.Query, room.Ask{Since: w.taken})
	if err != nil {
		return Change{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.updates) > 0 && w.updates[0].seq <= a.At.Seq {
		w.bytes -= len(w.updates[0].update)
		w.updates = w.updates[1:]
	}
	if len(w.updates) == 0 {
		w.at = a.At
	}
	return Change{Update: a.Update, Whole: a.Whole, At: a.At}, nil
}
