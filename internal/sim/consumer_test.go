package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// consumer is a process that clients and programs connect to. The outbox of the real
// consumer decides what is written to a connection, and when the connection joins again
// or requests what it lacks.
type consumer struct {
	life

	world   *world
	nth     int
	node    *node
	beside  *server // in the same process; nil: there is none
	front   *front
	conns   []*conn
	vectors []outbox.Vectors // by room
	wholes  []*outbox.Frame  // by room: a whole document that some connection was sent
	closing bool             // it takes no new connections

	programs   []*program
	watches    []*watch
	judgements []*judgement

	query  event.ConnID    // of the query of checkMembers in progress; 0: none
	answer *event.Response // the response to it; nil: none yet
}

// startConsumer starts a consumer in the process of s, or in one of its own if s is nil.
func (w *world) startConsumer(s *server) {
	w.started++
	c := &consumer{world: w, nth: w.started, vectors: make([]outbox.Vectors, len(roomNames)), wholes: make([]*outbox.Frame, len(roomNames))}
	if s != nil {
		c.node, c.beside, s.beside = s.node, s, c
		w.tracef("consumer %d is in the process of server %d", c.nth, s.nth)
	} else {
		c.node = w.bus.newNode(fmt.Sprint("consumer ", c.nth))
	}
	c.node.lives = append(c.node.lives, &c.life)
	c.front = c.node.attach(layer.FrontHandler{Deliver: c.deliver, Lost: c.lost})
	w.consumers = append(w.consumers, c)
	w.tracef("consumer %d starts", c.nth)
	for i := range roomNames {
		c.newProgram(i)
		if w.chance(w.watches) {
			c.newWatch(i)
		}
	}
}

// crash ends the process at once. Its connections break.
func (c *consumer) crash() {
	w := c.world
	w.tracef("consumer %d crashes", c.nth)
	w.seen.crashes++
	c.dead, c.closing = true, true
	for _, conn := range c.conns {
		conn.lose()
	}
	w.drop(&c.life)
	c.node.leave()
	c.gone()
	if s := c.beside; s != nil && !s.dead {
		s.crash()
	}
}

// drain closes all connections, and ends the process when they have left.
func (c *consumer) drain() {
	w := c.world
	if c.closing {
		return
	}
	w.tracef("consumer %d drains", c.nth)
	w.seen.drains++
	c.closing = true
	for _, conn := range slices.Clone(c.conns) {
		conn.close()
	}
	for _, x := range c.watches {
		x.leave()
	}
	c.endWhenLeft()
}

func (c *consumer) endWhenLeft() {
	if len(c.conns) > 0 {
		c.world.after(&c.life, time.Millisecond, c.endWhenLeft)
		return
	}
	c.dead = true
	if err := c.front.Close(); err != nil {
		panic(err)
	}
	c.gone()
	if s := c.beside; s != nil {
		s.beside = nil
		s.drain()
	} else {
		c.node.end()
	}
}

func (c *consumer) gone() {
	c.world.consumers = slices.DeleteFunc(c.world.consumers, func(x *consumer) bool { return x == c })
}

// lost makes the connections of some rooms join again.
func (c *consumer) lost(affected func(room string) bool) {
	if c.world.plant.unreported {
		return
	}
	c.world.seen.losses++
	for _, conn := range slices.Clone(c.conns) {
		if !conn.left && affected(roomNames[conn.client.room]) {
			conn.rejoin()
		}
	}
	for _, g := range c.programs {
		if affected(roomNames[g.room]) {
			g.conn = 0 // the response may be lost
		}
	}
	for _, j := range c.judgements {
		if j.id != 0 && affected(roomNames[j.conn.client.room]) {
			j.again(2 * time.Second) // as package document does
		}
	}
	for _, x := range c.watches {
		if x.conn != 0 && affected(roomNames[x.room]) {
			x.restart()
		}
	}
}

// deliver handles the outputs of a room.
func (c *consumer) deliver(outs []layer.Output) {
	if c.dead {
		return
	}
	for i := range outs {
		c.take(roomIndex(outs[i].Room), &outs[i].Output)
	}
}

