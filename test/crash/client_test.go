package crash_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// room is what all clients of a room together have received from the server.
type room struct {
	name string

	mu   sync.Mutex
	seen *blocks.Store
}

func newRoom(name string) *room { return &room{name: name, seen: blocks.New()} }

func (r *room) see(update []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.seen.Apply(update, blocks.V1)
	return err
}

// client is a client with a document of its own. It keeps the document when its
// connection breaks and syncs it when it connects again, as stock clients do.
type client struct {
	id   uint64
	room *room

	mu    sync.Mutex
	doc   *blocks.Store
	clock uint64           // of the next character that is typed
	conn  *wsclient.Client // nil while the client is offline
}

func newClient(id uint64, in *room) *client { return &client{id: id, room: in, doc: blocks.New()} }

// closed is a close frame of the server.
type closed struct {
	code   ws.StatusCode
	reason string
}

func (c *closed) Error() string { return fmt.Sprintf("closed with %d: %s", c.code, c.reason) }

// live connects and syncs until the connection breaks or the server closes it. If
// typing is not nil, the client types while typing is true.
func (c *client) live(ctx context.Context, address func(room string) string, typing *atomic.Bool) error {
	conn, err := wsclient.Dial(ctx, address(c.room.name), nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	c.mu.Lock()
	c.conn = conn
	err = conn.Send(testkit.SyncStep1(c.doc.StateVector()))
	c.mu.Unlock()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var typist sync.WaitGroup
	if typing != nil {
		typist.Go(func() { c.typeOn(ctx, typing) })
	}
	err = c.listen(conn)
	cancel()
	typist.Wait()
	c.mu.Lock()
	c.conn = nil
	c.mu.Unlock()
	return err
}

// listen handles the messages of the server until the connection ends.
func (c *client) listen(conn *wsclient.Client) error {
	for {
		op, frame, err := conn.Read()
		switch {
		case err != nil:
			return err
		case op == ws.OpClose:
			code, reason := ws.ParseCloseFrameData(frame)
			return &closed{code, reason}
		case op != ws.OpBinary || len(frame) < 3 || frame[0] != 0:
			continue // not a message of the sync protocol
		}
		size, n := binary.Uvarint(frame[2:])
		data := frame[2+max(n, 0):]
		if n <= 0 || size != uint64(len(data)) {
			return fmt.Errorf("a message that can't be read: %x", frame)
		}
		if err := c.take(frame[1], data); err != nil {
			return err
		}
	}
}

// take handles one message of the sync protocol.
func (c *client) take(step byte, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if step == 0 {
		lacks, err := c.doc.Diff(data, blocks.V1)
		if err != nil {
			return err
		}
		_ = c.conn.Send(testkit.SyncStep2(lacks)) // Read returns the error of a broken connection
		return nil
	}
	_, err := c.doc.Apply(data, blocks.V1)
	return errors.Join(err, c.room.see(data))
}

func (c *client) typeOn(ctx context.Context, typing *atomic.Bool) {
	for ctx.Err() == nil {
		if typing.Load() {
			c.write(1)
		}
		time.Sleep(rand.N(4 * time.Millisecond))
	}
}

// write types some characters as one edit, and sends it to the server if the client is
// connected.
func (c *client) write(characters int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	update := testkit.Typed(c.id, c.clock, letters(c.clock, characters))
	c.clock += uint64(characters)
	if _, err := c.doc.Apply(update, blocks.V1); err != nil {
		panic(err) // it is not an update
	}
	if c.conn != nil {
		_ = c.conn.Send(testkit.Update(update)) // Read returns the error of a broken connection
	}
}

// holds reports whether the document contains everything in the update.
func (c *client) holds(update []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	all, err := c.doc.Contains(update, blocks.V1)
	if err != nil {
		panic(err) // it is not an update
	}
	return all
}

// everything returns an update with everything that the client has typed.
func (c *client) everything() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clock == 0 {
		return []byte{0, 0}
	}
	return testkit.Typed(c.id, 0, letters(0, int(c.clock)))
}

func (c *client) encode() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doc.Encode(blocks.V1)
}

const alphabet = "abcdefghijklmnopqrstuvwxyz"

// letters returns the text that a client types after clock characters: one letter,
// repeated. A client that types one character at a time repeats the alphabet.
func letters(clock uint64, characters int) string {
	return strings.Repeat(alphabet[clock%26:][:1], characters)
}

// textsOf returns the text that each client has typed, from an update of the edits that
// write makes. The text may be divided into blocks in any way.
func textsOf(update []byte) map[uint64]string {
	next := func() uint64 {
		v, n := binary.Uvarint(update)
		update = update[n:]
		return v
	}
	texts := map[uint64]string{}
	for range next() {
		blocks, client := next(), next()
		next() // the clock of the first block
		for range blocks {
			info := update[0]
			update = update[1:]
			for range 2 * (info>>7&1 + info>>6&1) { // origin and right origin
				next()
			}
			if info>>6 == 0 {
				next()
				name := next() // the length of the name of the root
				update = update[name:]
			}
			size := next()
			texts[client] += string(update[:size])
			update = update[size:]
		}
	}
	return texts
}

// visit connects as a new client and returns the document that the server sends.
func visit(ctx context.Context, url string) (*blocks.Store, error) {
	conn, err := wsclient.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.Send(testkit.SyncStep1([]byte{0})); err != nil {
		return nil, err
	}
	for {
		op, frame, err := conn.Read()
		if err != nil {
			return nil, err
		}
		if op == ws.OpClose {
			code, reason := ws.ParseCloseFrameData(frame)
			return nil, &closed{code, reason}
		}
		if op == ws.OpBinary && bytes.HasPrefix(frame, []byte{0, 1}) { // SyncStep2
			_, n := binary.Uvarint(frame[2:])
			doc := blocks.New()
			_, err := doc.Apply(frame[2+n:], blocks.V1)
			return doc, err
		}
	}
}
