package blocks

import (
	"math"

	"github.com/yroom/yroom/internal/lib0"
)

// Written is what an update has of one client: elements from clock From on, up to To,
// which is not included. Some in between may be missing.
type Written struct{ Client, From, To uint64 }

// Authors describes whose elements a stored update has: those of at most the given number
// of clients, in the order of the update. It also returns how many clients there are, and
// how many elements the update deletes, which may be those of any client: an update doesn't
// say by whom they were deleted. The error is ErrMalformed or ErrEncoding. update is
// borrowed.
func Authors(enc Encoding, update []byte, most int) (written []Written, clients int, deleted uint64, err error) {
	if update, err = toV1(update, enc, math.MaxInt); err != nil {
		return nil, 0, 0, err
	}
	var in parsedUpdate
	if _, err := in.read(update, nil, nil); err != nil {
		return nil, 0, 0, err
	}
	for i := range in.sections[:min(most, len(in.sections))] {
		sec := &in.sections[i]
		written = append(written, Written{Client: sec.client, From: sec.clock, To: sec.end})
	}
	for i := range in.deletions {
		for _, x := range in.deletions[i].read() {
			deleted = min(deleted+x.To-x.From, lib0.MaxInt)
		}
	}
	return written, len(in.sections), deleted, nil
}
