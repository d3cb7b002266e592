package blocks

// recent remembers what belongs to ids, of the ids that were set most recently: of the last
// keptRecent at least, and of twice as many at most.
type recent[V any] struct{ young, old *idTable[V] } // nil: empty

const keptRecent = 224

func (r *recent[V]) get(x id) (v V, ok bool) {
	p := r.young.get(x)
	if p == nil {
		p = r.old.get(x)
	}
	if p == nil {
		return v, false
	}
	return *p, true
}

// set reports whether it has forgotten ids.
func (r *recent[V]) set(x id, v V) (forgets bool) {
	if r.young.len() == keptRecent && r.young.get(x) == nil {
		forgets = r.old.len() > 0
		r.young, r.old = r.old, r.young
		r.young.clear()
	}
	if r.young == nil {
		r.young = new(idTable[V])
	}
	r.young.put(x, v)
	return forgets
}

// take takes over everything that other has, which is more recent, and empties other.
func (r *recent[V]) take(other *recent[V]) {
	switch {
	case other.old.len() > 0:
		*r, *other = *other, recent[V]{}
	case r.young.len()+other.young.len() > keptRecent:
		r.old, r.young, other.young = r.young, other.young, nil
	case other.young.len() > 0:
		for _, e := range other.young.entries {
			r.set(e.id, e.value)
		}
		other.young.clear()
	}
}

func (r *recent[V]) clear() {
	r.young.clear()
	r.old = nil
}

// len returns how many ids are remembered.
func (r *recent[V]) len() int { return r.young.len() + r.old.len() }
