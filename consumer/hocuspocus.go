package consumer

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// Limits of a socket of a Hocuspocus client. Those of the queues are for the frames of
// documents that are not open yet.
const (
	mostQueued     = 1_000
	mostQueuedSize = 5 << 20
	mostReplies    = 1_000            // that wait to be written
	mostAdmissions = 4                // that run at once
	maxAddress     = 4 << 10          // in bytes
	maxHeader      = 32 << 10         // in memory, of a request, which is kept for the documents
	tokenTime      = 10 * time.Second // until the client sends a token, or is admitted without one
	admitTime      = time.Minute      // until the client is admitted to some document, from its first token on
	againPause     = 5 * time.Second  // until the end of a socket whose only document could not be opened
	resetPause     = 30 * time.Second // until the end of a socket for a document that could not be opened, if it has others
)

var (
	resetting  = protocol.CloseError{Code: protocol.CloseReset, Reason: "Reset Connection"}
	unanswered = protocol.CloseError{Code: protocol.CloseLateAuth, Reason: "Connection Timeout"}

	errHeaderSize = &StatusError{http.StatusRequestHeaderFieldsTooLarge, "The header of the request is larger than 32 KiB, or has too many fields.", RefusalHeader}
	errDocuments  = &StatusError{http.StatusTooManyRequests, "This connection has as many documents as it may have.", RefusalDocuments}
)

var (
	answerFrame              = &outbox.Frame{Head: encode(ws.OpBinary, []byte{protocol.HocuspocusPong})}
	hocuspocusKeepaliveFrame = &outbox.Frame{Head: encode(ws.OpBinary, protocol.Hocuspocus{}.Keepalive())}
	hocuspocusPingFrame      = &outbox.Frame{Head: encode(ws.OpBinary, []byte{protocol.HocuspocusPing})}
)

// Hocuspocus returns the handler for Hocuspocus providers. A WebSocket of one carries many
// documents, which the client names in its frames: the path of the request has no meaning.
// Hooks run for each document, with the request that has opened the WebSocket. See
// ServeHTTP for what else holds.
func (c *Consumer) Hocuspocus() http.Handler { return http.HandlerFunc(c.serveHocuspocus) }

func (c *Consumer) serveHocuspocus(w http.ResponseWriter, r *http.Request) {
	if !c.begin() {
		c.refuse(w, r, refuseStopping(w))
		return
	}
	d, err := c.acceptDocuments(w, r)
	if err != nil {
		c.done()
		return
	}
	go func() {
		d.socket.serve(func() error { return nil })
		d.close()
		c.done()
	}()
}

// acceptDocuments upgrades a request. After an error, it has answered the request.
func (c *Consumer) acceptDocuments(w http.ResponseWriter, r *http.Request) (*documents, error) {
	d, err := c.newDocuments(w, r)
	if err != nil {
		c.refuse(w, r, err)
		return nil, err
	}
	if err := d.socket.upgrade(w, r); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// documents are those on a socket of a Hocuspocus client.
type documents struct {
	consumer *Consumer
	socket   *socket
	request  *http.Request   // that has opened the socket
	ctx      context.Context // ends with the socket
	turns    chan struct{}   // holds one element for each admission that runs

	mu       sync.Mutex
	space    sync.Cond // of mu: frames have left the queues, or ctx has ended
	slots    map[string]*slot
	asked    bool // a token has arrived
	admitted bool // some document was
	open     int  // how many documents have a Conn; the gate counts all but one of them
	queued   int  // how many frames are in the queues
	size     int  // of these, in bytes
}

// newDocuments returns the documents of a socket that r asks for, which is counted by the
// gate until close.
func (c *Consumer) newDocuments(w http.ResponseWriter, r *http.Request) (*documents, error) {
	if err := c.checkOrigin(r); err != nil {
		return nil, err
	}
	if sizeOf(r) > maxHeader {
		return nil, errHeaderSize
	}
	from, wait, err := c.gate.enter(r, time.Now())
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(await(r.Context(), wait), checkRequest(w, r)); err != nil {
		c.gate.leave(from)
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	d := &documents{
		consumer: c,
		socket:   c.newSocket(r.RemoteAddr, mostQueuedSize),
		request:  r.Clone(ctx),
		ctx:      ctx,
		turns:    make(chan struct{}, mostAdmissions),
		slots:    make(map[string]*slot),
	}
	d.request.Body = http.NoBody
	d.space.L = &d.mu
	context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.space.Broadcast()
	})
	s := d.socket
	s.from, s.handle, s.tidy, s.stop = from, d.handle, d.tidy, cancel
	s.keepalive = hocuspocusKeepaliveFrame
	s.doom = &doom{time.Now().Add(tokenTime), cause{CloseError: unanswered}}
	return d, nil
}

