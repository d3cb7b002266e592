package consumer

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// slot is what a socket holds for the address of a document: its Conn once the client was
// admitted, and before that the frames that wait for it. Its frames are handled in order:
// by the reader of the socket while the document is open, and by run, on a goroutine of its
// own, while it is being opened.
type slot struct {
	documents *documents
	address   string
	closes    atomic.Bool // the provider understands the message that closes a document

	// The lock of documents guards these.

	conn    *Conn
	busy    bool      // run runs
	queue   [][]byte  // the bodies of frames
	since   time.Time // when the first of them arrived
	tried   bool      // an admission was tried, or isn't to be tried without a token
	waiting bool      // what the request carries doesn't suffice, so the client has to send a token
	overrun bool      // frames were dropped, because there were too many
}

// live returns the Conn, or nil if there is none or it has ended. The lock must be held.
func (s *slot) live() *Conn {
	if s.conn != nil && s.conn.isEnding() {
		s.conn = nil
	}
	return s.conn
}

// left removes the Conn if its client has closed the document, so that it can be opened
// again as if it had never been open.
func (s *slot) left(conn *Conn) {
	conn.socket.mu.Lock()
	peer := conn.alone && conn.cause.peer
	conn.socket.mu.Unlock()
	d := s.documents
	d.mu.Lock()
	defer d.mu.Unlock()
	if !peer || s.conn != conn {
		return
	}
	s.conn, s.tried = nil, false
	if !s.busy {
		d.remove(s)
	}
}

// run handles the frames in the queue.
func (s *slot) run() {
	socket := s.documents.socket
	if err := socket.guard("the opening of a document", func() error { s.runQueue(); return nil }); err != nil {
		socket.kill(causeOf(err))
	}
}

func (s *slot) runQueue() {
	for {
		conn, body, ok := s.next()
		switch auth, isAuth, err := protocol.ReadAuth(body); {
		case !ok:
			return
		case !isAuth && conn != nil:
			s.documents.deliver(conn, body)
		case err != nil && conn != nil:
			conn.endRefused(err)
		case err != nil:
			s.refuse(err)
		case conn != nil:
			s.admitAgain(conn, auth)
		default:
			s.admit(auth, body == nil)
		}
	}
}

// next takes a frame from the queue, for conn unless that is nil. If there is no Conn, it
// is an Auth, or nil if the client is to be admitted without one. Once ok is false, run is
// to end.
func (s *slot) next() (conn *Conn, body []byte, ok bool) {
	d := s.documents
	d.mu.Lock()
	defer d.mu.Unlock()
	conn = s.live()
	switch {
	case d.ctx.Err() != nil || len(s.queue) == 0:
	case conn != nil:
		return conn, d.pop(s, 0), true
	default:
		if i := slices.IndexFunc(s.queue, protocol.IsAuth); i >= 0 {
			s.tried, s.waiting = true, false
			d.noteToken()
			return nil, d.pop(s, i), true
		}
		if !s.tried {
			s.tried = true
			return nil, nil, true
		}
	}
	s.busy = false
	if conn == nil && len(s.queue) == 0 && !s.tried {
		d.remove(s)
	}
	d.space.Broadcast()
	return nil, nil, false
}

// noteToken notes that a token has arrived. The client has a while to be admitted then. The
// lock must be held.
func (d *documents) noteToken() {
	if d.asked || d.admitted {
		return
	}
	d.asked = true
	d.socket.mu.Lock()
	defer d.socket.mu.Unlock()
	if d.socket.doom.isUnanswered() {
		d.socket.doom.at = time.Now().Add(admitTime)
	}
}

func isClose(body []byte) bool {
	m, _, ok, _ := protocol.Hocuspocus{}.Next(body)
	return ok && m.Type == protocol.Close
}

// admit admits the client to the document, or denies it.
//
// A client that begins with another message than an Auth may never send one: a provider of
// version 2 without a token doesn't. So if what its request carries suffices, it is
// admitted; otherwise, its frames wait for its Auth.
func (s *slot) admit(auth protocol.Auth, implied bool) {
	d := s.documents
	s.note(auth)
	select {
	case d.turns <- struct{}{}:
	case <-d.ctx.Done():
		return
	}
	conn, byHook, err := s.connect(auth)
	<-d.turns
	switch {
	case d.ctx.Err() != nil:
	case err == nil:
		s.open(conn)
	case !implied || !byHook:
		s.refuse(err)
	default:
		d.mu.Lock()
		s.waiting = true
		d.mu.Unlock()
	}
}

// note records what the version of a provider implies.
func (s *slot) note(auth protocol.Auth) {
	if auth.Version == "" { // before 4
		return
	}
	s.closes.Store(true)
	socket := s.documents.socket
	socket.mu.Lock()
	defer socket.mu.Unlock()
	socket.keepalive = hocuspocusPingFrame
}

// connect returns the Conn of a client that is admitted. byHook reports that a hook has
// refused.
func (s *slot) connect(auth protocol.Auth) (conn *Conn, byHook bool, err error) {
	d := s.documents
	if err := d.mayJoin(); err != nil {
		return nil, false, err
	}
	a, err := s.ask(auth)
	if err != nil {
		return nil, true, err
	}
	if err := d.count(); err != nil {
		return nil, false, err
	}
	set := d.consumer.settings(a.Room)
	set.Greeting = event.GreetingClient
	count, err := d.consumer.quotas.enter(&set, userName(a.User), d.socket.from, d.consumer.opens(a.Room), time.Now())
	if err != nil {
		d.uncount()
		return nil, false, err
	}
	a.Room = strings.Clone(a.Room)
	conn = d.socket.newConn(protocol.Hocuspocus{Address: s.address}, a, set)
	conn.slot, conn.tallies = s, count
	d.socket.attach(conn)
	if hook := d.consumer.cfg.Hooks.PreConnect; hook != nil {
		if err := conn.guard("PreConnect", func() error { return hook(conn, d.request.WithContext(d.ctx)) }); err != nil {
			conn.forget()
			return nil, true, err
		}
	}
	return conn, false, nil
}

