package document

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/yjs"
)

const (
	followTime  = 5 * time.Second // how long a Doc is kept after an edit, for the next one
	maxFollowed = 16 << 20        // bytes of all documents that are kept, encoded: as Docs they are about ten times as large
)

// follower is a Doc that is kept from one edit to the next, so that the cost of an edit
// depends on its changes and not on the size of the document.
type follower struct {
	doc     *yjs.Doc
	watcher *watcher // reports what others write; nil if the room didn't exist
	mark    event.Mark
	size    int // bytes of the updates that doc was made from
}

// follow returns a follower with the current document. If the room doesn't exist, the
// follower is empty and has no watch.
func (d *Document) follow(ctx context.Context) (*follower, error) {
	f := &follower{doc: yjs.New()}
	w, c, err := d.watch(ctx, event.Mark{})
	switch {
	case errors.Is(err, ErrNotFound):
		return f, nil
	case err != nil:
		return nil, err
	}
	f.watcher = w
	if err := f.apply(c); err != nil {
		f.end(ctx)
		return nil, err
	}
	return f, nil
}

func (f *follower) apply(c Change) error {
	f.mark = c.Mark
	f.size += len(c.Update)
	if c.Update == nil {
		return nil
	}
	return integrateError(f.doc.Apply(c.Update, blocks.V1))
}

var (
	errBehind  = errors.New("document: the room is in another state than its follower")
	errChanged = errors.New("document: the Doc of an edit was changed after the edit")
)

// catchUp applies what was added to the room since the last edit. After an error the
// follower must not be used any more.
func (f *follower) catchUp(ctx context.Context) error {
	// Updates that were added before the room responds arrive before the response.
	info, err := f.watcher.document.Info(ctx)
	if err != nil {
		return err
	}
	c, ok, err := f.watcher.next(ctx)
	switch {
	case err != nil:
		return err
	case ok && c.Whole:
		return errBehind // the Doc may hold content that this document lacks
	case ok:
		err = f.apply(c)
	}
	switch {
	case err != nil:
		return err
	case f.mark.Epoch != info.Mark.Epoch || f.mark.Seq < info.Mark.Seq:
		return errBehind
	case f.mark.Seq > info.Mark.Seq: // others have written since the response
		return nil
	case !bytes.Equal(f.doc.StateVector(), info.Vector):
		return errChanged
	}
	return nil
}

// end ends the watch of the room, even if ctx has ended.
func (f *follower) end(ctx context.Context) {
	if f.watcher != nil {
		f.watcher.close(ctx)
	}
}

// follower returns a follower with the current document. The caller must call keep or
// end with it.
func (es *editors) follower(ctx context.Context, d *Document, e *editor) (*follower, error) {
	if f := es.drop(e); f != nil {
		if err := f.catchUp(ctx); err == nil {
			return f, nil
		}
		f.end(ctx)
	}
	return d.follow(ctx)
}

// keep keeps a follower for the editor's next edit, or ends it.
func (es *editors) keep(ctx context.Context, e *editor, f *follower) {
	f.doc.ForgetRootKinds()
	if f.watcher == nil || !es.hold(ctx, e, f) {
		f.end(ctx)
	}
}

// hold makes f the editor's follower for a while, unless the followers are too
// large then, and reports whether it does.
func (es *editors) hold(ctx context.Context, e *editor, f *follower) bool {
	es.mu.Lock()
	defer es.mu.Unlock()
	if es.closed || es.followed+f.size > maxFollowed {
		return false
	}
	es.followed += f.size
	e.follower = f
	e.timer = time.AfterFunc(followTime, func() {
		select {
		case <-e.turn:
			if f := es.drop(e); f != nil {
				f.end(ctx)
			}
			e.turn <- struct{}{}
		default: // the edit in progress keeps it or ends it
		}
	})
	return true
}

// drop removes the editor's follower and returns it, or nil if there is none.
func (es *editors) drop(e *editor) *follower {
	es.mu.Lock()
	defer es.mu.Unlock()
	f := e.follower
	if f != nil {
		e.timer.Stop()
		es.followed -= f.size
		e.follower = nil
	}
	return f
}
