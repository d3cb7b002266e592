package room

import (
	"cmp"
	"errors"
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// request handles a program's request. The response is sent at the end of the turn,
// when the document has the state of its Mark.
func (t *turn) request(in *event.Input) {
	var refusal event.Refusal
	switch in.Request.Kind {
	case event.RequestQuery, event.RequestWatch:
	case event.RequestApply:
		refusal = t.applyRequest(in.Request)
	case event.RequestAccess, event.RequestExpel, event.RequestBroadcast:
		if refusal = t.control(in); refusal.Cause == 0 {
			return
		}
	default:
		refusal.Cause = event.CauseUnsupported // the worker handles the other kinds
	}
	if refusal.Cause == 0 {
		t.requests = append(t.requests, in)
		return
	}
	t.effects.Now = append(t.effects.Now, event.Output{
		Kind: event.OutputResponse, To: in.Conn, Response: &event.Response{Refusal: refusal},
	})
}

func (t *turn) applyRequest(q *event.Request) event.Refusal {
	if q.Client != 0 && t.blocks.Clock(q.Client) != q.Clock {
		return event.Refusal{Cause: event.CauseStale}
	}
	if err := t.apply(q.Update, blocks.V1); err != nil {
		return refusalFor(err)
	}
	return event.Refusal{}
}

// refusalFor returns the refusal for an error of apply or of package blocks.
func refusalFor(err error) event.Refusal {
	if refused, ok := errors.AsType[*protocol.CloseError](err); ok {
		return event.Refusal{Cause: event.CauseClosed, Code: refused.Code, Reason: refused.Reason}
	}
	cause := event.CauseMalformed
	if errors.Is(err, blocks.ErrLimit) {
		cause = event.CauseOverLimit
	}
	return event.Refusal{Cause: cause, Reason: err.Error()}
}

// dropRequests drops the requests and watches of a program that has left.
func (t *turn) dropRequests(conn event.ConnID) {
	delete(t.watchers, conn)
	t.requests = slices.DeleteFunc(t.requests, func(in *event.Input) bool { return in.Conn == conn })
	t.controlled = slices.DeleteFunc(t.controlled, func(c controlled) bool { return c.program == conn })
}

// notifyWatchers sends an update to the programs that watch.
func (t *turn) notifyWatchers(update []byte) {
	if len(t.watchers) == 0 {
		return
	}
	change := &event.Response{Mark: t.mark(), Update: update}
	watchers := make([]event.ConnID, 0, len(t.watchers))
	for conn := range t.watchers {
		watchers = append(watchers, conn)
	}
	slices.Sort(watchers)
	for _, conn := range watchers {
		t.respond(conn, change)
	}
}

func (t *turn) respond(to event.ConnID, response *event.Response) {
	t.sendDurable(event.Output{Kind: event.OutputResponse, To: to, Response: response})
}

// answerRequests answers the requests of the turn.
func (t *turn) answerRequests() {
	for _, in := range t.requests {
		response := &event.Response{Mark: t.mark()}
		switch in.Request.Kind {
		case event.RequestQuery:
			t.describe(response, in.Request)
		case event.RequestWatch:
			response.Update, response.Whole = t.since(in.Request.Since)
			if t.watchers == nil {
				t.watchers = make(map[event.ConnID]bool)
			}
			t.watchers[in.Conn] = true
		}
		t.respond(in.Conn, response)
	}
}

// describe fills in the response to a query.
func (t *turn) describe(response *event.Response, q *event.Request) {
	switch {
	case q.Bare:
	case q.Pending:
		response.Update, response.Whole = t.backup(), true
	case q.Vector == nil:
		response.Update, response.Whole = t.since(q.Since)
	default:
		var err error
		if response.Update, err = t.blocks.Diff(q.Vector, blocks.V1); err != nil {
			*response = event.Response{Refusal: refusalFor(err)}
			return
		}
	}
	response.Summary = t.Summary(t.now)
	response.Vector = t.blocks.StateVector()
	if q.Bare {
		return
	}
	response.States = t.awareness.States()
	response.Members = make([]event.Member, 0, len(t.conns))
	for id, m := range t.conns {
		response.Members = append(response.Members, event.Member{ID: id, User: m.user, Access: m.access})
	}
	slices.SortFunc(response.Members, func(a, b event.Member) int { return cmp.Compare(a.ID, b.ID) })
}

// backup returns the whole document with what is pending, in V1.
func (r *Room) backup() []byte {
	if r.blocks.Pending() == 0 {
		return r.encodeWhole(blocks.V1)
	}
	return r.blocks.EncodeAll(blocks.V1)
}

// since returns what was added to the document after m, in V1. If m isn't known, it
// returns the whole document and whole is true.
func (r *Room) since(m event.Mark) (update []byte, whole bool) {
	if m == r.mark() {
		return nil, false
	}
	vector, ok := r.vectorAt(m)
	if !ok {
		return r.encodeWhole(blocks.V1), true
	}
	return must(r.blocks.Diff(vector, blocks.V1)), false
}
