package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/store"
)

var (
	errBrief   = errors.New("sim: the store failed for a moment")
	errFault   = fmt.Errorf("%w: the store failed", store.ErrClosed)
	errCrashed = fmt.Errorf("%w: the server is dead", store.ErrClosed)
)

// disk is the store of all servers. It outlives them.
type disk struct {
	world *world
	logs  []*log // by room
}

// log is a room's log.
type log struct {
	store.Log

	last      store.Position // the last position that was taken
	first     store.Position // the first position after the last deletion
	deleted   bool
	deletions int

	durable *blocks.Store // everything that was stored since the last deletion
	ever    *blocks.Store // everything that was ever stored
	vector  vector        // the state vector of ever; nil if ever has changed since it was computed
}

func newDisk(w *world) *disk {
	d := &disk{world: w}
	for range roomNames {
		d.logs = append(d.logs, &log{durable: blocks.New(), ever: blocks.New()})
	}
	return d
}

func (l *log) put(data []byte) store.Position {
	l.last++
	l.Entries = append(l.Entries, store.Entry{Encoding: store.V1, Data: slices.Clone(data)})
	l.Positions = append(l.Positions, l.last)
	l.vector = nil
	return l.last
}

func (l *log) durableVector() vector {
	if l.vector == nil {
		l.vector = readVector(l.ever.StateVector())
	}
	return l.vector
}

// append stores an entry.
func (d *disk) append(room int, data []byte) (store.Position, error) {
	l := d.logs[room]
	if l.deleted {
		return 0, store.ErrDeleted
	}
	for _, doc := range []*blocks.Store{l.durable, l.ever} {
		if _, err := doc.Apply(slices.Clone(data), blocks.V1); err != nil {
			d.world.failf("%s: an update that can't be read was stored: %v", roomNames[room], err)
		}
	}
	d.world.tracef("%s: stored %d bytes at %d", roomNames[room], len(data), l.last+1)
	return l.put(data), nil
}

// create creates a room that doesn't exist.
func (d *disk) create(room int, data []byte) (store.Position, error) {
	l := d.logs[room]
	if l.last > 0 && !l.deleted {
		return 0, store.ErrExists
	}
	d.world.tracef("%s: created", roomNames[room])
	l.deleted = false
	return d.append(room, data)
}

// remove deletes a room.
func (d *disk) remove(room int) error {
	l := d.logs[room]
	switch {
	case l.last == 0:
		return store.ErrNotFound
	case l.deleted:
		return nil
	}
	d.world.tracef("%s: deleted", roomNames[room])
	d.world.seen.deletions++
	l.Log = store.Log{Generation: l.Generation + 1}
	l.last++ // the position of the deletion
	l.first, l.deleted, l.durable = l.last+1, true, blocks.New()
	l.deletions++
	return nil
}

// compact replaces the entries in read, and checks that the document is what it was.
func (d *disk) compact(room int, read store.Log, snapshot []byte) error {
	l := d.logs[room]
	switch {
	case l.deleted:
		return store.ErrDeleted
	case read.Generation != l.Generation:
		return store.ErrConflict
	}
	compacted, found := store.Log{Generation: l.Generation + 1}, 0
	for i, p := range l.Positions {
		e := l.Entries[i]
		if slices.Contains(read.Positions, p) {
			found++
			if p != read.Last() {
				continue
			}
			e = store.Entry{Encoding: store.V1, Data: slices.Clone(snapshot)}
		}
		compacted.Entries = append(compacted.Entries, e)
		compacted.Positions = append(compacted.Positions, p)
	}
	if found != len(read.Positions) {
		return store.ErrConflict
	}
	d.world.tracef("%s: replaced %d of %d entries by %d bytes", roomNames[room], found, len(l.Positions), len(snapshot))
	d.world.seen.compactions++
	l.Log, l.vector = compacted, nil
	if added, err := l.durable.Apply(snapshot, blocks.V1); added != nil || err != nil {
		d.world.failf("%s: a snapshot contains something that was not in the log (%v)", roomNames[room], err)
	}
	if held, err := l.document().Contains(l.durable.Encode(blocks.V1), blocks.V1); !held || err != nil {
		d.world.failf("%s: a compaction lost a part of the document (%v)", roomNames[room], err)
	}
	return nil
}

func (l *log) document() *blocks.Store {
	doc := blocks.New()
	for _, e := range l.Entries {
		if err := doc.Load(e.Data, blocks.V1); err != nil {
			panic(fmt.Sprint("what was stored can't be read: ", err)) // it was checked when it was stored
		}
	}
	return doc
}

// view is the store of one server, on the disk. The schedule determines how long a call
// takes. A call can fail before or after its work is done. If the server crashes, its
// calls end, with their work done or not.
type view struct {
	*server
	store.Unsupported // the simulation doesn't list rooms
}

// operation is a call of the store in progress.
type operation struct {
	of      *server
	ctx     context.Context
	wake    func()
	pending func() // the work of the call, which may or may not be done if the server crashes or stalls; nil: it is done, or never will be
}

func (v view) begin(ctx context.Context) *operation {
	o := &operation{of: v.server, ctx: ctx}
	v.operations = append(v.operations, o)
	return o
}

// work ends the wait for the work of the call, and does it if do is set and it was not
// done already.
func (o *operation) work(do bool) {
	work := o.pending
	o.pending = nil
	if do && work != nil {
		work()
	}
}

