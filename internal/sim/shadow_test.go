package sim

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// shadow records what the outputs of a room reveal about its document at each Mark of
// an epoch. That is less than the document if the room made changes while it had no
// connections, because it didn't broadcast them.
type shadow struct {
	world   *world
	doc     *blocks.Store
	epoch   uint64
	vectors map[uint64]vector // by sequence: the least that a client with that Mark must have
}

// newShadow returns the shadow of a room that has loaded doc, which it owns.
func newShadow(w *world, doc *blocks.Store) *shadow {
	return &shadow{world: w, doc: doc, vectors: map[uint64]vector{1: readVector(doc.StateVector())}}
}

// see records an output that reveals document state.
func (s *shadow) see(out *event.Output) {
	w := s.world
	if s.epoch == 0 {
		s.epoch = out.Mark.Epoch
		w.shadows[s.epoch] = s
	}
	if out.Mark.Epoch != s.epoch {
		w.failf("a room of epoch %x sent a message of epoch %x", s.epoch, out.Mark.Epoch)
		return
	}
	if out.Message.Type == protocol.Update && out.To == event.Everyone {
		if _, err := s.doc.Apply(out.Message.Data, blocks.V1); err != nil {
			w.failf("a broadcast can't be read: %v", err)
		}
		s.vectors[out.Mark.Seq] = readVector(s.doc.StateVector())
	}
	if out.Vector != nil {
		s.vectors[out.Mark.Seq] = s.vectors[out.Mark.Seq].join(readVector(out.Vector))
	}
}

// at returns the least that a client with the Mark m must have.
func (w *world) at(m event.Mark) vector {
	if s := w.shadows[m.Epoch]; s != nil {
		return s.vectors[m.Seq]
	}
	return nil
}
