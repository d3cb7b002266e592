package room

import (
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Effects are what the worker must do after a turn.
type Effects struct {
	// Update is what was added to the document, as one V1 update that must be appended to
	// the log. It is nil if nothing was added.
	Update []byte
	// Now holds outputs that can be sent at once: awareness, Close, Rejoin, Probe, and
	// refusals.
	Now []event.Output
	// Durable holds all outputs that reveal document state. They must be sent, in order,
	// once Update and the Updates of all earlier turns are durable.
	Durable []event.Output
}

// Step handles inputs, in order, and returns their effects. All of them are one turn:
// their updates are merged into one update and one broadcast, and their awareness into
// another broadcast. Awareness that has expired by now is removed. ins is borrowed, but
// Step owns the data of its messages and requests.
//
// A connection that sends malformed data, or exceeds a limit, is sent a Close
// and leaves the room at once. A connection that isn't in the room is sent a
// Rejoin.
func (r *Room) Step(now time.Time, ins []event.Input) Effects {
	t := r.begin(now)
	for i := range ins {
		t.take(&ins[i])
	}
	// After the inputs, so that a state that is renewed in this turn doesn't expire.
	d := r.awareness.Deadline()
	due := !d.IsZero() && !now.Before(d)
	if due {
		t.broadcastLater(r.awareness.Expire(now))
	}
	if due || len(t.awarenessUpdates) > 0 {
		t.broadcastLater(r.awareness.Renewals())
	}
	t.end()
	return t.effects
}

// turn is a Step in progress.
//
// A message to a single connection is encoded once and shared by all connections that
// request the same in one turn. It may lack what later inputs of the turn add, which is
// sent in the broadcast at the end of the turn. So it carries the Mark from before the
// turn. The encoding of the whole document is shared in later turns too, until the
// document changes.
type turn struct {
	*Room

	now              time.Time
	effects          Effects
	updates          [][]byte // what was added to the document
	shown            [][]byte // what of updates clients are sent, unless that is all: see blocks.Store.HoldPending
	awarenessUpdates [][]byte // awareness that was accepted or removed

	vector       []byte // the state vector of the document, perhaps of earlier in the turn; nil: not needed yet
	diffs        map[difference][]byte
	encodedBytes int    // of diffs
	states       []byte // all awareness; nil: not needed yet
	answered     map[question]bool
	acks         map[question]int      // the places of Acks, Rejects and Uncounteds in effects.Durable
	rejoining    map[event.ConnID]bool // connections that were sent a Rejoin

	requests []*event.Input // to be answered at the end of the turn
}

// question is a SyncStep1 or a QueryAwareness of a connection. It is answered once a
// turn: the first answer suffices for repetitions, and the broadcast has what is added
// after it. So a connection can't make the room encode its document or its awareness
// many times in one turn.
type question struct {
	conn event.ConnID
	typ  protocol.Type
}

func (r *Room) begin(now time.Time) turn {
	if len(r.saved.list) == 0 {
		r.saved.add(r.seq, r.blocks.StateVector())
	}
	return turn{Room: r, now: now}
}

func (t *turn) take(in *event.Input) {
	switch in.Kind {
	case event.InputJoin:
		t.join(in)
	case event.InputLeave:
		t.leave(in.Conn)
		t.know(in.Conn, gone)
	case event.InputSilent:
		t.broadcastLater(t.awareness.Silent(uint64(in.Conn), t.now))
	case event.InputRequest:
		t.request(in)
	case event.InputMessage, event.InputResync, event.InputAccess:
		m, joined := t.conns[in.Conn]
		switch {
		case !joined:
			t.rejoin(in.Conn)
		case in.Kind == event.InputResync:
			t.resync(in, m)
		case in.Kind == event.InputAccess:
			t.changeAccess(in, m)
		default:
			if err := t.message(in, m); err != nil {
				t.blame(in.Conn, err)
			}
		}
	}
}

// message handles a message. An error means that the client is at fault.
func (t *turn) message(in *event.Input, m member) error {
	switch in.Message.Type {
	case protocol.SyncStep1:
		m = t.restart(in, m)
		if t.isFirst(in) {
			return t.answerSync(in, m)
		}
	case protocol.SyncStep2, protocol.Update:
		return t.write(in, m)
	case protocol.Awareness:
		if !m.access.May(event.AccessPresent) {
			return nil
		}
		changed, err := t.awareness.Apply(uint64(in.Conn), in.Client, in.Message.Data, t.now)
		t.broadcastLater(changed)
		t.probe()
		return err
	case protocol.QueryAwareness:
		if t.isFirst(in) {
			t.sendNow(in.Conn, protocol.Message{Type: protocol.Awareness, Data: t.allStates()})
		}
	}
	return nil
}

// probe asks the consumers of the connections whose client ids others have claimed
// whether their clients are there.
func (t *turn) probe() {
	for _, conn := range t.awareness.Disputed() {
		t.effects.Now = append(t.effects.Now, event.Output{Kind: event.OutputProbe, To: event.ConnID(conn)})
	}
}

// isFirst reports whether the connection asks this question for the first time in the
// turn.
func (t *turn) isFirst(in *event.Input) bool {
	q := question{in.Conn, in.Message.Type}
	if t.answered[q] {
		return false
	}
	if t.answered == nil {
		t.answered = make(map[question]bool)
	}
	t.answered[q] = true
	return true
}

// apply adds an update, which it owns, to the document.
func (t *turn) apply(update []byte, enc blocks.Encoding) error {
	if t.refusing != nil {
		held, err := t.blocks.Contains(update, enc)
		if err == nil && !held {
			return t.refusing
		}
		return err
	}
	added, err := t.blocks.Apply(update, enc)
	if added != nil {
		shown := t.blocks.Integrated()
		if t.shown == nil && !sameSlice(added, shown) {
			t.shown = append([][]byte{}, t.updates...)
		}
		if t.updates = append(t.updates, added); t.shown != nil {
			t.shown = append(t.shown, shown)
		}
		t.whole = wholes{}
	}
	return err
}

// blame closes and removes a connection that sent malformed data, exceeded a limit or was
// refused.
func (t *turn) blame(conn event.ConnID, err error) {
	closing := protocol.CloseError{Code: protocol.CloseMalformed, Reason: err.Error()}
	if refused, ok := errors.AsType[*protocol.CloseError](err); ok {
		closing = *refused
	} else if errors.Is(err, blocks.ErrLimit) || errors.Is(err, awareness.ErrLimit) {
		closing.Code = protocol.ClosePolicy
	}
	t.close(conn, closing.Message())
}

// close closes and removes a connection.
func (t *turn) close(conn event.ConnID, closing protocol.Message) {
	t.sendNow(conn, closing)
	t.leave(conn)
}

// broadcastLater broadcasts an awareness update, which may be nil, at the end
// of the turn.
func (t *turn) broadcastLater(update []byte) {
	if update != nil {
		t.awarenessUpdates = append(t.awarenessUpdates, update)
	}
}

func (t *turn) sendNow(to event.ConnID, m protocol.Message) {
	t.effects.Now = append(t.effects.Now, event.Output{Kind: event.OutputMessage, To: to, Message: m})
}

func (t *turn) sendDurable(o event.Output) {
	t.effects.Durable = append(t.effects.Durable, o)
}

// end broadcasts the changes of the turn, and answers the requests.
func (t *turn) end() {
	if len(t.awarenessUpdates) > 0 && len(t.conns) > 0 {
		update := t.awarenessUpdates[0]
		if len(t.awarenessUpdates) > 1 {
			update = must(awareness.Merge(t.awarenessUpdates...))
		}
		t.sendNow(event.Everyone, protocol.Message{Type: protocol.Awareness, Data: update})
	}
	t.recall()
	if len(t.updates) > 0 {
		t.effects.Update = mergeUpdates(t.updates)
		t.changed = t.now
		t.edits.add(t.now, len(t.updates))
		if t.shown == nil {
			t.broadcast(t.effects.Update)
		} else {
			t.broadcast(mergeUpdates(t.shown))
		}
	}
	t.askNoted()
	t.answerRequests()
	if t.Empty() {
		t.saved = savedVectors{} // no connection can have missed an update
	}
}

// recall asks clients that have returned for a new state, which clients that have received
// their removal accept. It follows the broadcast: where both are merged for a slow client,
// the last one counts. Hocuspocus providers from version 4.5 on raise their clock, but send their state
// only if they are asked.
func (t *turn) recall() {
	t.awareness.Returned(func(conn uint64, null []byte) {
		to := event.ConnID(conn)
		t.sendNow(to, protocol.Message{Type: protocol.Awareness, Data: null})
		if t.conns[to].acks {
			t.sendNow(to, protocol.Message{Type: protocol.QueryAwareness})
		}
	})
}

// mergeUpdates returns updates in V1 as one.
func mergeUpdates(updates [][]byte) []byte {
	if len(updates) == 1 {
		return updates[0]
	}
	return must(blocks.Merge(blocks.V1, updates...))
}

// sameSlice reports whether a and b, which are not empty, are one slice.
func sameSlice(a, b []byte) bool { return len(a) == len(b) && &a[0] == &b[0] }

// broadcast sends an update, in V1, to all connections and watchers.
func (t *turn) broadcast(update []byte) {
	t.seq++
	var vector []byte
	if t.saved.bytes += len(update); t.saved.due(t.saveEvery) {
		vector = t.blocks.StateVector()
		t.saved.add(t.seq, vector)
	}
	if t.encoding == blocks.V1 {
		t.broadcastAs(event.ReachAll, len(t.conns), vector, update)
	} else {
		t.broadcastAs(event.ReachV1, t.v1s, vector, update)
		if others := len(t.conns) - t.v1s; others > 0 {
			t.broadcastAs(event.ReachOthers, others, vector, must(blocks.Convert(blocks.V1, t.encoding, update)))
		}
	}
	t.notifyWatchers(update)
}

// broadcastAs sends an update, which brings the receivers to the current state, to so many
// connections.
func (t *turn) broadcastAs(reach event.Reach, conns int, vector, data []byte) {
	if conns == 0 {
		return
	}
	t.sendDurable(event.Output{
		Kind: event.OutputMessage, To: event.Everyone, Reach: reach, Mark: t.mark(), Vector: vector,
		Message: protocol.Message{Type: protocol.Update, Data: data},
	})
}

// must returns b. It panics on an error, which can only be caused by a bug: all data
// was made or checked by this package.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(fmt.Errorf("room: %w", err))
	}
	return b
}
