package document

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/yjs"
)

// Edit calls fn to change the document, in one transaction on a Doc that must not
// be used afterwards. The room handles the change like a client's edit: when Edit
// returns nil, it is durable, and on its way to all connections of the room. fn doesn't
// see what others write meanwhile, which is merged. Edit creates a room that doesn't
// exist, unless it was deleted.
//
// If fn returns an error, Edit returns it and changes nothing. Other errors are
// those of Apply, and ErrConflict.
//
// The Doc is kept for a few seconds and follows the room meanwhile, unless the
// documents that are kept are too large: of many edits in a row, each costs as much as
// it changes. The first one costs as much as reading the document.
//
// Edits of one room by one Documents follow each other, and wait for their turn as
// long as their ctx allows. So fn must not call Edit for the same room, which would
// wait for itself. All edits have one client id in the document, so that a thousand of
// them add no more clients to it than one does. The id is replaced as soon as it is not
// certain that the document holds exactly what was written with it: after an edit that
// failed in any way, and when the room was deleted and created again. If another
// process has written with the id meanwhile, the room refuses the edit, and the error
// is ErrConflict.
func (d *Document) Edit(ctx context.Context, fn func(*yjs.Doc) error) error {
	return d.edit(ctx, "", fn)
}

// EditAs is Edit with a presence that the clients in the room see, from the
// beginning of fn until a few seconds after the edit.
func (d *Document) EditAs(ctx context.Context, p Presence, fn func(*yjs.Doc) error) error {
	state, err := p.state()
	if err != nil {
		return err
	}
	return d.edit(ctx, state, fn)
}

// edit edits the document, and shows the awareness state meanwhile unless it is empty.
func (d *Document) edit(ctx context.Context, state string, fn func(*yjs.Doc) error) error {
	if err := checkName(d.room); err != nil {
		return err
	}
	es := &d.documents.editors
	e, err := es.enter(ctx, d.room)
	if err != nil {
		return err
	}
	defer es.leave(e)

	f, err := es.follower(ctx, d, e)
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
	e.identify(doc.StateVector())
	doc.SetClientID(e.client)
	if state != "" {
		defer d.present(ctx, e, state)()
	}
	before := e.takeIdentity()
	update, err := doc.Transact(func() error { return fn(doc) })
	if err != nil && update != nil {
		return err
	}
	if update != nil {
		if err := d.applyAs(ctx, before, update); err != nil {
			return err
		}
	}
	e.identity = identity{before.client, blocks.ClockOf(doc.StateVector(), before.client)}
	kept = true
	es.keep(ctx, e, f)
	return err
}

// applyAs applies an update that was written with an identity.
func (d *Document) applyAs(ctx context.Context, id identity, update []byte) error {
	ctx, cancel := withTimeout(ctx, len(update))
	defer cancel()
	_, err := d.documents.request(ctx, d.room, func() event.Request {
		return event.Request{Kind: event.RequestApply, Update: update, Client: id.client, Clock: id.clock} // the request is sent only once
	})
	return err
}

// identity is a client id and the number of elements that were written with it. Client
// 0 means that there is no identity.
type identity struct{ client, clock uint64 }

// editor carries out the edits of one room, one at a time.
type editor struct {
	identity

	turn     chan struct{} // holds one value while no edit is in progress
	users    int           // how many edits are in progress or wait; guarded by editors.mu
	presence *presence     // nil: none is shown

	follower *follower   // nil: there is none; guarded by editors.mu
	timer    *time.Timer // drops the follower
}

// identify takes a new client id if the editor has none that it can use in a document
// with this state vector.
func (e *editor) identify(vector []byte) {
	if e.client != 0 && blocks.ClockOf(vector, e.client) == e.clock {
		return
	}
	e.identity = identity{}
	for e.client == 0 || blocks.ClockOf(vector, e.client) > 0 {
		e.client = uint64(rand.Uint32()) // as yjs does
	}
}

// takeIdentity returns the editor's identity and removes it: the next edit has
// a new one, unless this one is set again.
func (e *editor) takeIdentity() identity {
	id := e.identity
	e.identity = identity{}
	return id
}

// maxEditors is how many rooms' editors are remembered, in addition to those in use.
const maxEditors = 4096

// editors are the editors of a Documents by the names of their rooms.
type editors struct {
	mu       sync.Mutex
	all      map[string]*editor
	followed int  // bytes of all followers
	closed   bool // followers are no longer kept
}

// enter waits until no other edit of the room is in progress.
func (es *editors) enter(ctx context.Context, name string) (*editor, error) {
	es.mu.Lock()
	e := es.all[name]
	if e == nil {
		if len(es.all) >= maxEditors {
			es.forget()
		}
		e = &editor{turn: make(chan struct{}, 1)}
		e.turn <- struct{}{}
		if es.all == nil {
			es.all = make(map[string]*editor)
		}
		es.all[name] = e
	}
	e.users++
	es.mu.Unlock()
	select {
	case <-e.turn:
		return e, nil
	case <-ctx.Done():
		es.mu.Lock()
		e.users--
		es.mu.Unlock()
		return nil, contextError(ctx)
	}
}

func (es *editors) leave(e *editor) {
	es.mu.Lock()
	defer es.mu.Unlock()
	e.users--
	e.turn <- struct{}{}
}

// forget drops the editors that are not in use. The next edits of their rooms have new
// ids.
func (es *editors) forget() {
	for name, e := range es.all {
		if e.users == 0 {
			delete(es.all, name)
		}
	}
}

// close drops all followers. From then on none is kept. The layer ends their watches
// when its front is closed.
func (es *editors) close() {
	es.mu.Lock()
	es.closed = true
	all := make([]*editor, 0, len(es.all))
	for _, e := range es.all {
		all = append(all, e)
	}
	es.mu.Unlock()
	for _, e := range all {
		es.drop(e)
	}
}
