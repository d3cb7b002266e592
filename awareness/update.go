package awareness

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// entry is one entry of an update.
type entry struct {
	id, clock uint64
	state     []byte // nil if null
}

var (
	null        = []byte("null")
	errTrailing = errors.New("input continues after the end")
)

// each reads an update and calls do with each entry, until do returns an error. The
// entries alias the update.
func each(update []byte, do func(entry) error) error {
	r := lib0.NewReader(update)
	for n := r.Uint(); n > 0; n-- {
		e := entry{id: r.Uint(), clock: r.Uint(), state: r.Text()}
		if r.Err() != nil {
			break
		}
		// Clients parse a state before they compare it with null.
		if bytes.Equal(bytes.Trim(e.state, " \t\r\n"), null) {
			e.state = nil
		}
		if err := do(e); err != nil {
			return err
		}
	}
	if r.Len() > 0 {
		r.Fail(errTrailing)
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// encode returns an update of entries, which it sorts.
func encode(entries []entry) []byte {
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.id, b.id) })
	size := lib0.UintLen(uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		if e.state == nil {
			e.state = null
		}
		size += lib0.UintLen(e.id) + lib0.UintLen(e.clock) +
			lib0.UintLen(uint64(len(e.state))) + len(e.state)
	}
	out := lib0.AppendUint(make([]byte, 0, size), uint64(len(entries)))
	for _, e := range entries {
		out = lib0.AppendUint(out, e.id)
		out = lib0.AppendUint(out, e.clock)
		out = lib0.AppendBytes(out, e.state)
	}
	return out
}

// encodeAny is encode, but returns nil if there are no entries.
func encodeAny(entries []entry) []byte {
	if len(entries) == 0 {
		return nil
	}
	return encode(entries)
}

// Merge merges updates, given in the order in which they were accepted, into one. It
// has the last entry of each client, which is all that a receiver needs. The error is
// ErrMalformed. The caller owns the result, which is nil only with an error.
func Merge(updates ...[]byte) ([]byte, error) {
	var last []entry
	index := make(map[uint64]int)
	for _, update := range updates {
		err := each(update, func(e entry) error {
			i, seen := index[e.id]
			if !seen {
				index[e.id] = len(last)
				last = append(last, e)
			} else {
				last[i] = e
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return encode(last), nil
}