// ask asks the program whether it admits the client to the document.
func (s *slot) ask(auth protocol.Auth) (Admission, error) {
	d := s.documents
	name, _, _ := strings.Cut(s.address, "\x00")
	if err := checkRoom(name); err != nil {
		return Admission{}, err
	}
	a := Admission{Room: name, Access: event.AccessWrite | event.AccessPresent}
	if hook := d.consumer.cfg.Hooks.Admit; hook != nil {
		r := Request{HTTP: d.request.WithContext(d.ctx), Room: name, Token: auth.Token}
		if r.Token == "" {
			r.Token = token(d.request)
		}
		err := d.consumer.guard(nil, "Admit", func() (err error) {
			a, err = hook(d.ctx, r)
			return err
		})
		if err != nil {
			return Admission{}, err
		}
	}
	return a, checkRoom(a.Room)
}

// mayJoin waits until the gate allows one more join. A client whose document was denied
// would not try again.
func (d *documents) mayJoin() error {
	wait, err := d.consumer.gate.join(d.socket.from, time.Now(), ownerPatience)
	if err != nil {
		d.socket.end(cause{CloseError: protocol.CloseError{Code: protocol.CloseTryLater, Reason: err.Error()}})
		return err
	}
	return await(d.ctx, wait)
}

// open tells the client that it is admitted, and joins the room.
func (s *slot) open(conn *Conn) {
	d, socket := s.documents, conn.socket
	d.mu.Lock()
	overrun, first := s.overrun, !d.admitted
	s.conn, s.overrun = conn, false
	d.admitted = true
	d.mu.Unlock()

	socket.max.Store(max(socket.max.Load(), int64(conn.messageSize)))
	if first {
		socket.mu.Lock()
		if socket.doom.isUnanswered() { // otherwise another document could not be opened
			socket.doom = nil
		}
		socket.mu.Unlock()
	}
	if overrun { // the client has to synchronize again
		socket.end(cause{CloseError: resetting})
		return
	}
	conn.tellScope()
	if err := conn.open(); err != nil {
		conn.end(causeOf(err))
	}
}

// refuse denies the client the document. Of the frames in the queue, those before another
// Auth are dropped.
func (s *slot) refuse(err error) {
	d := s.documents
	d.mu.Lock()
	for len(s.queue) > 0 && !protocol.IsAuth(s.queue[0]) {
		d.pop(s, 0)
	}
	d.mu.Unlock()
	d.deny(s.address, err)
}

// admitAgain handles an Auth for a document that is open: the program decides again. If it
// can't, what it has decided before still holds.
func (s *slot) admitAgain(conn *Conn, auth protocol.Auth) {
	d := s.documents
	if d.consumer.cfg.Hooks.Admit == nil {
		return
	}
	s.note(auth)
	select {
	case d.turns <- struct{}{}:
	case <-d.ctx.Done():
		return
	}
	defer func() { <-d.turns }()
	if d.mayJoin() != nil {
		return
	}
	a, err := s.ask(auth)
	if err == nil {
		err = conn.readmit(a, nil)
	}
	switch {
	case err == nil, d.ctx.Err() != nil:
	case isUndecided(err):
		conn.log().Warn("a token could not be checked", append(conn.attrs(), "error", err)...)
		conn.askAgain()
	default:
		conn.endRefused(err)
	}
}

// lastFrame returns the frame that closes the document of c alone, which may be nil.
//
// A client opens a document again by itself only after its socket has ended. So the socket
// ends if the client may open the document again soon. But a document that can't even be
// opened must not disturb the others each time: if there are others, the socket ends a
// while later. If the client would make the same mistake again, or may not open the
// document any more, the document ends alone.
//
// Providers before version 3 throw when they receive a Close, unless a denial has made them
// detach from the document. So a provider whose version isn't known is sent a denial first.
func (s *slot) lastFrame(c *Conn, why cause) (f *outbox.Frame, alone bool) {
	dialect := protocol.Hocuspocus{Address: s.address}
	f = &outbox.Frame{Type: protocol.Close}
	if comesBack(why.Code) {
		if !s.resetLater(c, why) {
			return nil, false
		}
		if !s.closes.Load() {
			return nil, true
		}
	} else if !s.closes.Load() && !why.peer {
		f.Head = encode(ws.OpBinary, dialect.AppendDenied(nil, why.Reason))
	}
	f.Head = append(f.Head, encode(ws.OpBinary, dialect.AppendHead(nil, why.Message()))...)
	return f, true
}

// comesBack reports whether the client may connect again after a close with this code.
func comesBack(code protocol.CloseCode) bool {
	switch code {
	case protocol.CloseGoingAway, protocol.CloseInternal, protocol.CloseRestart, protocol.CloseTryLater, protocol.CloseReset:
		return true
	}
	return false
}

// resetLater determines that the socket ends for the reason why in a while, if its other
// documents must not be disturbed now, and reports whether it has.
func (s *slot) resetLater(c *Conn, why cause) bool {
	d := s.documents
	d.mu.Lock()
	others := d.open > 1
	d.mu.Unlock()
	c.socket.mu.Lock()
	opened := c.out.Greeted()
	c.socket.mu.Unlock()
	if !others || opened {
		return false
	}
	d.endSoon(why)
	return true
}
