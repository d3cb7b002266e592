package yroom

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/yjs"
)

// Edit has fn change the document, in one transaction on a Doc that must not be
// used afterwards. What it changed goes through the room as anybody's edit does: when
// Edit returns nil, it is durable, and on its way to everybody in the room. What
// others write meanwhile is neither seen by fn nor lost. A room that is not
// there is made, unless it was deleted.
//
// Where fn returns an error, that is what Edit returns, and nothing is changed.
// Other errors are those of Apply, and ErrConflict.
//
// The Doc is kept for a few seconds, if the documents that are kept aren't too
// large, and follows the room meanwhile: many edits in a row cost what they
// change. The first costs as much as to read the document.
//
// Edits of one room follow each other, in one process; those that wait do so as
// long as their ctx lets them. So fn must not edit the room by an Edit of its own,
// which would wait for this one. All of them have one client id in the document,
// so that a thousand edits leave no more behind in it than one does. An id is
// given up for a new one as soon as it is not certain that the document has all
// that was ever written with it, and nothing else: after an edit that failed in
// any way, and when the document was made anew. The room refuses what was written
// with an id that another process has written with meanwhile: that is ErrConflict.
func (d *Document) Edit(ctx context.Context, fn func(*yjs.Doc) error) error {
	return d.edit(ctx, "", fn)
}

// EditAs is Edit by somebody whom the others see among the people in the room,
// from when fn begins until a few seconds after the edit.
func (d *Document) EditAs(ctx context.Context, who Presence, fn func(*yjs.Doc) error) error {
	state, err := who.state()
	if err != nil {
		return err
	}
	return d.edit(ctx, state, fn)
}

// edit shows state among the people meanwhile, unless it is "".
func (d *Document) edit(ctx context.Context, state string, fn func(*yjs.Doc) error) error {
	w, err := d.server.writers.enter(ctx, d.room)
	if err != nil {
		return err
	}
	defer d.server.writers.leave(w)

	f, err := d.server.writers.document(ctx, d, w)
	if err != nil {
		return err
	}
	kept := false
	defer func() {
		if !kept {
			f.end(ctx)
		}
	}()
	doc := f.doc
	w.identify(doc.StateVector())
	doc.SetClientID(w.client)
	if state != "" {
		defer d.present(ctx, w, state)()
	}
	before := w.spend()
	update, err := doc.Transact(func() error { return fn(doc) })
	if err != nil && update != nil {
		return err
	}
	if update != nil {
		ask := room.Ask{Update: update, Client: before.client, Clock: before.clock}
		if _, err := d.server.line.ask(ctx, d.room, room.Apply, ask); err != nil {
			return err
		}
	}
	w.identity = identity{before.client, blocks.ClockOf(doc.StateVector(), before.client)}
	kept = true
	d.server.writers.keep(ctx, w, f)
	return err
}

// identity is a client id and how many elements were written with it. Client 0: none.
type identity struct{ client, clock uint64 }

// writer makes a process's edits of one room, one at a time.
type writer struct {
	identity

	turn  chan struct{} // holds one while nobody edits
	users int           // who edit or wait for it
	shown *shown        // nil: nobody is

	follower *follower   // nil: there is none
	over     *time.Timer // when it is dropped
}

// identify sees to it that the writer has an id with which it can go on in a
// document with this state vector.
func (w *writer) identify(vector []byte) {
	if w.client != 0 && blocks.ClockOf(vector, w.client) == w.clock {
		return
	}
	w.identity = identity{}
	for w.client == 0 || blocks.ClockOf(vector, w.client) > 0 {
		w.client = uint64(rand.Uint32()) // as yjs does
	}
}

// spend gives the id for an edit. The next edit has a new one, unless this one is
// set again.
func (w *writer) spend() identity {
	now := w.identity
	w.identity = identity{}
	return now
}

// maxWriters is how many rooms' writers are remembered, beside those in use.
const maxWriters = 4096

// writers are those of each room.
type writers struct {
	mu       sync.Mutex
	all      map[string]*writer
	followed int // bytes of all followers
}

// enter waits for the turn of an edit.
func (ws *writers) enter(ctx context.Context, name string) (*writer, error) {
	ws.mu.Lock()
	w := ws.all[name]
	if w == nil {
		if len(ws.all) >= maxWriters {
			ws.forget()
		}
		w = &writer{turn: make(chan struct{}, 1)}
		w.turn <- struct{}{}
		if ws.all == nil {
			ws.all = make(map[string]*writer)
		}
		ws.all[name] = w
	}
	w.users++
	ws.mu.Unlock()
	select {
	case <-w.turn:
		return w, nil
	case <-ctx.Done():
		ws.mu.Lock()
		w.users--
		ws.mu.Unlock()
		return nil, ended(ctx)
	}
}

func (ws *writers) leave(w *writer) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.users--
	w.turn <- struct{}{}
}

// forget drops the writers that nobody uses. Their next edits have new ids.
func (ws *writers) forget() {
	for name, w := range ws.all {
		if w.users == 0 {
			delete(ws.all, name)
		}
	}
}
