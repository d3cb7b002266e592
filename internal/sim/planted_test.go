package sim

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
)

// plant is a fault that is put between the worker and what it works with, to
// see that the simulation finds it. The zero value is none.
type plant struct {
	layer func(line) layer.Layer
	store func(view) store.Store
	found string // how the failure reads
}

func (p plant) inLayer(l line) layer.Layer {
	if p.layer == nil {
		return l
	}
	return p.layer(l)
}

func (p plant) inStore(v view) store.Store {
	if p.store == nil {
		return v
	}
	return p.store(v)
}

// TestPlantedFaultsAreFound holds that each of these is found soon.
func TestPlantedFaultsAreFound(t *testing.T) {
	plants := map[string]plant{
		"a broadcast before the append":        {layer: func(l line) layer.Layer { return eager{l} }, found: "reveals what is not durable"},
		"a SyncStep1 answered from memory":     {layer: func(l line) layer.Layer { return &memory{line: l} }, found: "reveals what is not durable"},
		"an update that is lost on its way":    {layer: func(l line) layer.Layer { return &losing{line: l} }, found: "what it had taken is not stored"},
		"an append acknowledged too early":     {store: func(v view) store.Store { return early{v} }, found: "reveals what is not durable"},
		"an append that says it failed not":    {store: func(v view) store.Store { return silent{v} }, found: "reveals what is not durable"},
		"a load that failed served as empty":   {store: func(v view) store.Store { return forgiving{v} }, found: "from a room that was not loaded"},
		"a compaction from memory":             {store: func(v view) store.Store { return &remembering{view: v} }, found: "a snapshot holds what the log did not"},
		"a compaction of everything up to now": {store: func(v view) store.Store { return upToNow{v} }, found: "a compaction lost some of the document"},
	}
	for name, planted := range plants {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				r := simulate(t, seed, planted, nil)
				if strings.Contains(r.failure, planted.found) {
					t.Log("found: " + r.failure)
					return
				}
			}
			t.Error("was not found")
		})
	}
}

// eager delivers an update to everybody as soon as it is on its way to the room.
type eager struct{ line }

func (l eager) Serve(ctx context.Context, handle func(layer.Input) error) error {
	return l.line.Serve(ctx, func(in layer.Input) error {
		data := slices.Clone(in.Msg.Data)
		err := handle(in)
		if err == nil && in.Msg.Type == protocol.Update && l.process.rooms[roomIndex(in.Room)].loaded {
			out := room.Output{Msg: protocol.Message{Type: protocol.Update, Data: data}}
			return l.Deliver(ctx, []layer.Output{{Room: in.Room, Output: out}})
		}
		return err
	})
}

// memory puts what it has seen on its way to the room into the answers to SyncStep1.
type memory struct {
	line

	docs [3]*blocks.Store
}

func (l *memory) Serve(ctx context.Context, handle func(layer.Input) error) error {
	for i := range l.docs {
		l.docs[i] = blocks.New()
	}
	return l.line.Serve(ctx, func(in layer.Input) error {
		if in.Msg.Type == protocol.Update {
			_, _ = l.docs[roomIndex(in.Room)].Apply(in.Msg.Data, blocks.V1)
		}
		return handle(in)
	})
}

func (l *memory) Deliver(ctx context.Context, outs []layer.Output) error {
	outs = slices.Clone(outs)
	for i := range outs {
		if outs[i].Msg.Type == protocol.SyncStep2 {
			data, err := blocks.Merge(blocks.V1, outs[i].Msg.Data, l.docs[roomIndex(outs[i].Room)].Encode(blocks.V1))
			if err != nil {
				return err
			}
			outs[i].Msg.Data = data
		}
	}
	return l.line.Deliver(ctx, outs)
}

// losing loses some updates.
type losing struct {
	line

	n int
}

func (l *losing) Serve(ctx context.Context, handle func(layer.Input) error) error {
	return l.line.Serve(ctx, func(in layer.Input) error {
		if in.Msg.Type == protocol.Update {
			if l.n++; l.n%50 == 0 {
				return nil
			}
		}
		return handle(in)
	})
}

// early says that an append has ended when it has begun.
type early struct{ view }

func (s early) Append(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	e.Data = slices.Clone(e.Data)
	s.start(func() { _, _ = s.view.Append(ctx, name, e) })
	return 1, nil
}

// silent does not say that an append has failed.
type silent struct{ view }

func (s silent) Append(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	_, _ = s.view.Append(ctx, name, e)
	return 1, nil
}

// forgiving gives an empty log for one that can't be read.
type forgiving struct{ view }

func (s forgiving) Load(ctx context.Context, name string) (store.Log, error) {
	read, err := s.view.Load(ctx, name)
	if err != nil {
		return store.Log{}, store.ErrNotFound
	}
	return read, nil
}

// remembering makes snapshots of what it has been given, stored or not.
type remembering struct {
	view

	docs [3]*blocks.Store
}

func (s *remembering) Append(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	if i := roomIndex(name); s.docs[i] == nil {
		s.docs[i] = blocks.New()
	}
	if _, err := s.docs[roomIndex(name)].Apply(e.Data, blocks.V1); err != nil {
		return 0, err
	}
	return s.view.Append(ctx, name, e)
}

func (s *remembering) Compact(ctx context.Context, name string, read store.Log, snapshot store.Entry) error {
	if doc := s.docs[roomIndex(name)]; doc != nil {
		data, err := blocks.Merge(blocks.V1, snapshot.Data, doc.Encode(blocks.V1))
		if err != nil {
			return err
		}
		snapshot.Data = data
	}
	return s.view.Compact(ctx, name, read, snapshot)
}

// upToNow replaces all that is in the log, whatever was read.
type upToNow struct{ view }

func (s upToNow) Compact(ctx context.Context, name string, _ store.Log, snapshot store.Entry) error {
	all := s.world.disk.logs[roomIndex(name)].Log
	return s.view.Compact(ctx, name, store.Log{Positions: slices.Clone(all.Positions), Generation: all.Generation}, snapshot)
}
