package room

import (
	"time"

	"pgregory.net/rapid"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// questions is what a connection was asked, and will be.
type questions struct {
	asked    time.Time // when it was last sent a SyncStep1
	question []byte    // the state vector of that SyncStep1; nil: it has answered
	noted    bool      // the room may lack something that the client has
	whatever bool      // it is asked even if nothing is pending
}

func (q *questions) ask(now time.Time) { q.asked, q.noted, q.whatever = now, false, false }

// loseUpdate is send, but the message doesn't arrive.
func (w *world) loseUpdate(t *rapid.T) {
	before := len(w.ins)
	w.send(t)
	w.ins = w.ins[:before]
}

// answer answers a SyncStep1 of the room, as a client does that has the document of the
// connection.
func (w *world) answer(t *rapid.T) { w.answerAs(t, event.ConnID(anyConn.Draw(t, "conn"))) }

func (w *world) answerAs(t *rapid.T, conn event.ConnID) {
	p := w.joined[conn]
	if p == nil || p.question == nil {
		return
	}
	diff, err := p.doc.Diff(p.question, p.enc)
	if err != nil {
		t.Fatal(err)
	}
	p.question = nil
	w.message(conn, protocol.SyncStep2, diff)
}

// takeSyncStep1 decides whether a connection that has sent SyncStep1 is asked.
func (w *world) takeSyncStep1(t *rapid.T, in event.Input, p *peer, bad bool) {
	since := w.now.Sub(p.asked)
	switch {
	case p.answered:
	case p.acks, !p.shown && !bad:
		w.due[question{in.Conn, protocol.SyncStep1}]++
		p.ask(w.now)
	case bad, !p.access.May(event.AccessWrite), since < askPause:
	case since >= trustPause, !covers(t, readVector(t, w.doc.StateVector()), in.Message.Data):
		p.noted, p.whatever = true, true
	}
}

// askNoted decides which connections are asked at the end of a turn, and which are sent a
// Rejoin.
func (w *world) askNoted(rejoins map[event.ConnID]bool) {
	for conn, p := range w.joined {
		switch {
		case !p.noted:
		case w.doc.Pending() == 0 && !p.whatever, !p.access.May(event.AccessWrite):
			p.noted = false
		case w.now.Sub(p.asked) < askPause:
		case p.acks:
			rejoins[conn] = true
			p.ask(w.now)
		default:
			w.due[question{conn, protocol.SyncStep1}]++
			p.ask(w.now)
		}
	}
}

// heal lets all connections answer. Then the room must have everything that those have
// whose updates have left blocks pending.
func (w *world) heal(t *rapid.T) {
	lacked := make(map[event.ConnID]bool)
	for conn, p := range w.joined {
		lacked[conn] = p.noted && !p.acks && p.access.May(event.AccessWrite)
	}
	w.now = w.now.Add(askPause)
	w.turn(t)
	for conn := range lacked {
		w.answerAs(t, conn)
	}
	w.turn(t)
	for conn, was := range lacked {
		if was && !contains(t, w.room.blocks, w.docs[conn].Encode(blocks.V1)) {
			t.Fatalf("connection %d was asked and has answered, but the room lacks a part of its document", conn)
		}
	}
	if len(w.room.asking) > 0 || !w.room.askAt.IsZero() {
		t.Fatalf("%v are to be asked at %v, although all were asked", w.room.asking, w.room.askAt)
	}
}
