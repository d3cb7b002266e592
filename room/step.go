package room

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/weakbytes"
	"github.com/yroom/yroom/protocol"
)

// Step takes what happened, in order, and says what follows from it. All of it
// is one turn: its updates are merged to one update and one broadcast, and its
// awareness to another. ins is borrowed, apart from the messages' data.
//
// A connection whose bytes are bad is told so with Close and is out of the room
// at once. What comes from a connection that hasn't joined, or is out, is
// ignored.
func (r *Room) Step(ins []Input) Effects {
	if len(r.marks.list) == 0 {
		r.marks.add(r.seq, r.blocks.StateVector())
	}
	t := turn{Room: r}
	for i := range ins {
		t.at = ins[i].At
		t.take(&ins[i])
	}
	t.end()
	return t.effects
}

// turn is a Step under way.
//
// What goes to single connections is encoded once and shared by all who ask for
// the same in one turn. It may lack what the turn brings later; that follows in
// the broadcast at the turn's end. For the same reason it carries the sequence
// from before the turn. Those who have nothing share it in later turns too, for
// as long as nothing is added.
type turn struct {
	*Room

	at      time.Time // of the last input
	effects Effects
	updates [][]byte // what the document gained
	changes [][]byte // awareness that was accepted or removed

	vector   []byte            // the state vector; nil: nobody asked
	diffs    map[string][]byte // by state vector
	present  []byte            // all awareness; nil: nobody asked
	answered map[question]bool

	asked []*Input // by somebody outside; answered at the end
}

// question is what a connection asks, a SyncStep1 or a QueryAwareness. It is
// answered once a turn: the first answer holds what the others ask for, because
// nobody's document shrinks, and the broadcast brings the rest. So nobody can
// make the room encode its document, or send a long list of people, again and
// again in one turn.
type question struct {
	conn ConnID
	typ  protocol.Type
}

func (t *turn) take(in *Input) {
	switch in.Kind {
	case Join:
		t.conns[in.Conn] = member{access: in.Access}
		t.awareness.Join(uint64(in.Conn))
		delete(t.answered, question{in.Conn, protocol.SyncStep1})
		delete(t.answered, question{in.Conn, protocol.QueryAwareness})
		if in.Open == ServerStarts {
			t.open(in.Conn)
		}
		return
	case Tick:
		t.changed(t.awareness.Expire(in.At))
		return
	case Query, Watch, Apply:
		t.ask(in)
		return
	case Leave:
		t.forget(in.Conn)
	}
	m, joined := t.conns[in.Conn]
	if !joined {
		return
	}
	switch in.Kind {
	case Message:
		if err := t.message(in, m); err != nil {
			t.expel(in, err)
		}
	case Leave:
		t.leave(in)
	case Resync:
		t.resync(in.Conn, in.Seq)
	}
}

// message handles a message. An error is the sender's fault.
func (t *turn) message(in *Input, m member) error {
	switch in.Msg.Type {
	case protocol.SyncStep1:
		if t.first(in) {
			return t.answer(in.Conn, m, in.Msg.Data)
		}
	case protocol.SyncStep2, protocol.Update:
		if !m.access.May(Write) {
			return nil
		}
		return t.gain(in.Msg.Data, t.encoding)
	case protocol.Awareness:
		if !m.access.May(Present) {
			return nil
		}
		changed, err := t.awareness.Apply(uint64(in.Conn), in.Msg.Data, in.At)
		t.changed(changed)
		return err
	case protocol.QueryAwareness:
		if t.first(in) {
			t.now(in.Conn, protocol.Message{Type: protocol.Awareness, Data: t.all()})
		}
	}
	return nil
}

// gain takes an update, which it owns, into the document.
func (t *turn) gain(update []byte, enc blocks.Encoding) error {
	added, err := t.blocks.Apply(update, enc)
	if added != nil {
		t.updates = append(t.updates, added)
		t.whole = weakbytes.Pointer{}
	}
	return err
}

// first tells whether the connection asks this for the first time in the turn.
func (t *turn) first(in *Input) bool {
	q := question{in.Conn, in.Msg.Type}
	if t.answered[q] {
		return false
	}
	if t.answered == nil {
		t.answered = make(map[question]bool)
	}
	t.answered[q] = true
	return true
}

// open sends what the server asks and tells a new connection.
func (t *turn) open(conn ConnID) {
	m := t.conns[conn]
	m.opened = true
	t.conns[conn] = m
	if t.vector == nil {
		t.vector = t.blocks.StateVector()
	}
	t.durable(conn, 0, protocol.SyncStep1, t.vector)
	t.tellPresent(conn)
}

