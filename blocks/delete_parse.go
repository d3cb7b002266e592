package blocks

import (
	"iter"

	"github.com/yroom/yroom/internal/lib0"
)

// parseDeletions reads and checks the delete set, which is the end of an update. It returns
// the first element and the length of each span, in order and without overlap, and about how
// many bytes the delete set takes in V1. The spans of a set in order, as most are, are not
// kept: they are read from the update again.
func (in *parsedUpdate) parseDeletions(r *lib0.Reader, enc Encoding) (deleted iter.Seq2[ID, uint64], taken int, err error) {
	wire := r.Rest()
	var size deletionsSize
	if eachDeletion(wire, enc, size.add) {
		return func(yield func(ID, uint64) bool) { eachDeletion(wire, enc, yield) }, size.total(), nil
	}
	if err := in.readDeletions(r, enc); err != nil {
		return nil, 0, err
	}
	size = deletionsSize{}
	in.eachDeletion(size.add)
	return in.eachDeletion, size.total(), nil
}

// eachDeletion calls yield with the spans of a delete set until yield returns false. It stops
// and returns false at what readDeletions refuses or has to put in order.
func eachDeletion(wire []byte, enc Encoding, yield func(first ID, n uint64) bool) (tidy bool) {
	r := lib0.NewReader(wire)
	before := uint64(lib0.MaxInt + 1)
	for clients := r.Uint(); clients > 0; clients-- {
		client, spans, end := r.Uint(), r.Uint(), uint64(0)
		if client >= before {
			return false
		}
		before = client
		for ; spans > 0; spans-- {
			clock, n := r.Uint(), r.Uint()
			if enc == V2 {
				clock, n = end+clock, n+1
			}
			if r.Err() != nil || n == 0 || clock < end || clock+n > lib0.MaxInt {
				return false
			}
			end = clock + n
			if !yield(ID{client, clock}, n) {
				return true
			}
		}
	}
	return r.Err() == nil && (enc == V2 || r.Len() == 0)
}

// eachDeletion calls yield with the spans that readDeletions has read until yield returns false.
func (in *parsedUpdate) eachDeletion(yield func(first ID, n uint64) bool) {
	for _, d := range in.deletions {
		for _, x := range d.spans {
			if !yield(ID{d.client, x.From}, x.To-x.From) {
				return
			}
		}
	}
}

// deletionsSize counts the bytes of a delete set in V1.
type deletionsSize struct {
	bytes   int // of what is before the spans of client
	client  uint64
	clients uint64 // client included
	spans   uint64 // of client
}

func (s *deletionsSize) add(first ID, n uint64) bool {
	if s.clients == 0 || first.Client != s.client {
		s.bytes = s.total() - lib0.UintLen(s.clients)
		s.client, s.spans = first.Client, 0
		s.clients++
	}
	s.spans++
	s.bytes += lib0.UintLen(first.Clock) + lib0.UintLen(n)
	return true
}

func (s *deletionsSize) total() int {
	total := s.bytes + lib0.UintLen(s.clients)
	if s.clients > 0 {
		total += lib0.UintLen(s.client) + lib0.UintLen(s.spans)
	}
	return total
}
