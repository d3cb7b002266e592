// Package blocks holds a Yjs document the way a sync server needs it: which
// blocks exist, per client and in clock order, and which are deleted. It does
// not know where in the text or the tree they stand, because a server never
// has to; clients work that out.
//
// A Store applies updates, says what was new in them, gives its state vector
// and encodes all of the document or what somebody lacks. It never changes
// what a block says: what it encodes reads in yjs as the updates would.
//
// The format of updates is that of yjs 13.6 (src/utils/encoding.js,
// src/structs/*.js, src/utils/DeleteSet.js).
package blocks

import (
	"errors"
	"fmt"
)

// Encoding names how an update is encoded. It is always named, never guessed.
type Encoding uint8

// The encodings of Yjs updates. The zero value is none.
const (
	V1 Encoding = 1
	V2 Encoding = 2
)

var (
	// ErrMalformed means that bytes are no update, or no state vector, or an
	// update that yjs could not integrate.
	ErrMalformed = errors.New("blocks: malformed")
	// ErrLimit means that an update would take the document past a limit, or is
	// one in V2 that unpacks to very much more than its own size.
	ErrLimit = errors.New("blocks: over the limit")
	// ErrEncoding means that an encoding is neither V1 nor V2.
	ErrEncoding = errors.New("blocks: unknown encoding")
)

func checkEncoding(enc Encoding) error {
	if enc != V1 && enc != V2 {
		return fmt.Errorf("%w: %d", ErrEncoding, enc)
	}
	return nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

func overLimit(what string, size, limit int) error {
	return fmt.Errorf("%w: %s would take about %d bytes, at most %d are allowed", ErrLimit, what, size, limit)
}

// outsideMost bounds the V1 form of an update in V2 that comes from outside. V2
// packs repetitions so tightly that twenty bytes can stand for any number of
// blocks.
func maxUnpacked(update []byte) int { return 1<<20 + 64*len(update) }

// fromOutside gives an update for the document in V1, which is not checked yet.
// What is larger than the document may be isn't unpacked.
func (s *Store) toV1(update []byte, enc Encoding) ([]byte, error) {
	return toV1(update, enc, min(maxUnpacked(update), s.options.MaxSize))
}

// asV1 gives an update in V1: itself, or converted, in which case it is at most
// about most bytes long. What is in V1 is not checked here.
func toV1(update []byte, enc Encoding, limit int) ([]byte, error) {
	if enc == V1 {
		return update, nil
	}
	if err := checkEncoding(enc); err != nil {
		return nil, err
	}
	return fromV2(update, limit)
}

// readAs reads and checks an update from outside. What it gives aliases update
// if that is in V1.
func (in *parsedUpdate) readAs(update []byte, enc Encoding) error {
	update, err := toV1(update, enc, maxUnpacked(update))
	if err != nil {
		return err
	}
	return in.read(update, nil)
}

// fromV1 gives a checked update in V1 in the given encoding: itself, or converted.
func fromV1(update []byte, enc Encoding) []byte {
	if enc == V1 {
		return update
	}
	return toV2(update)
}
