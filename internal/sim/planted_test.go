package sim

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

// plant is a fault between a worker and its layer or its store, planted to check that
// the simulation finds it. The zero value plants no fault.
type plant struct {
	handle  func(s *server, in *layer.Input) (dropped bool) // called with each input before the worker handles it
	deliver func(s *server, outs []layer.Output)            // may change outputs before they are passed to the layer
	store   func(view) store.Store

	deletes    int    // see world.deletes
	rights     bool   // clients count their updates, and programs judge connections
	unreported bool   // losses are not reported to consumers
	late       bool   // inputs are passed to workers after they were drained
	unheard    bool   // consumers don't handle what they receive from workers
	unaware    bool   // workers are not told which fronts have lost something or are gone
	newest     bool   // connections claim the newest state vector of their Mark's epoch
	found      string // texts, separated by |, of which the failure contains one
}

func (p plant) inLayer(l endpoint) layer.Layer {
	if p.handle == nil && p.deliver == nil && !p.unaware {
		return l
	}
	return planted{l, p}
}

func (p plant) inStore(v view) store.Store {
	if p.store == nil {
		return v
	}
	return p.store(v)
}

// planted is a worker's end of the layer, with a planted fault.
type planted struct {
	endpoint
	plant plant
}

func (l planted) Serve(h layer.BackHandler) (layer.Back, error) {
	if hook := l.plant.handle; hook != nil {
		handle := h.Handle
		h.Handle = func(in layer.Input) error {
			if hook(l.of, &in) {
				return nil
			}
			return handle(in)
		}
	}
	if l.plant.unaware {
		h.Lost, h.Gone = func(layer.Address) {}, func(layer.Address) {}
	}
	b, err := l.endpoint.Serve(h)
	if l.plant.deliver == nil {
		return b, err
	}
	return plantedBack{b, l}, err
}

type plantedBack struct {
	layer.Back
	planted planted
}

func (b plantedBack) Deliver(outs []layer.Output) {
	outs = slices.Clone(outs)
	b.planted.plant.deliver(b.planted.of, outs)
	b.Back.Deliver(outs)
}

// TestPlantedFaultsAreFound checks that each of these is found soon.
func TestPlantedFaultsAreFound(t *testing.T) {
	testkit.SkipUnderRace(t)
	const late = "differ|lacks a part|sees"
	plants := map[string]plant{
		"a broadcast before the append":            {handle: broadcastEarly, found: "reveals what is not durable"},
		"a SyncStep1 answered from memory":         {handle: remember, deliver: answerFromMemory, found: "reveals what is not durable"},
		"an input that is dropped":                 {handle: drop, found: "updates that it had accepted are not stored|" + late},
		"a Leave that is lost":                     {handle: loseLeave, found: late},
		"a Leave that was not sent":                {handle: leaveEarly, found: "lacks connections"},
		"fronts that are gone, unnoticed":          {unaware: true, found: "connections that don't exist"},
		"a state vector newer than the Mark":       {newest: true, found: "lacks a part of the state vector"},
		"a sequence of another epoch":              {handle: otherEpoch, found: late},
		"a Mark ahead of what is sent":             {deliver: markAhead, found: late},
		"a state vector ahead of what is sent":     {deliver: vectorAhead, found: late},
		"losses that aren't reported":              {unreported: true, found: late},
		"a response that is lost":                  {deliver: loseResponse, found: "watches"},
		"inputs after a drain":                     {late: true, found: "after the worker was drained"},
		"a worker that is heard and given up":      {unheard: true, found: "was given up by"},
		"an ack before the append":                 {handle: ackEarly, rights: true, found: "acknowledged that is not stored"},
		"an ack that is lost":                      {deliver: loseAck, rights: true, found: "waits for the answers"},
		"an ack too many":                          {deliver: ackTwice, rights: true, found: "were answered, which has sent"},
		"a SyncStep1 that isn't answered with one": {deliver: loseQuestion, rights: true, found: "as unsaved"},
		"an expel that is answered too early":      {handle: expelEarly, rights: true, found: "its connection is open"},
		"a right that comes back":                  {handle: giveBack, rights: true, found: "that may only read was stored"},
		"an append acknowledged too early":         {store: func(v view) store.Store { return early{v} }, found: "reveals what is not durable"},
		"an append that hides its failure":         {store: func(v view) store.Store { return silent{v} }, found: "reveals what is not durable"},
		"positions that hide another worker":       {store: func(v view) store.Store { return &gapless{view: v} }, found: late},
		"a deletion that checks don't find":        {store: func(v view) store.Store { return undeleted{v} }, deletes: 60, found: late},
		"a load that failed, served as empty":      {store: func(v view) store.Store { return forgiving{v} }, found: "from a room that was not loaded"},
		"a compaction from memory":                 {store: func(v view) store.Store { return &remembering{view: v} }, found: "a snapshot contains something that was not in the log"},
		"a compaction of everything up to now":     {store: func(v view) store.Store { return upToNow{v} }, found: "a compaction lost a part of the document"},
	}
	for name, planted := range plants {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			for seed := range uint64(200) {
				r := simulate(t, seed, planted, nil)
				if r.failure == "" {
					continue
				}
				for text := range strings.SplitSeq(planted.found, "|") {
					if strings.Contains(r.failure, text) {
						t.Logf("found in world %d after %s: %s", seed, time.Since(began).Round(time.Millisecond), r.failure)
						return
					}
				}
			}
			t.Error("was not found")
		})
	}
}

