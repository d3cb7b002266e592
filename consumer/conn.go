package consumer

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// Conn is a client's connection to a room. Its methods can be called at any
// time.
type Conn struct {
	id   event.ConnID
	room string
	user any

	consumer *Consumer
	socket   *socket
	dialect  dialect
	slot     *slot // of a document that the client has named; nil: there is one on the socket
	acks     bool  // the client counts its updates, and expects an answer to each; it knows V1 only
	entered  bool  // the Conn is in Consumer.rooms
	since    time.Time
	tallies  []tally // see Settings.User and Settings.Address

	handling sync.Mutex    // held while a message or the end of the connection is handled
	sending  chan struct{} // holds one element while an input is sent; see send

	// For the send that runs.

	received traffic       // from the client
	own      awareness.Own // what the client shows of itself
	hidden   bool          // the room may not know it

	// The socket's lock guards these.

	accessSeq uint64 // of the last OutputAccess
	access    event.Access
	untold    bool      // the room has to be told of the access
	told      bool      // the client was told that it is admitted
	renewing  bool      // the client was asked for a token that replaces the one that expires
	name      string    // see Admission.Name
	expires   time.Time // zero: never
	renewal   *renewal  // nil: the admission isn't renewed

	out         outbox.Outbox
	sent        traffic       // to the client, or taken from out for it
	allowance   int           // the size of an answer above which it is a large one; never changed
	messageSize int           // Settings.MessageSize; never changed
	ready       bool          // it is in socket.ready
	large       bool          // it has, or may have, a part of Consumer.answers
	asking      bool          // runAsk runs
	probed      bool          // runProbe runs
	ended       bool          // no frame is added to the outbox any more
	alone       bool          // the Conn has ended without its socket
	ending      chan struct{} // closed when the connection ends; nil: nothing has waited for that
	cause       *cause        // nil: it has not ended
}

// newConn returns a Conn for a document on the socket. It is neither attached to the socket
// nor in its room yet: see attach and open.
func (s *socket) newConn(d dialect, a Admission, set Settings) *Conn {
	c := &Conn{
		room: a.Room, user: a.User,
		access: a.Access, name: a.Name, expires: a.Expires,
		renewal: newRenewal(a),

		consumer: s.consumer,
		socket:   s,
		dialect:  d,
		since:    time.Now(),
		sending:  make(chan struct{}, 1),

		allowance:   set.OutboxSize / 2,
		messageSize: set.MessageSize,
	}
	_, c.acks = d.(protocol.Hocuspocus)
	for c.id == event.Everyone {
		c.id = event.ConnID(rand.Uint64())
	}
	c.out = outbox.New(set.OutboxSize, set.Greeting, func(states []byte) *outbox.Frame {
		return awarenessFrame(d, states, c.id)
	})
	return c
}

// attach adds a Conn to the socket.
func (s *socket) attach(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, c)
	if s.ended {
		c.setEnded(*s.cause)
	}
}

// ID returns a random number that identifies the connection within its room.
func (c *Conn) ID() event.ConnID { return c.id }

// Room returns the name of the room.
func (c *Conn) Room() string { return c.room }

// User returns Admission.User.
func (c *Conn) User() any { return c.user }

// open joins the room.
func (c *Conn) open() error {
	c.consumer.enter(c)
	c.entered = true
	if err := c.send(nil); err != nil { // sends the Join, which is due
		return err
	}
	c.log().Debug("connected", c.attrs()...)
	c.emit(c.consumer.cfg.Events.Connected)
	if hook := c.consumer.cfg.Hooks.PostConnect; hook != nil {
		return c.guard("PostConnect", func() error { hook(c); return nil })
	}
	return nil
}

// add adds a frame to the outbox and starts the writer. It doesn't block.
func (c *Conn) add(f *outbox.Frame) {
	s := c.socket
	s.mu.Lock()
	if c.ended {
		s.mu.Unlock()
		return
	}
	change, err := c.addFrame(f)
	c.askIfDue()
	s.mu.Unlock()
	c.emitChange(change)
	if change == outbox.ChangeOverrun {
		c.end(tooSlow)
	}
	if err != nil {
		c.end(cause{
			CloseError: protocol.CloseError{Code: protocol.CloseInternal, Reason: "the server made a mistake"},
			err:        fmt.Errorf("merge awareness: %w", err),
		})
	}
}

// addFrame adds a frame to the outbox and starts the writer. The socket's lock must be
// held.
func (c *Conn) addFrame(f *outbox.Frame) (outbox.Change, error) {
	change, err := c.out.Add(f)
	c.added(f)
	return change, err
}

// added accounts for a frame that the outbox has taken, and starts the writer. The socket's
// lock must be held.
func (c *Conn) added(f *outbox.Frame) {
	c.holdAnswer(f)
	c.socket.writeSoon(c)
}

func (c *Conn) emitChange(change outbox.Change) {
	events := &c.consumer.cfg.Events
	switch change {
	case outbox.ChangeBehind:
		c.emit(events.Behind)
	case outbox.ChangeResynced:
		c.emit(events.Resynced)
	case outbox.ChangeRejoined:
		c.emit(events.Rejoined)
	}
}

