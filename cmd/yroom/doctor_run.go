package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/yroom/yroom/store"
)

const (
	// mostExamined is how many bytes of entries a room may have to be examined: all of
	// them are in memory at once, with the document that they make.
	mostExamined = 256 << 20
	roomsAtOnce  = 500 // ids that are read at once
)

// doctor examines a store, one room after another.
type doctor struct {
	store  inspection
	report *doctorReport
	repair *repair // nil: nothing is changed
	most   int
}

// run examines the rooms with these names, or, if there are none, the store and all its
// rooms. The error says why it could not.
func (d *doctor) run(ctx context.Context, names []string) error {
	all, err := d.store.Overview(ctx)
	switch {
	case errors.Is(err, store.ErrCorrupt):
		d.report.add(finding{Kind: kindFile, Detail: err.Error()})
		return nil
	case err != nil:
		return err
	case all.Schema < all.Knows:
		d.report.add(finding{Kind: kindOlder, Detail: fmt.Sprintf("its schema has version %d, and this build of yroom writes version %d", all.Schema, all.Knows)})
		return nil
	case all.Schema > all.Knows:
		d.report.add(finding{Kind: kindNewer, Detail: fmt.Sprintf("its schema has version %d, and this build of yroom knows versions up to %d", all.Schema, all.Knows)})
		return nil
	}
	if len(names) > 0 {
		return d.named(ctx, names)
	}
	if all.Strays > 0 {
		d.report.add(finding{Kind: kindStray, Detail: fmt.Sprintf("%d entries belong to rooms of which the store has no row", all.Strays)})
	}
	if err := d.structure(ctx); err != nil {
		return err
	}
	return d.all(ctx, all.Rooms)
}

// structure lets the store examine itself, if it can.
func (d *doctor) structure(ctx context.Context) error {
	self, ok := d.store.(interface {
		Check(ctx context.Context) (faults []string, err error)
	})
	if !ok {
		return nil
	}
	d.report.show("checking the structure of the file")
	faults, err := self.Check(ctx)
	if errors.Is(err, store.ErrCorrupt) {
		faults, err = append(faults, err.Error()), nil
	}
	if len(faults) > 0 {
		d.report.add(finding{Kind: kindFile, Detail: some(faults, len(faults))})
	}
	return err
}

// named examines rooms by name.
func (d *doctor) named(ctx context.Context, names []string) error {
	for _, name := range names {
		id, err := d.store.Find(ctx, unshownName(name))
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no room %s: yroom room list prints the names", shownName(name))
		}
		if err == nil {
			err = d.one(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// all examines all rooms. count is how many there are about.
func (d *doctor) all(ctx context.Context, count int) error {
	for last := int64(-1); ; {
		ids, err := d.store.Rooms(ctx, last, roomsAtOnce)
		if errors.Is(err, store.ErrCorrupt) {
			d.report.add(finding{Kind: kindFile, Detail: fmt.Sprintf("the list of rooms can't be read after the first %d: %v", d.report.Rooms, err)})
			err = nil
		}
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := d.one(ctx, id); err != nil {
				return err
			}
			d.report.show(fmt.Sprintf("%d of %d rooms, %d findings", d.report.Rooms, count, d.report.Findings))
		}
		last = ids[len(ids)-1]
	}
}

// one examines a room. The error is one of the store as a whole.
func (d *doctor) one(ctx context.Context, id int64) error {
	room, err := d.store.Read(ctx, id, d.most)
	switch {
	case errors.Is(err, store.ErrNotFound): // purged meanwhile
		return nil
	case err != nil && !errors.Is(err, store.ErrCorrupt):
		return err
	}
	x := examine(room, err)
	d.report.room(room, x.findings)
	if d.repair == nil || room.Deleted || x.unsafe() {
		return nil
	}
	done, err := d.repair.room(ctx, room)
	if done != "" {
		d.report.repaired(room.Room, done)
	}
	return err
}
