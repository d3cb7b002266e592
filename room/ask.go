package room

import (
	"maps"
	"slices"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// A room lacks something that a client has if one of its updates was lost, whatever the
// cause. The room notices it when a later update depends on what was lost, and so leaves
// blocks pending, when a later update leaves a hole between the elements of its author, or
// when the client sends a state vector that is ahead. Then the room sends SyncStep1 to the
// connection, and the client answers with a SyncStep2 that has everything that it has and
// the room lacks. Nothing shows that a deletion was lost, so a client that sends SyncStep1
// from time to time is asked as well.
//
// Blocks that a SyncStep2 leaves pending, and holes that it leaves, are no reason to ask,
// because its client lacks what is missing, too. So an answer never leads to another
// question. A client of yjs 14 leaves holes on purpose, when it accepts one suggestion of
// several. It is asked once for the holes of each of its updates.
//
// A client with acks is asked with each SyncStep1 that it sends, and at no other time,
// because it counts the answers. If one of its updates was lost, it waits for an Ack in
// vain. So its connection is sent a Rejoin: the client connects and counts again.

const (
	askPause   = time.Second      // the least time between two SyncStep1 to one connection
	trustPause = 30 * time.Second // after so much time, a connection is asked even if nothing shows that the room lacks anything
)

// noteLack records that a connection has to be asked: at the end of the turn, whatever is
// lacking then, or else once askPause allows it, if something is still lacking.
func (t *turn) noteLack(conn event.ConnID, whatever bool) {
	if t.asking == nil {
		t.asking = make(map[event.ConnID]bool)
	}
	t.asking[conn] = t.asking[conn] || whatever
}

// mayLack reports whether the room may lack something that the client of a connection
// has, which has sent a state vector, and whether the connection may be asked for it.
func (t *turn) mayLack(m member, vector []byte) bool {
	since := t.now.Sub(m.asked)
	if m.acks || !m.access.May(event.AccessWrite) || since < askPause {
		return false
	}
	ahead, err := t.blocks.Behind(vector)
	return err == nil && (ahead || since >= trustPause)
}

// askNoted asks the connections that noteLack has recorded.
func (t *turn) askNoted() {
	t.askAt = time.Time{}
	if len(t.asking) == 0 {
		t.asking = nil
		return
	}
	if t.refusing != nil { // the answer would close the connection
		t.askAt = t.now.Add(askPause)
		return
	}
	t.vector = nil // the turn may have added to the document since
	lacks := t.blocks.Pending() > 0 || t.blocks.Missing() > 0
	for _, conn := range slices.Sorted(maps.Keys(t.asking)) {
		m := t.conns[conn]
		switch due := m.asked.Add(askPause); {
		case !lacks && !t.asking[conn], !m.access.May(event.AccessWrite):
			delete(t.asking, conn)
		case !t.now.Before(due) && m.acks:
			t.noteAsked(conn)
			t.rejoin(conn)
		case !t.now.Before(due):
			t.ask(conn)
		case t.askAt.IsZero() || due.Before(t.askAt):
			t.askAt = due
		}
	}
}

// ask sends SyncStep1: the client answers with a SyncStep2 that has what the room lacks.
func (t *turn) ask(conn event.ConnID) {
	t.noteAsked(conn)
	if t.vector == nil {
		t.vector = t.blocks.StateVector()
	}
	t.sendDurable(event.Output{
		Kind: event.OutputMessage, To: conn,
		Message: protocol.Message{Type: protocol.SyncStep1, Data: t.vector},
	})
}

// noteAsked records that a connection is asked now.
func (t *turn) noteAsked(conn event.ConnID) {
	m := t.conns[conn]
	m.asked = t.now
	t.conns[conn] = m
	delete(t.asking, conn)
}