// answer answers a SyncStep1.
func (t *turn) answer(conn ConnID, m member, vector []byte) error {
	diff, err := t.diff(vector)
	if err != nil {
		return err
	}
	t.durable(conn, t.seq, protocol.SyncStep2, diff)
	if !m.opened {
		t.open(conn)
	}
	return nil
}

func (t *turn) resync(conn ConnID, seq uint64) {
	vector, _ := t.vectorAt(seq)
	t.durable(conn, t.seq, protocol.Update, must(t.diff(vector)))
	t.tellPresent(conn)
}

func (t *turn) diff(vector []byte) ([]byte, error) {
	if diff, ok := t.diffs[string(vector)]; ok {
		return diff, nil
	}
	diff, err := t.encode(vector)
	if err != nil {
		return nil, err
	}
	if t.diffs == nil {
		t.diffs = make(map[string][]byte)
	}
	t.diffs[string(vector)] = diff
	return diff, nil
}

func (t *turn) encode(vector []byte) ([]byte, error) {
	if !bytes.Equal(vector, emptyVector) {
		return t.blocks.Diff(vector, t.encoding)
	}
	diff := t.whole.Value()
	if diff == nil {
		diff = must(t.blocks.Diff(vector, t.encoding))
		t.whole = weakbytes.Make(diff)
	}
	return diff, nil
}

// nobody is the awareness update that tells of nobody.
var nobody = []byte{0}

// all is the awareness of everybody.
func (t *turn) all() []byte {
	if t.present == nil {
		t.present = t.awareness.Encode()
		if t.present == nil {
			t.present = nobody
		}
	}
	return t.present
}

// tellPresent tells conn who is present, if anybody is.
func (t *turn) tellPresent(conn ConnID) {
	if all := t.all(); len(all) > len(nobody) {
		t.now(conn, protocol.Message{Type: protocol.Awareness, Data: all})
	}
}

func (t *turn) leave(in *Input) {
	delete(t.conns, in.Conn)
	t.changed(t.awareness.Leave(uint64(in.Conn), in.At))
}

// expel ends a connection that sent bad bytes.
func (t *turn) expel(in *Input, err error) {
	closing := protocol.CloseError{Code: protocol.CloseMalformed, Reason: err.Error()}
	if errors.Is(err, blocks.ErrLimit) || errors.Is(err, awareness.ErrLimit) {
		closing.Code = protocol.ClosePolicy
	}
	t.now(in.Conn, closing.Message())
	t.leave(in)
}

func (t *turn) changed(update []byte) {
	if update != nil {
		t.changes = append(t.changes, update)
	}
}

func (t *turn) now(to ConnID, m protocol.Message) {
	t.effects.Now = append(t.effects.Now, Output{To: to, Msg: m})
}

func (t *turn) durable(to ConnID, seq uint64, typ protocol.Type, data []byte) {
	t.effects.Durable = append(t.effects.Durable, Output{To: to, Seq: seq, Msg: protocol.Message{Type: typ, Data: data}})
}

// end broadcasts what the turn brought, and answers what was asked.
func (t *turn) end() {
	if len(t.changes) > 0 && len(t.conns) > 0 {
		update := t.changes[0]
		if len(t.changes) > 1 {
			update = must(awareness.Merge(t.changes...))
		}
		t.now(Everyone, protocol.Message{Type: protocol.Awareness, Data: update})
	}
	if len(t.updates) > 0 {
		update := t.updates[0]
		if len(t.updates) > 1 {
			update = must(blocks.Merge(blocks.V1, t.updates...))
		}
		t.effects.Update = update
		t.seq++
		t.edited = t.at
		if len(t.conns) > 0 {
			t.durable(Everyone, t.seq, protocol.Update, t.encoded(update))
		}
		t.tellWatchers(update)
		if t.marks.bytes += len(update); t.marks.bytes >= t.markEvery {
			t.marks.add(t.seq, t.blocks.StateVector())
		}
	}
	t.answerAll()
	if t.Empty() {
		t.marks = marks{} // nobody is behind
	}
}

// encoded is a V1 update in the encoding that the room speaks.
func (t *turn) encoded(update []byte) []byte {
	if t.encoding == blocks.V1 {
		return update
	}
	return must(blocks.Convert(blocks.V1, t.encoding, update))
}

// must is for what can fail only on bytes that nobody here made or checked.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(fmt.Errorf("room: %w", err))
	}
	return b
}
