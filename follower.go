package yroom

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/yjs"
)

const (
	followedFor   = 5 * time.Second // after an edit, for the next one
	followedBytes = 16 << 20        // of all documents that are followed, encoded: as Docs they are about ten times as large
)

// follower is a Doc that is kept from one edit to the next, so that an edit
// costs what it changes, not what the document weighs.
type follower struct {
	doc     *yjs.Doc
	watcher *watcher // tells what others write; nil: there was no such room
	at      Mark
	size    int // bytes of the updates it was made of
}

// follow makes a follower of the document as it is. Where there is no such room
// it is empty, and follows nothing.
func (d *Document) follow(ctx context.Context) (*follower, error) {
	f := &follower{doc: yjs.New()}
	w, c, err := d.watch(ctx, Mark{})
	switch {
	case errors.Is(err, ErrUnavailable):
		return f, nil
	case err != nil:
		return nil, err
	}
	f.watcher = w
	if err := f.take(c); err != nil {
		f.end(ctx)
		return nil, err
	}
	return f, nil
}

func (f *follower) take(c Change) error {
	f.at = c.At
	f.size += len(c.Update)
	if c.Update == nil {
		return nil
	}
	return integrated(f.doc.Apply(c.Update, V1))
}

var (
	errBehind   = errors.New("yroom: the room is elsewhere")
	errStranger = errors.New("yroom: somebody has kept the Doc of an edit, and changed it")
)

// catchUp takes in what the room gained since the last edit. After an error the
// follower is of no use.
func (f *follower) catchUp(ctx context.Context) error {
	// What the room gained before it answers is told before the answer.
	a, err := f.watcher.document.query(ctx, room.Ask{Bare: true})
	if err != nil {
		return err
	}
	c, ok, err := f.watcher.next(ctx)
	if err == nil && ok {
		err = f.take(c)
	}
	switch {
	case err != nil:
		return err
	case f.at.Seq < a.At.Seq || !f.at.Opened.Equal(a.At.Opened):
		return errBehind
	case f.at.Seq > a.At.Seq: // others have written since the answer
		return nil
	case !bytes.Equal(f.doc.StateVector(), a.Vector):
		return errStranger
	}
	return nil
}

// end lets the room go, also where ctx has ended.
func (f *follower) end(ctx context.Context) {
	if f.watcher != nil {
		f.watcher.close(ctx)
	}
}

// document gives the writer a Doc of the document as it is now, which it has to
// keep or to end.
func (ws *writers) document(ctx context.Context, d *Document, w *writer) (*follower, error) {
	if f := ws.drop(w); f != nil {
		if err := f.catchUp(ctx); err == nil {
			return f, nil
		}
		f.end(ctx)
	}
	return d.follow(ctx)
}

// keep keeps a follower for the writer's next edit, a while and if there is room.
func (ws *writers) keep(ctx context.Context, w *writer, f *follower) {
	f.doc.ForgetRootKinds()
	if f.watcher == nil || !ws.hold(ctx, w, f) {
		f.end(ctx)
	}
}

// hold makes f the writer's follower, if there is room.
func (ws *writers) hold(ctx context.Context, w *writer, f *follower) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.followed+f.size > followedBytes {
		return false
	}
	ws.followed += f.size
	w.follower = f
	w.over = time.AfterFunc(followedFor, func() {
		select {
		case <-w.turn:
			if f := ws.drop(w); f != nil {
				f.end(ctx)
			}
			w.turn <- struct{}{}
		default: // somebody edits, and will see to it
		}
	})
	return true
}

// drop takes the writer's follower away from it; nil: there is none.
func (ws *writers) drop(w *writer) *follower {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	f := w.follower
	if f != nil {
		w.over.Stop()
		ws.followed -= f.size
		w.follower = nil
	}
	return f
}