// broadcastEarly delivers an update to all connections before the room has handled it.
func broadcastEarly(s *server, in *layer.Input) bool {
	if in.Message.Type == protocol.Update && s.rooms[roomIndex(in.Room)].loaded {
		s.back.Deliver([]layer.Output{{Room: in.Room, To: in.From, Output: event.Output{
			Kind: event.OutputMessage, Message: protocol.Message{Type: protocol.Update, Data: slices.Clone(in.Message.Data)},
		}}})
	}
	return false
}

// ackEarly acknowledges an update before the room has handled it.
func ackEarly(s *server, in *layer.Input) bool {
	if in.Message.Type == protocol.Update && s.rooms[roomIndex(in.Room)].loaded {
		s.back.Deliver([]layer.Output{{Room: in.Room, To: in.From, Output: event.Output{
			Kind: event.OutputMessage, To: in.Conn, Message: protocol.Message{Type: protocol.Ack, Count: 1},
		}}})
	}
	return false
}

// loseAck loses some acks.
func loseAck(s *server, outs []layer.Output) {
	for i := range outs {
		if outs[i].Message.Type == protocol.Ack && s.world.chance(5) {
			outs[i].To = ""
		}
	}
}

// ackTwice acknowledges some updates twice.
func ackTwice(s *server, outs []layer.Output) {
	for i := range outs {
		if outs[i].Message.Type == protocol.Ack && s.world.chance(5) {
			outs[i].Message.Count++
		}
	}
}

// loseQuestion loses some SyncStep1.
func loseQuestion(s *server, outs []layer.Output) {
	for i := range outs {
		if outs[i].Message.Type == protocol.SyncStep1 && s.world.chance(5) {
			outs[i].To = ""
		}
	}
}

// expelEarly responds to an expel before the room has handled it.
func expelEarly(s *server, in *layer.Input) bool {
	if in.Kind == event.InputRequest && in.Request.Kind == event.RequestExpel {
		s.back.Deliver([]layer.Output{{Room: in.Room, To: in.From, Output: event.Output{
			Kind: event.OutputResponse, To: in.Conn, Response: &event.Response{Count: 1},
		}}})
	}
	return false
}

// giveBack lets connections write that join again after a program has changed their access.
func giveBack(_ *server, in *layer.Input) bool {
	if in.Kind == event.InputJoin && in.AccessSeq > 0 {
		in.Access |= event.AccessWrite
	}
	return false
}

// remember keeps the updates that are sent to the room, for answerFromMemory.
func remember(s *server, in *layer.Input) bool {
	if in.Message.Type == protocol.Update {
		_, _ = s.memory(in.Room).Apply(in.Message.Data, blocks.V1)
	}
	return false
}

func answerFromMemory(s *server, outs []layer.Output) {
	for i := range outs {
		if outs[i].Message.Type == protocol.SyncStep2 {
			data, err := blocks.Merge(blocks.V1, outs[i].Message.Data, s.memory(outs[i].Room).Encode(blocks.V1))
			if err != nil {
				panic(err)
			}
			outs[i].Message.Data = data
		}
	}
}

// memory returns a document with the updates that were sent to a room.
func (s *server) memory(room string) *blocks.Store {
	if s.remembered == nil {
		s.remembered = make(map[string]*blocks.Store)
	}
	doc := s.remembered[room]
	if doc == nil {
		doc = blocks.New()
		s.remembered[room] = doc
	}
	return doc
}

