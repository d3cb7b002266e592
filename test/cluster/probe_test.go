package cluster_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// probeInterval is the time between two edits of a probe.
const probeInterval = 50 * time.Millisecond

// probe is a client that measures how fast its room answers: it types, and notes when
// the server sends back what it has typed. It keeps what it has received, but sends only
// its own edits again when the room asks for what it lacks. So it can't replace what the
// servers lose.
type probe struct {
	room string
	id   uint64
	url  string

	typing atomic.Bool

	mu     sync.Mutex
	conn   *wsclient.Client // nil while it is not connected
	typed  *blocks.Store    // its own edits
	seen   *blocks.Store    // all that the server has sent to it
	sent   []time.Time      // when it typed each character
	took   []time.Duration  // how long each of these took to return; as many as have returned
	closed []closing        // since the last call of takeClosed
	bytes  int              // received, in messages of documents
}

// closing is a connection that was closed.
type closing struct {
	at      time.Time
	client  string
	room    string
	address string
	code    int // 1006 if there was no close frame
	reason  string
}

func (c closing) String() string {
	return fmt.Sprintf("%s %s in %s at %s: %d %s", c.at.Format("15:04:05.000"), c.client, c.room, c.address, c.code, c.reason)
}

func newProbe(id uint64, address, room string) *probe {
	return &probe{room: room, id: id, url: address, typed: blocks.New(), seen: blocks.New()}
}

// live connects, again and again, until ctx ends.
func (p *probe) live(ctx context.Context) {
	for ctx.Err() == nil {
		conn, err := wsclient.DialOver(ctx, nil, p.url+"/ws/"+p.room, nil)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			err = p.listen(conn)
			stop()
			_ = conn.Close() // it may be closed already
			if ctx.Err() == nil {
				p.note(err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// note notes that the connection was closed.
func (p *probe) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := closing{at: time.Now(), client: "probe", room: p.room, address: p.url, code: 1006}
	if frame, ok := errors.AsType[*closedError](err); ok {
		c.code, c.reason = int(frame.code), frame.reason
	}
	p.closed = append(p.closed, c)
	p.conn = nil
}

// takeClosed returns the connections that were closed since it was last called.
func (p *probe) takeClosed() []closing {
	p.mu.Lock()
	defer p.mu.Unlock()
	closed := p.closed
	p.closed = nil
	return closed
}

// closedError is the error of a connection that the server closes.
type closedError struct {
	code   ws.StatusCode
	reason string
}

func (c *closedError) Error() string { return fmt.Sprintf("closed with %d: %s", c.code, c.reason) }

// listen syncs and handles the messages of the server until the connection ends.
func (p *probe) listen(conn *wsclient.Client) error {
	p.mu.Lock()
	p.conn = conn
	err := conn.Send(testkit.SyncStep1(p.seen.StateVector()))
	p.mu.Unlock()
	if err != nil {
		return err
	}
	for {
		op, frame, err := conn.Read()
		switch {
		case err != nil:
			return err
		case op == ws.OpClose:
			code, reason := ws.ParseCloseFrameData(frame)
			return &closedError{code, reason}
		case op == ws.OpPing:
			err = conn.Write(wsclient.Frame(ws.OpPong, true, frame))
		case op == ws.OpBinary && len(frame) >= 3 && frame[0] == 0:
			size, n := binary.Uvarint(frame[2:])
			data := frame[2+max(n, 0):]
			if n <= 0 || size != uint64(len(data)) {
				return fmt.Errorf("a message that can't be read: %x", frame)
			}
			err = p.take(frame[1], data)
		}
		if err != nil {
			return err
		}
	}
}

// take handles a message of the sync protocol.
func (p *probe) take(step byte, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes += len(data)
	if step == 0 {
		lacks, err := p.typed.Diff(data, blocks.V1)
		if err != nil {
			return err
		}
		return p.conn.Send(testkit.SyncStep2(lacks))
	}
	if _, err := p.seen.Apply(data, blocks.V1); err != nil {
		return err
	}
	now := time.Now()
	for returned := blocks.ClockOf(p.seen.StateVector(), p.id); uint64(len(p.took)) < returned; {
		p.took = append(p.took, now.Sub(p.sent[len(p.took)]))
	}
	return nil
}

// typeOn types while typing is set, until ctx ends.
func (p *probe) typeOn(ctx context.Context) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if p.typing.Load() {
				p.write("x")
			}
		}
	}
}

// write types some text as one edit.
func (p *probe) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	update := testkit.TypedIn("probe", p.id, uint64(len(p.sent)), text)
	if _, err := p.typed.Apply(update, blocks.V1); err != nil {
		panic(err) // it is not an update
	}
	now := time.Now()
	for range text {
		p.sent = append(p.sent, now)
	}
	if p.conn != nil {
		_ = p.conn.Send(testkit.Update(update)) // listen returns the error of a broken connection
	}
}

// waits returns the number of characters that have not returned yet.
func (p *probe) waits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent) - len(p.took)
}

// answered reports whether something that was typed at a time or later has returned.
func (p *probe) answered(since time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.took) > 0 && !p.sent[len(p.took)-1].Before(since)
}

// longest returns the longest time that an edit took, of those typed in a span of time.
func (p *probe) longest(from, to time.Time) (longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.sent) - 1; i >= 0 && !p.sent[i].Before(from); i-- {
		switch {
		case p.sent[i].After(to):
		case i < len(p.took):
			longest = max(longest, p.took[i])
		default:
			longest = max(longest, time.Since(p.sent[i]))
		}
	}
	return longest
}

// received returns an update of everything that the server has sent to the probe.
func (p *probe) received() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Encode(blocks.V1)
}

// since returns how long the edits that were typed after a time took.
func (p *probe) since(from time.Time) (took []time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, t := range p.took {
		if p.sent[i].After(from) {
			took = append(took, t)
		}
	}
	return took
}

// receivedBytes returns how much the server has sent to the probe about the document.
func (p *probe) receivedBytes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}

// clock returns how many characters the probe has typed.
func (p *probe) clock() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// has returns how many elements of a client the probe has received.
func (p *probe) has(client uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return blocks.ClockOf(p.seen.StateVector(), client)
}

// contains reports whether the probe has received everything in an update.
func (p *probe) contains(update []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	all, err := p.seen.Contains(update, blocks.V1)
	return all && err == nil
}
