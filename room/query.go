package room

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/protocol"
)

// Mark is a state of a room's document. The zero Mark is that of an empty one.
type Mark struct {
	// Opened is when the room was opened: each opening counts anew. Zero: it was not open.
	Opened time.Time
	// Seq is the document's sequence or, where the room was not open, a number
	// that what was stored has.
	Seq uint64
}

// Ask is what somebody outside asks of a room. All of it is plain data.
type Ask struct {
	// Since is what a Query or Watch starts from.
	Since Mark
	// Vector is what a Query starts from instead: a state vector. nil: Since counts.
	Vector []byte
	// Bare leaves the Update out of the answer to a Query.
	Bare bool
	// Update is what an Apply or Create brings, V1.
	Update []byte
	// Client and Clock guard an Apply: it is refused as Stale unless Clock
	// elements of Client are in the document. Client 0: they don't.
	Client, Clock uint64
}

// Summary is what a room costs nothing to tell about itself.
type Summary struct {
	Conns   int       // connections
	Clients int       // of the awareness: who is shown to the others
	Size    int       // of the document in bytes, as blocks.Store.Size counts
	Changed time.Time // when the document last gained something in a turn; zero: not since it was loaded
}

// Answer is what a room tells who asks. To a Query belong all fields, to a Watch
// At, Update and Whole, also when the document gains something later; to the
// others At.
type Answer struct {
	Refusal Refusal // why nothing was done, and then all else is empty

	Summary

	At      Mark              // where the document is, and where to ask from the next time
	Update  []byte            // V1: what is new since what was asked about; nil: nothing is
	Whole   bool              // Update is all of the document: nothing is known of what was asked about
	Vector  []byte            // the state vector
	Members []Member          // by ascending ID
	States  []awareness.State // by ascending client id
}

// Member is a connection in the room.
type Member struct {
	ID     ConnID
	Access Access
}

// Refusal says why what was asked was not done. The zero Refusal is none.
type Refusal struct {
	Cause  Cause
	Reason string             // one line, "" where Cause says it all
	Code   protocol.CloseCode // Closed: that of the people who are turned away
}

// Cause is a kind of Refusal.
type Cause uint8

// The causes. A room gives the first three, its worker the others.
const (
	Malformed   Cause = iota + 1 // it is no update, or no state vector
	OverLimit                    // it would take the document past a limit
	Stale                        // Ask.Clock is not that of Ask.Client
	Unavailable                  // there is no such room
	Exists                       // the room is there already
	Unsupported                  // the store can't do it
	Closed                       // something is wrong with the room or its store: it may or may not have been done
)

// refusal is the Refusal for an error of package blocks.
func refusal(err error) Refusal {
	cause := Malformed
	if errors.Is(err, blocks.ErrLimit) {
		cause = OverLimit
	}
	return Refusal{Cause: cause, Reason: err.Error()}
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

// ask takes what somebody outside asks. The answer comes at the end of the turn,
// when the document is where its sequence is.
func (t *turn) ask(in *Input) {
	if in.Kind == Apply {
		if r := t.apply(in.Ask); r != (Refusal{}) {
			t.effects.Now = append(t.effects.Now, Output{To: in.Conn, Answer: &Answer{Refusal: r}})
			return
		}
	}
	t.asked = append(t.asked, in)
}

func (t *turn) apply(ask *Ask) Refusal {
	if ask.Client != 0 && blocks.ClockOf(t.blocks.StateVector(), ask.Client) != ask.Clock {
		return Refusal{Cause: Stale}
	}
	if err := t.gain(ask.Update, blocks.V1); err != nil {
		return refusal(err)
	}
	return Refusal{}
}

// forget drops what somebody who has left asked or watched.
func (t *turn) forget(conn ConnID) {
	delete(t.watchers, conn)
	t.asked = slices.DeleteFunc(t.asked, func(in *Input) bool { return in.Conn == conn })
}

// tellWatchers tells those who watch what the turn brought.
func (t *turn) tellWatchers(update []byte) {
	if len(t.watchers) == 0 {
		return
	}
	gained := &Answer{At: t.mark(), Update: update}
	all := make([]ConnID, 0, len(t.watchers))
	for conn := range t.watchers {
		all = append(all, conn)
	}
	slices.Sort(all)
	for _, conn := range all {
		t.effects.Durable = append(t.effects.Durable, Output{To: conn, Answer: gained})
	}
}

// answerAll answers what was asked in the turn.
func (t *turn) answerAll() {
	for _, in := range t.asked {
		a := &Answer{At: t.mark()}
		switch in.Kind {
		case Query:
			t.tell(a, in.Ask)
		case Watch:
			a.Update, a.Whole = t.since(in.Ask.Since)
			if t.watchers == nil {
				t.watchers = make(map[ConnID]bool)
			}
			t.watchers[in.Conn] = true
		}
		t.effects.Durable = append(t.effects.Durable, Output{To: in.Conn, Answer: a})
	}
}

func (r *Room) mark() Mark { return Mark{r.opened, r.seq} }

// tell fills in the answer to a Query.
func (r *Room) tell(a *Answer, ask *Ask) {
	switch {
	case ask.Bare:
	case ask.Vector == nil:
		a.Update, a.Whole = r.since(ask.Since)
	default:
		var err error
		if a.Update, err = r.blocks.Diff(ask.Vector, blocks.V1); err != nil {
			*a = Answer{Refusal: refusal(err)}
			return
		}
	}
	a.Summary = r.Summary()
	a.Vector = r.blocks.StateVector()
	a.States = r.awareness.States()
	a.Members = make([]Member, 0, len(r.conns))
	for id, m := range r.conns {
		a.Members = append(a.Members, Member{id, m.access})
	}
	slices.SortFunc(a.Members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
}

// since is what is new since a mark, and whether that is all of the document
// because nothing is known of the mark.
func (r *Room) since(m Mark) (update []byte, whole bool) {
	if !m.Opened.Equal(r.opened) {
		m.Seq = 0
	}
	if m.Seq == r.seq {
		return nil, false
	}
	vector, ok := r.vectorAt(m.Seq)
	return must(r.blocks.Diff(vector, blocks.V1)), !ok
}

// vectorAt is a state vector that whoever has the document's sequence seq is
// past, and whether one is known; that of an empty document if not.
func (r *Room) vectorAt(seq uint64) (vector []byte, ok bool) {
	if seq > r.seq {
		return emptyVector, false // it is of an earlier life of this room
	}
	return r.marks.before(seq)
}
