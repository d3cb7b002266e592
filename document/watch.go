package document

import (
	"context"
	"iter"
	"sync"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Change is an addition to a document. See Document.Changes.
type Change struct {
	Update []byte // in V1, not to be changed; nil if nothing was added before the stream began
	// Whole reports that Update is the whole document, and not only what was added
	// since the change before.
	Whole bool
	Mark  event.Mark // the state of the document after the change
}

// maxWatched bounds the bytes of updates that wait for the reader of a stream.
const maxWatched = 1 << 20

// Changes returns a stream of what is added to the document after since. The first
// change is what was added before the call. It may be empty, or the whole document if
// the room no longer knows since. The following changes are sent once they are durable.
// Changes that arrive faster than the caller takes them are merged. The memory for them
// is bounded: beyond the bound, updates are dropped, and requested from the room as one
// update later.
//
// The stream ends with an error: ErrNotFound when the room is deleted or doesn't
// exist, a *protocol.CloseError when it was closed because it has failed,
// ErrTimeout, ErrClosed after Documents.Drain or Close, or that of ctx. The next
// stream can begin at the mark of the last change.
//
// A room stays in memory while it is watched: only a room in memory can report
// its changes.
func (d *Document) Changes(ctx context.Context, since event.Mark) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w, c, err := d.watch(ctx, since)
		if err == nil {
			defer w.close(ctx)
		}
		for ; err == nil; c, err = w.wait(ctx) {
			if !yield(c, nil) {
				return
			}
		}
		yield(Change{}, err)
	}
}

// watch begins to watch and returns the first change, for which it waits as long as for
// any response.
func (d *Document) watch(ctx context.Context, since event.Mark) (*watcher, Change, error) {
	if err := checkName(d.room); err != nil {
		return nil, Change{}, err
	}
	ctx, cancel := withTimeout(ctx, 0)
	defer cancel()
	w := &watcher{document: d, wake: make(chan struct{}, 1), first: true, taken: since}
	if err := w.start(ctx); err != nil {
		d.documents.unregister(w.conn)
		return nil, Change{}, err
	}
	c, err := w.wait(ctx)
	if err != nil {
		w.close(ctx)
	}
	return w, c, err
}

// watcher receives the responses of a room to a watch. Only one goroutine at a time may
// call its methods other than deliver and lose.
type watcher struct {
	document *Document
	wake     chan struct{} // holds one value when a change may be available
	taken    event.Mark    // the mark up to which the reader has all changes

	mu      sync.Mutex
	starts  int // how many times it was started; outputs for an earlier start are dropped
	conn    event.ConnID
	began   bool // the first response to conn has arrived
	first   bool // the first change has not been returned yet
	whole   bool // the first of updates is the whole document
	updates []watched
	bytes   int        // of updates
	seen    event.Mark // of the last response
	behind  bool       // updates were dropped
	lost    bool       // responses may be lost, so the watch has to start again
	err     error
}

// watched is an update and the sequence of the document after it.
type watched struct {
	update []byte
	seq    uint64
}

// start starts to watch from the state that the reader has, with a new ConnID, so that
// responses to an earlier start aren't mistaken for new ones.
func (w *watcher) start(ctx context.Context) error {
	ds := w.document.documents
	w.mu.Lock()
	old := w.conn
	w.starts++
	start := w.starts
	w.conn = ds.register(receiver{
		room:    w.document.room,
		deliver: func(out event.Output) { w.deliver(start, out) },
		lost:    func() { w.lose(start) },
	})
	w.updates, w.bytes = nil, 0
	w.began, w.whole, w.behind, w.lost = false, false, false, false
	w.mu.Unlock()
	if old != 0 {
		ds.unregister(old)
		ds.leave(ctx, w.document.room, old)
	}
	return ds.send(ctx, w.document.room, event.Input{
		Kind: event.InputRequest, Conn: w.conn, Request: &event.Request{Kind: event.RequestWatch, Since: w.taken},
	})
}

