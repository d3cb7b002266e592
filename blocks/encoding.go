package blocks

import (
	"errors"
	"fmt"
)

// Encoding is an encoding of updates. It is always named, never guessed: a V1 decoder
// reads bytes in V2 as an empty document, without an error.
type Encoding uint8

// The encodings of Yjs updates. The zero value is none of them.
const (
	V1 Encoding = 1
	V2 Encoding = 2
)

var (
	// ErrMalformed means that bytes are no update or no state vector, or are an update
	// that yjs could not integrate.
	ErrMalformed = errors.New("blocks: malformed")
	// ErrUnknown means that an update has a kind of content or a type that this version of the
	// package doesn't know. It comes with ErrMalformed.
	ErrUnknown = errors.New("blocks: unknown content")
	// ErrLimit means that an update would take the document past a limit, or that an
	// update in V2 would be disproportionately large in V1.
	ErrLimit = errors.New("blocks: over the limit")
	// ErrEncoding means that an encoding is neither V1 nor V2.
	ErrEncoding = errors.New("blocks: unknown encoding")
)

// unknownError is an ErrUnknown that says what is unknown.
type unknownError string

// Error says what is unknown.
func (e unknownError) Error() string { return string(e) }

// Is reports whether target is ErrUnknown.
func (e unknownError) Is(target error) bool { return target == ErrUnknown }

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

// These bound the V1 form of an untrusted update in V2, which packs repetitions so tightly
// that twenty bytes can stand for any number of blocks. Recorded documents take at most
// twice their size in V2. But 100,000 empty maps, or as many values of a few map keys, take
// 1 MB in V1 and 40 to 1,300 bytes in V2 if a client makes them in one transaction.
const (
	unpackedShare  = 16       // each byte of an update may become so many, and
	unpackedFree   = 64 << 10 // each update so many more.
	unpackedExtra  = 1 << 20  // An update may take so many more bytes, and
	unpackedExtras = 16 << 20 // all updates of a Store together, until they have brought unpackedShare times as many.
)

// maxUnpacked bounds the V1 form of an update in V2 that is not for a Store.
func maxUnpacked(update []byte) int { return cheapUnpacked(update) + unpackedExtra }

// cheapUnpacked returns what a Store allows for each update.
func cheapUnpacked(update []byte) int { return unpackedFree + unpackedShare*len(update) }

// toV1 returns an untrusted update in V1. It is not checked yet. An update that is
// larger in V1 than the document may be is not converted.
func (s *Store) toV1(update []byte, enc Encoding) ([]byte, error) {
	cheap := cheapUnpacked(update)
	limit := min(cheap+min(unpackedExtra, unpackedExtras-s.unpacked), s.options.MaxSize)
	v1, err := toV1(update, enc, limit)
	if enc != V2 {
		return v1, err
	}
	took := len(v1)
	if err != nil {
		took = limit
	}
	s.unpacked = max(0, s.unpacked-unpackedShare*len(update)) + max(0, took-cheap)
	return v1, err
}

// toV1 returns an update in V1: update itself if it is, or else a converted one of at
// most about limit bytes. An update in V1 is not checked.
func toV1(update []byte, enc Encoding, limit int) ([]byte, error) {
	if enc == V1 {
		return update, nil
	}
	if err := checkEncoding(enc); err != nil {
		return nil, err
	}
	return fromV2(nil, update, limit)
}

// readAs reads and checks an untrusted update. If that is in V1, in aliases it.
func (in *parsedUpdate) readAs(update []byte, enc Encoding) error {
	update, err := toV1(update, enc, maxUnpacked(update))
	if err != nil {
		return err
	}
	_, err = in.read(update, nil, nil)
	return err
}

// fromV1 returns a checked update in V1 in the given encoding: itself, or converted.
func fromV1(update []byte, enc Encoding) []byte {
	if enc == V1 {
		return update
	}
	return toV2(update)
}
