package blocks

import (
	"cmp"
	"errors"
	"iter"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// Range is the elements of one client from clock From on, up to To, which is not included.
type Range struct{ Client, From, To uint64 }

// ContentIDs names the elements that an update inserts, and those that it deletes. The
// ranges are in descending order of clients and ascending order of clocks, and neither
// overlap nor touch. ContentIDs are the ContentIds of yjs 14.
type ContentIDs struct{ Inserts, Deletes []Range }

// ContentIDsOf returns what an update inserts and deletes. The inserted elements are those
// of the client that wrote them; the deleted ones may be those of any client, and the update
// doesn't say by whom they were deleted. The errors are those of Convert. update is borrowed.
func ContentIDsOf(enc Encoding, update []byte) (ContentIDs, error) {
	var in parsedUpdate
	if err := in.readAs(update, enc); err != nil {
		return ContentIDs{}, err
	}
	var ids ContentIDs
	for i := range in.sections {
		src := iterSection(&in.sections[i])
		for b := src.next(); b != nil; b = src.next() {
			if b.kind != kindSkip {
				ids.Inserts = appendRange(ids.Inserts, Range{b.client, b.clock, b.end()})
			}
		}
	}
	for i := range in.deletions {
		for _, x := range in.deletions[i].read() {
			ids.Deletes = appendRange(ids.Deletes, Range{in.deletions[i].client, x.From, x.To})
		}
	}
	slices.SortStableFunc(ids.Inserts, func(a, b Range) int { return cmp.Compare(b.Client, a.Client) })
	return ids, nil
}

// appendRange appends a range, or extends the last one if the range begins at its end.
func appendRange(ranges []Range, x Range) []Range {
	if n := len(ranges); n > 0 && ranges[n-1].Client == x.Client && ranges[n-1].To == x.From {
		ranges[n-1].To = x.To
		return ranges
	}
	return append(ranges, x)
}

// Encode encodes ids as encodeContentIds of yjs 14 does. The caller owns the result.
func (ids ContentIDs) Encode() []byte {
	return appendIDSet(appendIDSet(nil, ids.Inserts), ids.Deletes)
}

// appendIDSet appends ranges, which must be in the order of ContentIDs.
func appendIDSet(dst []byte, ranges []Range) []byte {
	clients := slices.Collect(byClient(ranges, Range.client))
	dst = lib0.AppendUint(dst, uint64(len(clients)))
	for _, own := range clients {
		dst = lib0.AppendUint(lib0.AppendUint(dst, own[0].Client), uint64(len(own)))
		at := uint64(0)
		for _, x := range own {
			dst = x.appendAfter(dst, at)
			at = x.To
		}
	}
	return dst
}

func (x Range) client() uint64 { return x.Client }

// appendAfter appends the clocks of a range, in an encoding that depends on the end of the
// range before it.
func (x Range) appendAfter(dst []byte, end uint64) []byte {
	return lib0.AppendUint(lib0.AppendUint(dst, x.From-end), x.To-x.From-1)
}

// byClient returns the parts of a list that have the same client.
func byClient[T any](list []T, client func(T) uint64) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for len(list) > 0 {
			n := 1
			for n < len(list) && client(list[n]) == client(list[0]) {
				n++
			}
			if !yield(list[:n:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// DecodeContentIDs decodes what Encode, or encodeContentIds of yjs 14, has encoded. The
// error is ErrMalformed. encoded is borrowed.
func DecodeContentIDs(encoded []byte) (ContentIDs, error) {
	r := lib0.NewReader(encoded)
	ids := ContentIDs{readIDSet(&r), readIDSet(&r)}
	return ids, endOf(&r, "content ids")
}

// readIDSet reads ranges.
func readIDSet(r *lib0.Reader) (ranges []Range) {
	before := uint64(lib0.MaxInt + 1)
	for n := r.Uint(); n > 0 && r.Err() == nil; n-- {
		client := r.Uint()
		if client >= before {
			r.Fail(errOrder)
		}
		before = client
		at := uint64(0)
		for left := r.Uint(); left > 0 && r.Err() == nil; left-- {
			x := readAfter(r, client, at)
			ranges, at = appendRange(ranges, x), x.To
		}
	}
	return ranges
}

// readAfter reads what appendAfter appends.
func readAfter(r *lib0.Reader, client, end uint64) Range {
	x := Range{Client: client, From: end + r.Uint()}
	if x.To = x.From + r.Uint() + 1; x.To > lib0.MaxInt {
		r.Fail(errClock)
	}
	return x
}

var (
	errClock = errors.New("a clock that is too large")
	errOrder = errors.New("clients that are not in order")
)

// endOf returns the error of r, or another one if r has bytes left.
func endOf(r *lib0.Reader, what string) error {
	if err := r.Err(); err != nil {
		return malformed("%s: %w", what, err)
	}
	if r.Len() > 0 {
		return malformed("%s: %d bytes after their end", what, r.Len())
	}
	return nil
}
