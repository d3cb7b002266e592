package blocks

import (
	"iter"

	"github.com/yroom/yroom/internal/lib0"
)

// parseDeletions reads and checks the delete set, which is the end of an update. It returns
// the first element and the length of each span, and about how many bytes the delete set takes
// in V1. The spans of a client follow each other, in order and without overlap. Each iteration
// reads them from the update again. If a client occurs twice, or its spans are out of order,
// which yjs never writes, it reads them from a sorted copy.
func parseDeletions(r *lib0.Reader, enc Encoding) (deleted iter.Seq2[ID, uint64], taken int, err error) {
	wire := r.Rest()
	var set deleteSet
	if set.scan(wire, enc) {
		return func(yield func(ID, uint64) bool) { eachDeletion(wire, enc, skipClient, yield) }, set.size(), nil
	}
	var in parsedUpdate
	if err := in.readDeletions(r, enc); err != nil {
		return nil, 0, err
	}
	return in.eachDeletion, len(appendDeletions(nil, in.deletions)), nil
}

// eachDeletion reads a delete set. It calls begin with each client and the number of its spans,
// and yield with each span, until yield returns false. It stops and returns false at what
// readDeletions refuses, and at spans of a client that are out of order.
func eachDeletion(wire []byte, enc Encoding, begin func(client, spans uint64), yield func(first ID, n uint64) bool) (ordered bool) {
	r := lib0.NewReader(wire)
	for clients := r.Uint(); clients > 0; clients-- {
		client, spans, end := r.Uint(), r.Uint(), uint64(0)
		if r.Err() != nil {
			return false
		}
		for begin(client, spans); spans > 0; spans-- {
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

func skipClient(uint64, uint64) {}

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

// deleteSet is what a scan of a delete set has found.
type deleteSet struct {
	clients []uint64 // those with spans
	listed  uint64   // how many clients there are
	bytes   int      // that the set takes in V1, without the number of clients
}

// scan checks a delete set. It returns false at what eachDeletion stops at, and if a client
// with spans occurs twice.
func (s *deleteSet) scan(wire []byte, enc Encoding) bool {
	if !eachDeletion(wire, enc, s.begin, s.add) {
		return false
	}
	_, twice := duplicate(s.clients)
	return !twice
}

func (s *deleteSet) begin(client, spans uint64) {
	if s.listed++; spans > 0 {
		s.clients = append(s.clients, client)
	}
	s.bytes += lib0.UintLen(client) + lib0.UintLen(spans)
}

func (s *deleteSet) add(first ID, n uint64) bool {
	s.bytes += lib0.UintLen(first.Clock) + lib0.UintLen(n)
	return true
}

func (s *deleteSet) size() int { return lib0.UintLen(s.listed) + s.bytes }