// isUnanswered reports whether the socket ends because no token that admits the client has
// arrived.
func (d *doom) isUnanswered() bool { return d != nil && d.cause.CloseError == unanswered }

// fieldCost is the memory of a field of a header in addition to its bytes.
const fieldCost = 100

// sizeOf returns about how much memory the header of a request takes.
func sizeOf(r *http.Request) int {
	n := len(r.RequestURI)
	for key, values := range r.Header {
		for _, value := range values {
			n += len(key) + len(value) + fieldCost
		}
	}
	return n
}

// close gives back what the socket has taken of the consumer, after its end.
func (d *documents) close() {
	d.mu.Lock()
	for _, s := range d.slots {
		d.drop(s)
	}
	d.mu.Unlock()
	d.consumer.gate.leave(d.socket.from)
}

// handle handles a frame of the client.
func (d *documents) handle(frame []byte) error {
	if len(frame) == 1 {
		switch frame[0] {
		case protocol.HocuspocusPing:
			d.socket.addControl(controlAnswer, answerFrame)
			return nil
		case protocol.HocuspocusPong:
			return nil
		}
	}
	address, body, err := protocol.ReadAddress(frame)
	if err != nil {
		return &protocol.CloseError{Code: protocol.CloseMalformed, Reason: err.Error()}
	}
	if len(address) > maxAddress {
		return &resetting
	}
	conn, err := d.route(address, body)
	switch {
	case conn != nil:
		d.deliver(conn, body)
	case errors.Is(err, errDocuments):
		if protocol.IsAuth(body) {
			d.deny(string(address), err)
		}
		return nil
	}
	return err
}

// route returns the Conn that handles a frame now, or queues the frame, drops it, or
// returns the reason for which the socket ends.
func (d *documents) route(address, body []byte) (*Conn, error) {
	isAuth := protocol.IsAuth(body)
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		s := d.slots[string(address)] // which may be another one after a Wait
		if s == nil {
			var err error
			if s, err = d.add(string(address)); err != nil {
				return nil, err
			}
		}
		conn := s.live()
		switch {
		case conn != nil && !s.busy && !isAuth:
			return conn, nil
		case s.overrun && !isAuth:
			return nil, nil
		case d.mayEnqueue(s, body, isAuth):
			return nil, d.enqueue(s, body, isAuth)
		case conn != nil: // the document is being opened
			if d.ctx.Err() != nil {
				return nil, errEnding
			}
			d.space.Wait()
		case !d.admitted:
			return nil, &resetting
		default: // the client writes to a document that it may not open, while others go on
			d.drop(s)
			s.overrun = true
		}
	}
}

// mayEnqueue reports whether a frame may be queued. Past the limits, one may if nothing is
// queued that it could wait for: the frames of documents that the client may not open can
// stay for long. The lock must be held.
func (d *documents) mayEnqueue(s *slot, body []byte, isAuth bool) bool {
	return d.queued < mostQueued && d.size+len(body) <= mostQueuedSize ||
		d.queued == 0 && s.conn != nil ||
		isAuth && len(s.queue) == 0 && d.admitted
}

// add adds a slot for an address. The lock must be held.
func (d *documents) add(address string) (*slot, error) {
	if len(d.slots) >= d.consumer.gate.limits.DocumentsPerSocket && !d.evict() {
		if d.admitted {
			return nil, errDocuments
		}
		return nil, &resetting
	}
	s := &slot{documents: d, address: address}
	d.slots[address] = s
	return s, nil
}

// evict removes a slot whose document was denied or has ended, and reports whether there
// was one. The lock must be held.
func (d *documents) evict() bool {
	for _, s := range d.slots {
		if s.tried && !s.busy && !s.waiting && s.live() == nil {
			d.remove(s)
			return true
		}
	}
	return false
}

func (d *documents) remove(s *slot) {
	d.drop(s)
	delete(d.slots, s.address)
}

// enqueue queues a frame, and starts what handles it. The lock must be held.
func (d *documents) enqueue(s *slot, body []byte, isAuth bool) error {
	if isClose(body) && s.conn == nil && !s.busy { // the client leaves a document that isn't open
		d.remove(s)
		return nil
	}
	if !d.consumer.incoming.take(len(body)) {
		return errNoMemory
	}
	if len(s.queue) == 0 {
		s.since = time.Now()
	}
	s.queue = append(s.queue, body)
	d.queued++
	d.size += len(body)
	if !s.busy && (isAuth || s.live() != nil || !s.tried) {
		s.busy = true
		d.socket.background.Go(s.run)
	}
	return nil
}

