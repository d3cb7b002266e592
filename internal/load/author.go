package load

import (
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

// author types a text. The letters of the text follow from the client id and the clocks, so
// that each receiver can check them.
type author struct {
	id     uint64 // of the Yjs client
	size   int64  // how many letters an edit has
	stays  bool   // comes back
	agent  bool
	client atomic.Pointer[client] // nil: there is none, and the author will be back

	clock atomic.Int64 // letters that are typed
	sent  times        // of the edits
}

// root is the name of the text that all authors type into, each after their own letters.
const root = "text"

// letter returns the letter at a clock.
func (a *author) letter(clock int64) byte { return 'a' + byte((clock+int64(a.id))%26) }

// write types the next edit. Only one goroutine may call it at a time. The time is that from
// which the delay of the edit is measured. An author who is away sends the edit when they are
// back.
func (a *author) write(at time.Duration) error {
	from := a.clock.Load()
	if err := a.note(at); err != nil {
		return err
	}
	one := a.client.Load()
	if one == nil {
		return nil
	}
	var scratch [64]byte
	err := one.send(protocol.Update, a.appendLetters(scratch[:0], from, from+a.size))
	if a.stays && hasEnded(err) {
		return nil // whoever reads the connection notices it
	}
	return err
}

// An agent makes so many edits at once, and pauses then.
const (
	burstEdits = 50
	burstEvery = time.Second
)

// burst makes the edits of an agent.
func (a *author) burst(at time.Duration) error {
	for range burstEdits {
		if err := a.write(at); err != nil {
			return err
		}
	}
	return nil
}

// note makes the next edit without sending it.
func (a *author) note(at time.Duration) error {
	from := a.clock.Load()
	if err := a.sent.set(from/a.size, at); err != nil {
		return err
	}
	a.clock.Store(from + a.size)
	return nil
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