// drop drops some updates.
func drop(s *server, in *layer.Input) bool {
	return in.Message.Type == protocol.Update && s.world.chance(2)
}

// loseLeave loses each Leave.
func loseLeave(_ *server, in *layer.Input) bool { return in.Kind == event.InputLeave }

// leaveEarly takes some connections out of their rooms while they still exist. They are
// those of clients that can't change anything, so no client sees a difference.
func leaveEarly(s *server, in *layer.Input) bool {
	w, leave := s.world, *in
	access, joined := w.access[in.Conn]
	if joined && access == event.AccessRead && in.Kind != event.InputLeave && w.chance(50) {
		leave.Input = event.Input{Kind: event.InputLeave, Conn: in.Conn}
		w.add(&s.life, func() { _ = s.handle(leave) })
	}
	return false
}

// otherEpoch replaces the epoch in the Mark of a connection that joins again by the
// room's current epoch, as if sequences of different epochs could be compared.
func otherEpoch(s *server, in *layer.Input) bool {
	if sh := s.rooms[roomIndex(in.Room)].shadow; sh != nil && in.Mark.Epoch != 0 {
		in.Mark.Epoch = sh.epoch
	}
	return false
}

// loseResponse loses some responses.
func loseResponse(s *server, outs []layer.Output) {
	for i := range outs {
		if outs[i].Kind == event.OutputResponse && s.world.chance(5) {
			outs[i].To = ""
		}
	}
}

// markAhead changes the Mark of an answer to that of the broadcast that follows it.
func markAhead(s *server, outs []layer.Output) {
	for i := range outs {
		if outs[i].Message.Type == protocol.SyncStep2 && s.world.chance(20) {
			outs[i].Mark.Seq++
		}
	}
}

// vectorAhead sends state vectors of everything that is stored.
func vectorAhead(s *server, outs []layer.Output) {
	for i := range outs {
		if outs[i].Vector != nil && s.world.chance(50) {
			outs[i].Vector = s.world.disk.logs[roomIndex(outs[i].Room)].durable.StateVector()
		}
	}
}

// early returns from an append before the entry is stored.
type early struct{ view }

func (s early) Append(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	e.Data = slices.Clone(e.Data)
	s.start(func() { _, _ = s.view.Append(ctx, name, e) })
	return 0, nil
}

// silent hides the errors of appends.
type silent struct{ view }

func (s silent) Append(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	position, _ := s.view.Append(ctx, name, e)
	return position, nil
}

// gapless returns consecutive positions for the appends of its own worker, whatever
// others append.
type gapless struct {
	view

	last [3]store.Position
}

func (s *gapless) Load(ctx context.Context, name string) (store.Log, error) {
	read, err := s.view.Load(ctx, name)
	if err == nil {
		s.last[roomIndex(name)] = read.Last()
	}
	return read, err
}

func (s *gapless) Append(ctx context.Context, name string, e store.Entry) (store.Position, error) {
	_, err := s.view.Append(ctx, name, e)
	s.last[roomIndex(name)]++
	return s.last[roomIndex(name)], err
}

// undeleted returns no entries from a check of a room that was deleted.
type undeleted struct{ view }

func (s undeleted) LoadAfter(ctx context.Context, name string, after store.Position) (store.Log, error) {
	read, err := s.view.LoadAfter(ctx, name, after)
	if errors.Is(err, store.ErrDeleted) {
		return store.Log{}, nil
	}
	return read, err
}

// forgiving returns an empty log if the log can't be read.
type forgiving struct{ view }

func (s forgiving) Load(ctx context.Context, name string) (store.Log, error) {
	read, err := s.view.Load(ctx, name)
	if err != nil {
		return store.Log{}, store.ErrNotFound
	}
	return read, nil
}

// remembering makes snapshots of everything that was passed to Append, whether it was
// stored or not.
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

// upToNow replaces all entries of the log, not only those that were read.
type upToNow struct{ view }

func (s upToNow) Compact(ctx context.Context, name string, _ store.Log, snapshot store.Entry) error {
	all := s.world.disk.logs[roomIndex(name)].Log
	return s.view.Compact(ctx, name, store.Log{Positions: slices.Clone(all.Positions), Generation: all.Generation}, snapshot)
}