func (c *consumer) take(room int, out *event.Output) {
	for _, x := range c.watches {
		if out.To == x.conn && out.To != event.Everyone {
			x.take(out)
			return
		}
	}
	if out.Kind == event.OutputResponse {
		c.respond(room, out)
		return
	}
	if out.Vector != nil {
		c.vectors[room].Add(out.Mark, out.Vector)
		if out.To == event.Everyone {
			c.world.seen.vectors++
		}
	}
	if out.To == event.Everyone {
		f := frameOf(out)
		for _, conn := range slices.Clone(c.conns) {
			if conn.client.room == room {
				conn.take(f)
			}
		}
		return
	}
	i := slices.IndexFunc(c.conns, func(x *conn) bool { return x.id == out.To && !x.left })
	switch {
	case i < 0:
		c.leave(room, out.To)
	case out.Kind == event.OutputRejoin:
		c.conns[i].rejoin()
	case out.Kind == event.OutputAccess:
		c.conns[i].receiveAccess(out)
	case out.Kind == event.OutputProbe:
		c.conns[i].probe()
	case out.Kind == event.OutputOffer:
		c.world.seen.offers++
		c.conns[i].out.Offer(out)
		c.conns[i].pump(&c.conns[i].sending, c.conns[i].sendNext)
	case out.Message.Type == protocol.Close:
		c.conns[i].closed = out.Message.Code == protocol.CloseDeleted
		c.conns[i].close()
	default:
		switch out.Message.Type {
		case protocol.Ack, protocol.Reject, protocol.Uncounted:
			c.conns[i].checkAnswer(&out.Message)
		}
		f := frameOf(out)
		if out.Whole {
			c.wholes[room] = f
		}
		c.conns[i].take(f)
	}
}

// respond handles a response to a program.
func (c *consumer) respond(room int, out *event.Output) {
	if c.query == out.To {
		c.answer = out.Response
		return
	}
	for _, g := range c.programs {
		if g.conn == out.To {
			g.take(*out.Response)
			return
		}
	}
	for _, j := range c.judgements {
		if j.id == out.To {
			j.take(*out.Response)
			return
		}
	}
	// The response may belong to a watch that the room began after its program had left.
	c.leave(room, out.To)
}

// leave says that a connection or a program doesn't exist.
func (c *consumer) leave(room int, conn event.ConnID) {
	_ = c.front.Send(layer.Input{Room: roomNames[room], Input: event.Input{Kind: event.InputLeave, Conn: conn}})
}

func frameOf(out *event.Output) *outbox.Frame {
	f := &outbox.Frame{Type: out.Message.Type, Head: out.Message.Data, Mark: out.Mark, Count: out.Message.Count, Broadcast: out.To == event.Everyone}
	if f.Type == protocol.Awareness {
		f.States = out.Message.Data
	}
	return f
}

// awarenessFrame frames an awareness update that an outbox has merged.
func awarenessFrame(states []byte) *outbox.Frame {
	return &outbox.Frame{Type: protocol.Awareness, Head: states, States: states}
}

// conn is a connection between a client and a consumer.
type conn struct {
	id       event.ConnID
	client   *client
	consumer *consumer
	out      outbox.Outbox
	own      awareness.Own
	up       []protocol.Message // from the client, for the room
	down     []message          // written, on their way to the client

	access    event.Access
	accessSeq uint64
	untold    bool // the room has to be told of the access

	unanswered [][]byte // the updates that were sent to the room and not answered, for a client that counts them

	sending, writing, reading bool // whether a call of sendNext, of write and of the client's read is scheduled

	closed bool // the room was deleted
	left   bool // the consumer accepts nothing more from the client
	cut    bool // nothing more arrives at the client
}