// pop removes the frame with an index from a queue. The lock must be held.
func (d *documents) pop(s *slot, i int) (body []byte) {
	body = s.queue[i]
	if i == 0 {
		s.queue[0] = nil
		s.queue = s.queue[1:]
	} else {
		s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
	}
	d.queued--
	d.size -= len(body)
	d.consumer.incoming.give(len(body))
	d.space.Signal()
	return body
}

// drop drops the frames in a queue. The lock must be held.
func (d *documents) drop(s *slot) {
	for len(s.queue) > 0 {
		d.pop(s, 0)
	}
	s.queue = nil
}

// tidy drops the frames that have waited for a token for long, if the memory that they take
// is scarce.
func (d *documents) tidy(now time.Time) {
	if !d.consumer.incoming.isScarce() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.slots {
		if len(s.queue) > 0 && !s.busy && now.Sub(s.since) > incomingGrace {
			d.drop(s)
			s.overrun = true
		}
	}
}

// deliver lets a Conn handle a frame.
func (d *documents) deliver(conn *Conn, body []byte) {
	if len(body) > conn.messageSize {
		conn.end(cause{CloseError: *tooBig(int64(conn.messageSize))})
		return
	}
	err := conn.receive(body)
	switch {
	case errors.Is(err, errEnding):
		conn.slot.left(conn)
	case errors.Is(err, protocol.ErrMalformed):
		conn.end(cause{CloseError: protocol.CloseError{Code: protocol.CloseMalformed, Reason: resetting.Reason}, err: err})
	case err != nil:
		conn.end(causeOf(err))
	}
}

// count counts a document, as a connection. If the error is nil, uncount must be called at
// its end.
func (d *documents) count() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open > 0 { // the first one is counted as the socket
		if err := d.consumer.gate.add(d.socket.from); err != nil {
			return err
		}
	}
	d.open++
	return nil
}

// uncount undoes count.
func (d *documents) uncount() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open--; d.open > 0 {
		d.consumer.gate.leave(d.socket.from)
	}
}

// reply writes a frame that belongs to no Conn.
func (d *documents) reply(payload []byte) {
	s := d.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
	case len(s.replies) >= mostReplies:
		s.setEnding(cause{CloseError: resetting, err: errors.New("the client doesn't read the replies to its tokens")})
	default:
		s.replies = append(s.replies, &outbox.Frame{Head: encode(ws.OpBinary, payload)})
		s.startWriter()
	}
}

// deny tells the client that it may not open a document.
//
// If it may do so later, it is told nothing: clients don't try again after a denial. They do
// when their socket has ended, which it does a while later.
func (d *documents) deny(address string, err error) {
	status, reason := denial(err)
	if isUndecided(err) {
		d.endSoon(cause{CloseError: protocol.CloseError{Code: protocol.CloseTryLater, Reason: reason}, err: err})
	} else {
		d.reply(protocol.Hocuspocus{Address: address}.AppendDenied(nil, reason))
	}
	name, _, _ := strings.Cut(address, "\x00")
	if d.consumer.gate.noted.Take(time.Now()) {
		d.consumer.log.Info("document denied", "addr", d.socket.addr, "room", cut(name, maxLogged), "status", status, "error", err)
	}
	if refused := d.consumer.cfg.Events.Refused; refused != nil {
		_ = d.consumer.guard(nil, "Events", func() error { refused(d.request, status, refusalOf(err)); return nil })
	}
}

// isUndecided reports whether the client may be admitted later, because a hook can't decide
// or a limit is reached for now.
func isUndecided(err error) bool {
	se, ok := errors.AsType[*StatusError](err)
	if !ok {
		return false
	}
	switch se.why {
	case RefusalAddressConnections, RefusalAddressRooms, RefusalUserConnections, RefusalUserRooms:
		return true
	}
	return se.Status >= http.StatusInternalServerError
}

// endSoon determines that the socket ends for the reason why in a while, unless it ends
// before. If other documents are open, they are left alone for longer.
func (d *documents) endSoon(why cause) {
	pause := againPause
	d.mu.Lock()
	if d.open > 0 {
		pause = resetPause
	}
	d.mu.Unlock()
	s := d.socket
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := time.Now().Add(pause); s.doom == nil || at.Before(s.doom.at) {
		s.doom = &doom{at, why}
	}
}

// denial returns the HTTP status and the reason for an error of a hook.
func denial(err error) (status int, reason string) {
	var se *StatusError
	switch {
	case errors.As(err, &se):
		return se.Status, se.Reason
	case errors.Is(err, errPanic):
		return http.StatusInternalServerError, "The server made a mistake."
	}
	return http.StatusForbidden, "permission-denied"
}