// close ends the watch, even if ctx has ended.
func (w *watcher) close(ctx context.Context) {
	w.document.documents.unregister(w.conn)
	w.document.documents.leave(ctx, w.document.room, w.conn)
}

// wait waits for the next change.
func (w *watcher) wait(ctx context.Context) (Change, error) {
	for {
		select {
		case <-w.wake:
		case <-w.document.documents.draining:
			return Change{}, ErrClosed
		case <-ctx.Done():
			return Change{}, contextError(ctx)
		}
		if c, ok, err := w.next(ctx); ok || err != nil {
			return c, err
		}
	}
}

// lose makes the watch start again.
func (w *watcher) lose(start int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if start == w.starts {
		w.lost = true
		put(w.wake, struct{}{})
	}
}

// deliver handles an output of the room.
func (w *watcher) deliver(start int, out event.Output) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch a := out.Response; {
	case start != w.starts || w.lost:
		return
	case out.Kind == event.OutputRejoin:
		w.lost = true
	case out.Kind == event.OutputMessage && out.Message.Type == protocol.Close:
		w.err = closeError(protocol.CloseError{Code: out.Message.Code, Reason: out.Message.Reason})
	case a == nil:
		return
	case a.Refusal != event.Refusal{}:
		w.err = refusalError(a.Refusal)
	default:
		w.add(a)
	}
	put(w.wake, struct{}{})
}

// add adds the update of a response to those that wait. If it doesn't follow the
// previous response, responses were lost.
func (w *watcher) add(a *event.Response) {
	switch {
	case !w.began:
		w.began, w.whole = true, a.Whole
	case a.Mark.Epoch == w.seen.Epoch && a.Mark.Seq <= w.seen.Seq:
		return // a duplicate
	case a.Mark.Epoch != w.seen.Epoch || a.Mark.Seq != w.seen.Seq+1:
		w.lost = true
		return
	}
	w.seen = a.Mark
	switch {
	case w.behind || a.Update == nil:
	case len(w.updates) > 0 && w.bytes+len(a.Update) > maxWatched:
		w.updates, w.bytes, w.behind = nil, 0, true
	default:
		w.updates = append(w.updates, watched{a.Update, a.Mark.Seq})
		w.bytes += len(a.Update)
	}
}

// next returns the change that has arrived, and reports whether there is one.
func (w *watcher) next(ctx context.Context) (c Change, ok bool, err error) {
	w.mu.Lock()
	if w.lost {
		w.mu.Unlock()
		return Change{}, false, w.start(ctx)
	}
	updates, behind, first := w.updates, w.behind, w.first && w.began
	c, err = Change{Whole: w.whole, Mark: w.seen}, w.err
	w.updates, w.bytes, w.whole, w.behind = nil, 0, false, false
	w.first = w.first && !first
	w.mu.Unlock()
	switch {
	case err != nil:
		return Change{}, false, err
	case behind:
		if c, err = w.catchUp(ctx); err != nil {
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
			return Change{}, false, updateError(err)
		}
	case !first:
		return Change{}, false, nil
	}
	w.taken = c.Mark
	return c, first || c.Update != nil, nil
}

// catchUp requests everything that the reader lacks as one update.
func (w *watcher) catchUp(ctx context.Context) (Change, error) {
	a, err := w.document.Query(ctx, w.taken)
	if err != nil {
		return Change{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.Mark.Epoch != w.seen.Epoch {
		w.lost = true // the response is of another epoch than the updates that wait
		put(w.wake, struct{}{})
	}
	for len(w.updates) > 0 && w.updates[0].seq <= a.Mark.Seq {
		w.bytes -= len(w.updates[0].update)
		w.updates = w.updates[1:]
	}
	return Change{Update: a.Update, Whole: a.Whole, Mark: a.Mark}, nil
}