// connect opens a connection.
func (c *consumer) connect(of *client) *conn {
	w := c.world
	w.lastConn++
	x := &conn{id: w.lastConn, client: of, consumer: c, out: of.newOutbox(), access: of.access}
	w.access[x.id] = of.access
	c.conns = append(c.conns, x)
	x.pump(&x.sending, x.sendNext)
	return x
}

// probe reports to the room if the client doesn't answer a ping.
func (c *conn) probe() {
	w := c.client.world
	w.seen.probes++
	w.after(&c.consumer.life, 5*time.Second, func() {
		if !c.left && (c.cut || c.client.frozen) {
			_ = c.consumer.front.Send(layer.Input{Room: roomNames[c.client.room], Input: event.Input{Kind: event.InputSilent, Conn: c.id}})
		}
	})
}

// pump schedules next, unless it is scheduled already.
func (c *conn) pump(scheduled *bool, next func()) {
	if !*scheduled {
		*scheduled = true
		of := &c.consumer.life
		if scheduled == &c.reading {
			of = nil // the client reads
		}
		c.client.world.add(of, func() { *scheduled = false; next() })
	}
}

// send queues a message from the client for the consumer.
func (c *conn) send(m protocol.Message) {
	if !c.left && !c.cut {
		c.up = append(c.up, m)
		c.pump(&c.sending, c.sendNext)
	}
}

// sendNext sends the input that the outbox has due, or else the client's next message.
func (c *conn) sendNext() {
	w := c.client.world
	if c.consumer.dead {
		return
	}
	in, due := event.Input{}, false
	if !c.left {
		c.grant()
		in, due = c.out.Ask(func(m event.Mark) []byte {
			if w.plant.newest {
				m.Seq = math.MaxUint64
			}
			return c.consumer.vectors[c.client.room].At(m)
		})
	}
	if !due && c.untold && !c.left {
		in, due = event.Input{Kind: event.InputAccess}, true
	}
	switch {
	case due:
		in.Access, in.AccessSeq, in.Acks = c.access, c.accessSeq, c.client.counts
		c.checkAsk(&in)
	case len(c.up) > 0:
		in = event.Input{Kind: event.InputMessage, Message: c.up[0]}
		switch {
		case in.Message.Type == protocol.Awareness:
			c.own.Note(in.Message.Data)
			in.Client = c.own.Client()
		case in.Message.Type == protocol.SyncStep1:
			in.Most = c.out.Question()
		case in.Message.Type == protocol.QueryAwareness && !c.out.Query():
			c.up = c.up[1:]
			c.pump(&c.sending, c.sendNext)
			return
		}
	case c.left:
		in = event.Input{Kind: event.InputLeave}
	default:
		return
	}
	in.Conn = c.id
	message := in.Message // whose data the room owns after Send
	message.Data = slices.Clone(message.Data)
	if err := c.consumer.front.Send(layer.Input{Room: roomNames[c.client.room], Input: in}); err != nil {
		if due && in.Kind != event.InputAccess {
			c.out.Failed(in)
		}
		w.after(&c.consumer.life, 50*time.Millisecond, func() { c.pump(&c.sending, c.sendNext) })
		return
	}
	switch {
	case due:
		c.untold = c.untold && in.Kind != event.InputAccess && in.Kind != event.InputJoin
	case in.Kind == event.InputMessage:
		c.sent(&message)
		c.up = c.up[1:]
	case in.Kind == event.InputLeave:
		c.consumer.conns = slices.DeleteFunc(c.consumer.conns, func(x *conn) bool { return x == c })
		return
	}
	c.pump(&c.sending, c.sendNext)
}

// grant grants what the outbox needs, or lets the connection share a whole document that
// was sent to another one.
func (c *conn) grant() {
	n := c.out.Need()
	if n == 0 {
		return
	}
	whole := c.consumer.wholes[c.client.room]
	if mark, ok := c.out.Wants(); ok && whole != nil && whole.Mark.Epoch == mark.Epoch && c.client.world.chance(50) {
		c.client.world.seen.shared++
		f := *whole
		c.take(&f)
		return
	}
	c.out.Grant(n)
}

