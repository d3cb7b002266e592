package sim

import (
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// judgement is a request of a program in a consumer's process that takes the right to write
// away from a connection, or closes it. Once it is responded to, the connection must never
// change the document again.
type judgement struct {
	of     *consumer
	conn   *conn
	expels bool
	id     event.ConnID // of the request in progress; 0: none
}

// judge judges some connection, and schedules the next judgement, until the world is calm.
func (w *world) judge() {
	if w.calm {
		return
	}
	w.after(nil, w.within(20*w.pace), w.judge)
	of, target := w.anyConsumer(), w.clients[w.rnd.IntN(len(w.clients))]
	if of == nil || target.conn == nil || target.judged || !target.access.May(event.AccessWrite) {
		return
	}
	writers := 0
	for _, c := range w.clients {
		if c.room == target.room && c.access.May(event.AccessWrite) && !c.judged {
			writers++
		}
	}
	if writers < 2 {
		return
	}
	j := &judgement{of: of, conn: target.conn, expels: w.chance(50)}
	of.judgements = append(of.judgements, j)
	if !j.expels {
		target.judged = true
	}
	j.send()
}

// send sends the request, and sends it again while the layer doesn't take it.
func (j *judgement) send() {
	w := j.of.world
	w.lastConn++
	j.id = w.lastConn
	q := event.Request{Kind: event.RequestAccess, Target: j.conn.id, Access: event.AccessPresent}
	if j.expels {
		q = event.Request{Kind: event.RequestExpel, Target: j.conn.id, Message: protocol.Message{Type: protocol.Close, Code: protocol.CloseTryLater}}
	}
	in := event.Input{Kind: event.InputRequest, Conn: j.id, Request: &q}
	if j.of.front.Send(layer.Input{Room: roomNames[j.conn.client.room], Input: in}) != nil {
		j.again(50 * time.Millisecond)
	}
}

// again sends the request again after a while.
func (j *judgement) again(after time.Duration) {
	j.id = 0
	j.of.world.after(&j.of.life, after, j.send)
}

// take handles the response.
func (j *judgement) take(a event.Response) {
	w, c := j.of.world, j.conn.client
	j.id = 0
	switch {
	case a.Refusal.Cause != 0: // the room has failed
	case j.expels && a.Count > 0 && !j.conn.left:
		w.failf("%s: client %d was expelled, and its connection is open", roomNames[c.room], c.id)
	case a.Count == 0: // the connection has left, or will join again at another worker
	case !j.expels:
		w.seen.judged++
		if c.conn == j.conn {
			c.access = event.AccessPresent // so what it sends from now on is forged: see client.edit
		}
	default:
		w.seen.expelled++
	}
}

// receiveAccess takes the access that a program has given to the connection.
func (c *conn) receiveAccess(out *event.Output) {
	if out.AccessSeq >= c.accessSeq {
		c.access, c.accessSeq, c.untold = out.Access, out.AccessSeq, true
		c.pump(&c.sending, c.sendNext)
	}
}