func (o *operation) end() {
	if i := slices.Index(o.of.operations, o); i >= 0 {
		o.of.operations = slices.Delete(o.of.operations, i, i+1)
	}
}

// pause lets other calls run.
func (o *operation) pause() error {
	w := o.of.world
	for n := w.rnd.IntN(3); n > 0; n-- {
		r := w.running
		woken := false
		o.wake = func() {
			if !woken {
				woken = true
				w.proceed(r)
			}
		}
		switch {
		case w.calm || w.chance(70):
			w.add(&o.of.life, o.wake)
		case w.chance(95):
			w.after(&o.of.life, w.within(w.pace), o.wake)
		default:
			w.after(&o.of.life, w.within(6*time.Second), o.wake)
		}
		r.yield(struct{}{})
		o.wake = nil
		if o.of.dead {
			return errCrashed
		}
	}
	return o.ctx.Err()
}

// fault returns the error of a call that fails, and nil otherwise. After errBrief, the
// call is repeated; after errFault, its room fails.
func (v view) fault() error {
	if v.world.calm || !v.world.chance(v.world.faults) {
		return nil
	}
	v.world.seen.faults++
	if v.world.chance(50) {
		return errBrief
	}
	return errFault
}

// Load implements store.Store.
func (v view) Load(ctx context.Context, name string) (store.Log, error) {
	room := roomIndex(name)
	r := &v.rooms[room]
	if r.opening && v.working == nil {
		v.working = ctx
	}
	opening := ctx == v.working && !v.reading && !v.dead // otherwise the load is for a compaction or a query
	v.reading, r.opening = false, false
	read, base, err := v.read(ctx, room, 0)
	if opening && (err == nil || errors.Is(err, store.ErrNotFound)) {
		r.loaded, r.base, r.shadow = true, base, nil
	}
	return read, err
}

// LoadAfter implements store.Store.
func (v view) LoadAfter(ctx context.Context, name string, after store.Position) (store.Log, error) {
	v.world.seen.catchUps++
	read, _, err := v.read(ctx, roomIndex(name), after)
	v.world.tracef("%s: server %d has loaded %d entries after %d: %v", name, v.nth, len(read.Entries), after, err)
	return read, err
}

// read returns the entries after a position, and the whole document at the same moment.
func (v view) read(ctx context.Context, room int, after store.Position) (read store.Log, base *blocks.Store, err error) {
	if v.dead {
		return store.Log{}, nil, errCrashed
	}
	o := v.begin(ctx)
	defer o.end()
	if err := o.pause(); err != nil {
		return store.Log{}, nil, err
	}
	l := v.world.disk.logs[room]
	read.Generation = l.Generation
	for i, e := range l.Entries {
		if l.Positions[i] > after {
			read.Entries = append(read.Entries, store.Entry{Encoding: e.Encoding, Data: slices.Clone(e.Data)})
			read.Positions = append(read.Positions, l.Positions[i])
		}
	}
	var result error
	switch {
	case l.last == 0:
		result = store.ErrNotFound
	case l.deleted, after != 0 && after < l.first:
		result = store.ErrDeleted
	}
	base = l.document()
	if err := o.pause(); err != nil {
		return store.Log{}, nil, err
	}
	if err := v.fault(); err != nil {
		if v.world.chance(25) {
			err = fmt.Errorf("%w: %w", store.ErrCorrupt, err)
		}
		return store.Log{}, nil, err
	}
	if result != nil {
		return store.Log{}, base, result
	}
	return read, base, nil
}

// Append implements store.Store.
func (v view) Append(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	return v.write(ctx, name, func(room int) (store.Position, error) { return v.world.disk.append(room, e.Data) })
}

// Create implements store.Store.
func (v view) Create(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	return v.write(ctx, name, func(room int) (store.Position, error) { return v.world.disk.create(room, e.Data) })
}

// Delete implements store.Store.
func (v view) Delete(ctx context.Context, name string) error {
	_, err := v.write(ctx, name, func(room int) (store.Position, error) { return 0, v.world.disk.remove(room) })
	return err
}

func (v view) write(ctx context.Context, name string, work func(room int) (store.Position, error)) (store.Position, error) {
	if v.dead {
		return 0, errCrashed
	}
	room := roomIndex(name)
	o := v.begin(ctx)
	defer o.end()
	var position store.Position
	var result error
	o.pending = func() { position, result = work(room) }
	err := o.pause()
	if err == nil && o.pending != nil {
		err = v.fault()
	}
	o.work(err == nil)
	if err := cmp.Or(err, result); err != nil {
		return 0, err
	}
	if err := o.pause(); err != nil {
		return 0, err
	}
	if err := v.fault(); err != nil {
		return 0, err
	}
	return position, nil
}

// Compact implements store.Store.
func (v view) Compact(ctx context.Context, name string, read store.Log, snapshot store.Entry) error {
	if v.dead {
		return errCrashed
	}
	room := roomIndex(name)
	o := v.begin(ctx)
	defer o.end()
	var result error
	o.pending = func() { result = v.world.disk.compact(room, read, snapshot.Data) }
	err := o.pause()
	if err == nil && o.pending != nil && !v.world.calm && v.world.chance(v.world.faults) {
		err = errFault
	}
	o.work(err == nil)
	if err := cmp.Or(err, result); err != nil {
		return err
	}
	if err := o.pause(); err != nil {
		return err
	}
	if !v.world.calm && v.world.chance(v.world.faults) {
		return errFault
	}
	return nil
}
