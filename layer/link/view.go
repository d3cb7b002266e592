package link

import "slices"

// view is an immutable list of the workers among which rooms are placed.
type view struct {
	workers []placed // by ascending ID
}

// placed is a worker to which rooms can be assigned.
type placed struct {
	id       ID
	seed     uint64
	channels []string
}

func newPlaced(id ID, channels []string) placed {
	return placed{id: id, seed: hash(id[:]), channels: channels}
}

// owner returns the worker that runs a room of a channel: the one with the highest
// score for it. When a worker comes or goes, only the rooms that it wins or held move.
// This is rendezvous hashing (Thaler and Ravishankar, 1998).
func (v *view) owner(channel, room string) (id ID, found bool) {
	h := hash(room)
	var best uint64
	for i := range v.workers {
		w := &v.workers[i]
		if score := w.score(h); slices.Contains(w.channels, channel) && (!found || score >= best) {
			id, best, found = w.id, score, true
		}
	}
	return id, found
}

// owns reports whether owner returns the worker id for the room of the channel that has
// the given hash. It is faster than owner, because it returns as soon as it finds another
// worker with a higher score.
func (v *view) owns(id ID, channel string, room uint64) bool {
	own, found := v.search(id)
	if !found || !slices.Contains(v.workers[own].channels, channel) {
		return false
	}
	score := v.workers[own].score(room)
	for i := range v.workers {
		w := &v.workers[i]
		if other := w.score(room); (other > score || other == score && i > own) && slices.Contains(w.channels, channel) {
			return false
		}
	}
	return true
}

// score returns the score of the worker for a room with a hash.
func (w *placed) score(room uint64) uint64 { return mix(room ^ w.seed) }

func (v *view) has(id ID) bool {
	_, found := v.search(id)
	return found
}

func (v *view) search(id ID) (int, bool) {
	return slices.BinarySearchFunc(v.workers, id, func(w placed, id ID) int { return w.id.Compare(id) })
}

func (v *view) equal(other *view) bool {
	return slices.EqualFunc(v.workers, other.workers, func(a, b placed) bool {
		return a.id == b.id && slices.Equal(a.channels, b.channels)
	})
}

// hash is FNV-1a, whose bits are mixed. All processes must compute the same.
func hash[T string | []byte](b T) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(b) {
		h = (h ^ uint64(b[i])) * 1099511628211
	}
	return mix(h)
}

// mix is the finalizer of MurmurHash3: each bit of x changes about half of the bits of
// the result.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
