package blocks

// recent remembers what belongs to ids, of the ids that were set most recently: of the last
// keptRecent at least, and of twice as many at most.
type recent[V any] struct{ young, old map[id]V }

// keptRecent is seven eighths of a power of two, because a map that has more entries takes
// twice the memory.
const keptRecent = 224

func (r *recent[V]) get(x id) (v V, ok bool) {
	if v, ok = r.young[x]; !ok {
		v, ok = r.old[x]
	}
	return v, ok
}

// set reports whether it has forgotten ids.
func (r *recent[V]) set(x id, v V) (forgets bool) {
	if len(r.young) == keptRecent {
		if _, ok := r.young[x]; !ok {
			forgets = len(r.old) > 0
			r.young, r.old = r.old, r.young
			clear(r.young)
		}
	}
	if r.young == nil {
		r.young = make(map[id]V)
	}
	r.young[x] = v
	return forgets
}

// take takes over everything that other has, which is more recent, and empties other.
func (r *recent[V]) take(other *recent[V]) {
	switch {
	case len(other.old) > 0:
		*r, *other = *other, recent[V]{}
	case len(r.young)+len(other.young) > keptRecent:
		r.old, r.young, other.young = r.young, other.young, nil
	case len(other.young) > 0:
		for x, v := range other.young {
			r.set(x, v)
		}
		clear(other.young)
	}
}

func (r *recent[V]) clear() {
	clear(r.young)
	r.old = nil
}
