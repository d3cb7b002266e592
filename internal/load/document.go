package load

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/yjs"
)

// Document is a document that rooms have before they are measured.
type Document struct {
	update []byte // the whole document in V1

	mu    sync.Mutex // guards store, which has scratch space
	store *blocks.Store
}

// ReadDocument returns the document that an update in V1 has.
func ReadDocument(update []byte) (*Document, error) {
	store := blocks.New()
	if _, err := store.Apply(update, blocks.V1); err != nil {
		return nil, fmt.Errorf("the document can't be read, which has to be an update in V1: %w", err)
	}
	if missing := store.Missing(); missing > 0 {
		return nil, fmt.Errorf("the document is not whole: %d elements refer to others that it doesn't have", missing)
	}
	return &Document{update: store.Encode(blocks.V1), store: store}, nil
}

// NewDocument returns a document of about so many bytes: a text that one client has written
// in short pieces, and of which it has deleted a part.
func NewDocument(size int) (*Document, error) {
	doc := yjs.New()
	doc.SetClientID(1)
	text, err := doc.Text(root)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same document each time
	const piece = "what someone has written "
	store := blocks.New()
	for store.Size() < size {
		update, err := doc.Transact(func() error {
			if err := text.Insert(random.IntN(text.Len()+1), strings.Repeat(piece[:1+random.IntN(len(piece)-1)], 1+random.IntN(3)), yjs.Object{}); err != nil {
				return err
			}
			return text.Delete(random.IntN(text.Len()), 1)
		})
		if err != nil {
			return nil, err
		}
		if _, err := store.Apply(update, blocks.V1); err != nil {
			return nil, err
		}
	}
	return &Document{update: store.Encode(blocks.V1), store: store}, nil
}

// compare returns an error unless the joiner, which keeps what it receives, has the document.
func (d *Document) compare(j *joiner) error {
	got := blocks.New()
	for _, update := range j.kept {
		if _, err := got.Apply(update, blocks.V1); err != nil {
			return fmt.Errorf("the server sends an update that can't be read: %w", err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, way := range []struct {
		all  *blocks.Store
		part []byte
		says string
	}{
		{got, d.update, "a client is not sent the whole document"},
		{d.store, got.Encode(blocks.V1), "a client is sent more than the document"},
	} {
		has, err := way.all.Contains(way.part, blocks.V1)
		if err != nil {
			return err
		}
		if !has {
			return fmt.Errorf("%s: %d bytes in place of %d", way.says, len(got.Encode(blocks.V1)), len(d.update))
		}
	}
	return nil
}

// mostPiece is the size from which a document is sent in several updates. Servers have
// limits for the size of a message.
const mostPiece = 8 << 20

// pieces returns the document in updates of about this size at most.
func (d *Document) pieces(size int) (all [][]byte, err error) {
	if len(d.update) <= size {
		return [][]byte{d.update}, nil
	}
	var first blocks.ID
	var body []byte
	number := uint64(0)
	flush := func() {
		if number > 0 {
			piece := lib0.AppendUint(lib0.AppendUint([]byte{1}, number), first.Client)
			all = append(all, append(append(lib0.AppendUint(piece, first.Clock), body...), 0))
			body, number = nil, 0
		}
	}
	deleted, err := blocks.Parse(d.update, blocks.V1, func(b *blocks.Block) {
		if b.Client != first.Client || len(body) >= size {
			flush()
		}
		if number == 0 {
			first = b.ID
		}
		body = b.AppendTo(body)
		number++
	})
	if err != nil {
		return nil, err
	}
	flush()
	return append(all, deletions(deleted)), nil
}

// deletions returns an update that only deletes.
func deletions(deleted iter.Seq2[blocks.ID, uint64]) []byte {
	spans, clients := map[uint64][]byte{}, map[uint64]uint64{}
	for from, length := range deleted {
		spans[from.Client] = lib0.AppendUint(lib0.AppendUint(spans[from.Client], from.Clock), length)
		clients[from.Client]++
	}
	update := lib0.AppendUint([]byte{0}, uint64(len(clients)))
	for client, number := range clients {
		update = lib0.AppendUint(lib0.AppendUint(update, client), number)
		update = append(update, spans[client]...)
	}
	return update
}

// bring lets a client, which stays in the room, write the document into it, and returns
// when another client is sent all of it.
func (c *crowd) bring(d *Document, room string) error {
	writer, err := c.enter(room, newJoiner(c))
	if err != nil {
		return err
	}
	pieces, err := d.pieces(mostPiece)
	if err != nil {
		return err
	}
	for _, piece := range pieces {
		if err := writer.send(protocol.Update, piece); err != nil {
			return fmt.Errorf("writing the document into the room: %w", err)
		}
	}
	for since := time.Now(); ; c.sleep(pause) {
		err := c.verify(d, room)
		if err == nil || c.ctx.Err() != nil || time.Since(since) > c.patience() {
			return err
		}
	}
}

// verify returns an error unless a client that joins is sent the document.
func (c *crowd) verify(d *Document, room string) error {
	reader := keeping(c)
	one, err := c.enter(room, reader)
	if err != nil {
		return err
	}
	one.leave()
	return d.compare(reader)
}

// enter joins a room, and returns when the person has what the server had.
func (c *crowd) enter(room string, p interface {
	person
	isIn() int64
},
) (*client, error) {
	one, err := c.join(room, p)
	if err != nil {
		return nil, err
	}
	err = c.await(1, p.isIn)
	if errors.Is(err, errStuck) {
		err = errNotIn
	}
	return one, err
}

var errNotIn = errors.New("the server has answered no SyncStep1")