// end ends the connection for the reason why. If its document can end alone, a message of
// its dialect that closes it is written last and the socket continues; otherwise the
// socket ends. end doesn't block. Later calls have no effect.
func (c *Conn) end(why cause) {
	if c.isEnding() {
		return
	}
	f, alone := c.lastFrame(why)
	if !alone {
		c.socket.end(why)
		return
	}
	s := c.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.ended {
		return
	}
	c.setEnded(why)
	c.alone = true
	if f != nil {
		_, _ = c.out.Add(f) // only awareness can cause an error
	}
	if c.out.Empty() {
		s.removeAlone()
	}
	s.writeSoon(c)
	s.background.Go(c.detach)
}

// lastFrame reports whether the document ends without its socket, and returns the frame
// that closes it then, if there is one.
func (c *Conn) lastFrame(why cause) (f *outbox.Frame, alone bool) {
	if c.slot != nil {
		return c.slot.lastFrame(c, why)
	}
	f = newFrame(c.dialect, &event.Output{To: c.id, Message: why.Message()})
	return f, f.Head != nil
}

// setEnded marks the connection as ended for the reason why. The socket's lock must be
// held.
func (c *Conn) setEnded(why cause) {
	if !c.ended {
		c.ended, c.cause = true, &why
		if c.ending != nil {
			close(c.ending)
		}
	}
}

func (c *Conn) isEnding() bool {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	return c.ended
}

// whenEnding returns a channel that is closed when the connection ends.
func (c *Conn) whenEnding() <-chan struct{} {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	return whenEnding(&c.ending, c.ended)
}

// detach runs after the connection has ended. It leaves the room.
func (c *Conn) detach() {
	c.handling.Lock()
	defer c.handling.Unlock()
	hooks := &c.consumer.cfg.Hooks
	if c.joined() {
		if hooks.PreDisconnect != nil {
			_ = c.guard("PreDisconnect", func() error { hooks.PreDisconnect(c, c.cause.CloseError); return nil })
		}
		c.leave()
	}
	if c.entered {
		c.consumer.exit(c)
	}
	if c.slot != nil {
		c.slot.documents.uncount()
	}
	c.consumer.quotas.leave(c.tallies)
	c.consumer.answers.release(c)
	c.consumer.answers.wake()
	c.logEnd()
	if closed := c.consumer.cfg.Events.Closed; closed != nil {
		_ = c.guard("Events", func() error { closed(c, c.cause.CloseError); return nil })
	}
	if hooks.PostDisconnect != nil {
		_ = c.guard("PostDisconnect", func() error { hooks.PostDisconnect(c, c.cause.CloseError); return nil })
	}
}

// joined reports whether the room may know the connection.
func (c *Conn) joined() bool {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	return c.out.Joined()
}

func (c *Conn) guard(what string, f func() error) error { return c.consumer.guard(c, what, f) }

func (c *Conn) log() *slog.Logger { return c.consumer.log }

// traffic counts messages and the bytes of their frames.
type traffic struct{ messages, bytes int }

func (t *traffic) add(messages, bytes int) {
	t.messages += messages
	t.bytes += bytes
}

// takeFrames moves the frames that wait into the batch. The socket's lock must be held.
func (c *Conn) takeFrames(batch []*outbox.Frame) []*outbox.Frame {
	before := len(batch)
	batch = c.out.Take(batch)
	bytes := 0
	for _, f := range batch[before:] {
		bytes += len(f.Head) + len(f.Body)
	}
	c.sent.add(len(batch)-before, bytes)
	c.consumer.counts.sent.add(len(batch)-before, bytes)
	return batch
}

// maxLogged is how many bytes of a text from a client or a room are logged.
const maxLogged = 256

// attrs returns the attributes that identify the connection in the log. The request's
// query is omitted, because it may hold a token.
func (c *Conn) attrs() []any {
	attrs := []any{"room", c.room, "conn", c.id.String(), "addr", c.socket.addr}
	if name := userName(c.user); name != "" {
		attrs = append(attrs, "user", cut(name, maxLogged))
	}
	return attrs
}

// logEnd logs the end of the connection and sums it up. The level is debug if the client
// has closed the connection or the server is shutting down, and otherwise info.
func (c *Conn) logEnd() {
	log, by := c.log().Info, "server"
	if c.cause.peer {
		by = "client"
	}
	if c.cause.peer || c.cause.Code == protocol.CloseRestart {
		log = c.log().Debug
	}
	c.socket.mu.Lock()
	sent := c.sent
	c.socket.mu.Unlock()
	attrs := append(c.attrs(),
		"duration", time.Since(c.since).Round(time.Millisecond).String(),
		"received_messages", c.received.messages, "received_bytes", c.received.bytes,
		"sent_messages", sent.messages, "sent_bytes", sent.bytes,
		"by", by, "code", int(c.cause.Code), "reason", cut(c.cause.Reason, maxLogged))
	if c.cause.err != nil {
		attrs = append(attrs, "error", c.cause.err)
	}
	log("disconnected", attrs...)
}