// checkAsk checks that the client has the state that an input of its outbox claims.
func (c *conn) checkAsk(in *event.Input) {
	w := c.client.world
	if in.Mark == (event.Mark{}) && in.Vector == nil || c.cut {
		return
	}
	doc := blocks.New()
	_, err := doc.Apply(c.client.doc.Encode(blocks.V1), blocks.V1)
	for _, m := range c.down {
		if err == nil && (m.typ == protocol.Update || m.typ == protocol.SyncStep2) {
			_, err = doc.Apply(m.data, blocks.V1)
		}
	}
	if err != nil {
		w.failf("client %d was sent an update that can't be read: %v", c.client.id, err)
	}
	has := readVector(doc.StateVector())
	if !has.covers(w.at(in.Mark)) {
		w.failf("%s: client %d lacks a part of %v, which its outbox claims that it has", roomNames[c.client.room], c.client.id, in.Mark)
	}
	if in.Vector != nil && !has.covers(readVector(in.Vector)) {
		w.failf("%s: client %d lacks a part of the state vector of %v", roomNames[c.client.room], c.client.id, in.Mark)
	}
}

// take adds a frame to the outbox.
func (c *conn) take(f *outbox.Frame) {
	if c.left {
		return
	}
	change, err := c.out.Add(f)
	if err != nil {
		c.client.world.failf("awareness can't be merged: %v", err)
	}
	switch change {
	case outbox.ChangeBehind:
		c.client.world.seen.behind++
	case outbox.ChangeRejoined:
		c.client.world.seen.rejoins++
	}
	c.pump(&c.writing, c.write)
}

// write writes the frames of the outbox, which takes time.
func (c *conn) write() {
	w := c.client.world
	if c.left || c.consumer.dead || c.out.Empty() {
		if !c.left && !c.consumer.dead && (c.out.Due() || c.out.Need() > 0) {
			c.pump(&c.sending, c.sendNext)
		}
		return
	}
	batch := c.out.Take(nil)
	c.writing = true
	wrote := func() {
		c.writing = false
		c.out.Wrote()
		for _, f := range batch {
			c.push(message{f.Type, f.Head})
		}
		c.pump(&c.writing, c.write)
	}
	if w.calm || w.chance(95) {
		w.add(&c.consumer.life, wrote)
	} else {
		w.after(&c.consumer.life, w.within(10*w.pace), wrote) // the client reads slowly
	}
}

// close ends the connection from the consumer's side.
func (c *conn) close() {
	c.up = nil // nothing more is read from it
	c.leave()
	c.push(message{typ: protocol.Close})
}

// leave ends the connection at the consumer. Messages that the consumer has read are
// still sent to the room.
func (c *conn) leave() {
	if !c.left {
		c.left = true
		c.pump(&c.sending, c.sendNext)
	}
}

// lose breaks the connection. Some messages on their way are lost. The client detects
// it soon, the consumer perhaps late.
func (c *conn) lose() {
	w := c.client.world
	if c.cut {
		return
	}
	c.cut = true
	if !c.left {
		c.up = c.up[:w.rnd.IntN(len(c.up)+1)]
	}
	w.after(&c.consumer.life, w.within(5*w.pace), c.leave)
	w.after(nil, w.within(w.pace), func() {
		if c.client.conn == c {
			c.client.offline()
			c.client.connectSoon()
		}
	})
}

// push sends a message to the client.
func (c *conn) push(m message) {
	if !c.cut {
		c.down = append(c.down, m)
		c.pump(&c.reading, c.pushNext)
	}
}

func (c *conn) pushNext() {
	if len(c.down) == 0 || c.cut || c.client.conn != c {
		return
	}
	m := c.down[0]
	c.down = c.down[1:]
	if m.typ == protocol.Close {
		c.cut = true
		c.client.offline()
		if c.closed {
			c.client.reload()
		} else {
			c.client.connectSoon()
		}
		return
	}
	c.client.take(m)
	if len(c.down) > 0 {
		c.pump(&c.reading, c.pushNext)
	}
}
