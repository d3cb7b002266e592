package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Mark names a state of a room's document. The zero Mark is the state of an
// empty document.
//
// A sequence number means nothing in another epoch: two Marks can be compared
// only if their epochs are equal.
type Mark struct {
	// Epoch is a random number that the room takes each time it is opened. It is
	// 0 for a room that is only stored.
	Epoch uint64
	// Seq is the document sequence, which starts at 1 when the room is opened and
	// grows by one with each update that the room broadcasts. For a room that is
	// only stored it is a digest of its log.
	Seq uint64
}

// ErrMark means that a text is not a Mark.
var ErrMark = errors.New("event: malformed mark")

// String returns m as MarshalText writes it.
func (m Mark) String() string { return fmt.Sprintf("%x.%x", m.Epoch, m.Seq) }

// MarshalText implements encoding.TextMarshaler. The text is the epoch and the sequence
// in hexadecimal digits, with a dot between them. It needs no escaping in a URL.
func (m Mark) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. The error is ErrMark.
func (m *Mark) UnmarshalText(text []byte) error {
	epoch, seq, found := strings.Cut(string(text), ".")
	e, err := strconv.ParseUint(epoch, 16, 64)
	if err != nil || !found {
		return fmt.Errorf("%w: %.100q", ErrMark, text)
	}
	s, err := strconv.ParseUint(seq, 16, 64)
	if err != nil {
		return fmt.Errorf("%w: %.100q", ErrMark, text)
	}
	*m = Mark{Epoch: e, Seq: s}
	return nil
}
