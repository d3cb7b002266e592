package room

import (
	"cmp"
	"slices"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
)

// Summary is what a room costs nothing to tell about itself.
type Summary struct {
	Conns   int       // connections
	Clients int       // of the awareness: who is shown to the others
	Size    int       // of the document in bytes, as blocks.Store.Size counts
	Changed time.Time // when the document last gained something in a turn; zero: not since it was loaded
}

// Answer is what a room tells who asks about it.
type Answer struct {
	Summary

	Seq     uint64            // the document's sequence
	Update  []byte            // V1: what is new since the sequence that was asked about; nil: nothing is
	Members []Member          // by ascending ID
	States  []awareness.State // by ascending client id
}

// Member is a connection in the room.
type Member struct {
	ID     ConnID
	Access Access
}

// Summary tells about the room. It is called between turns.
func (r *Room) Summary() Summary {
	return Summary{
		Conns:   len(r.conns),
		Clients: r.awareness.Len(),
		Size:    r.blocks.Size(),
		Changed: r.edited,
	}
}

// Query tells about the room, with what its document gained after the sequence
// since; 0: all of it. It is called between turns. The answer reveals document
// state: give it out once the Updates of all turns before are durable. The caller
// owns it.
func (r *Room) Query(since uint64) Answer {
	a := Answer{
		Summary: r.Summary(),
		Seq:     r.seq,
		Members: make([]Member, 0, len(r.conns)),
		States:  r.awareness.States(),
	}
	for id, m := range r.conns {
		a.Members = append(a.Members, Member{id, m.access})
	}
	slices.SortFunc(a.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	if since != r.seq {
		a.Update = must(r.blocks.Diff(r.vectorAt(since), blocks.V1))
	}
	return a
}

// vectorAt is a state vector that whoever has the document's sequence seq is past.
func (r *Room) vectorAt(seq uint64) []byte {
	if seq > r.seq {
		return emptyVector // it is of an earlier life of this room
	}
	return r.marks.before(seq)
}
