package load

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

const (
	pageSize  = 1 << 10
	mostPages = 1 << 12
	mostEdits = pageSize * mostPages // of an author
)

// author types a text. The letters of the text follow from the client id and the clocks, so
// that each receiver can check them.
type author struct {
	id     uint64 // of the Yjs client
	size   int64  // how many letters an edit has
	client *client

	clock atomic.Int64 // letters that are typed
	// sent has, for each edit, when it was sent.
	sent [mostPages]atomic.Pointer[[pageSize]atomic.Int64]
}

// root is the name of the text that all authors type into, each after their own letters.
const root = "text"

// letter returns the letter at a clock.
func (a *author) letter(clock int64) byte { return 'a' + byte((clock+int64(a.id))%26) }

// sentAt returns when an edit was sent.
func (a *author) sentAt(edit int64) time.Duration {
	return time.Duration(a.sent[edit/pageSize].Load()[edit%pageSize].Load())
}

// write types the next edit. Only one goroutine may call it at a time. The time is that from
// which the delay of the edit is measured.
func (a *author) write(at time.Duration) error {
	from := a.clock.Load()
	edit := from / a.size
	if edit == mostEdits {
		return fmt.Errorf("one client has typed %d edits, which is as much as a measurement can take: shorten its --span", edit)
	}
	page := a.sent[edit/pageSize].Load()
	if page == nil {
		page = new([pageSize]atomic.Int64)
		a.sent[edit/pageSize].Store(page)
	}
	page[edit%pageSize].Store(int64(at))
	a.clock.Store(from + a.size)
	var scratch [64]byte
	return a.client.send(protocol.Update, a.appendLetters(scratch[:0], from, from+a.size))
}

// appendLetters appends the update of the letters with clocks between two.
func (a *author) appendLetters(dst []byte, from, to int64) []byte {
	if from == to {
		return append(dst, 0, 0)
	}
	dst = lib0.AppendUint(append(dst, 1, 1), a.id)
	dst = lib0.AppendUint(dst, uint64(from))
	dst = a.appendBlock(dst, from, to)
	return append(dst, 0) // no deletions
}

const (
	kindString = 4
	kindSkip   = 10
	hasOrigin  = 0x80
	hasRight   = 0x40
	kindBits   = 0x1f
)

func (a *author) appendBlock(dst []byte, from, to int64) []byte {
	if from == 0 {
		dst = lib0.AppendString(append(dst, kindString, 1), root)
	} else {
		dst = lib0.AppendUint(append(dst, kindString|hasOrigin), a.id)
		dst = lib0.AppendUint(dst, uint64(from-1))
	}
	dst = lib0.AppendUint(dst, uint64(to-from))
	for ; from < to; from++ {
		dst = append(dst, a.letter(from))
	}
	return dst
}
