package yjs

import "iter"

// Map is values by key.
type Map struct{ t *typ }

// MarshalJSON prints the map as JSON.stringify does its toJSON. The error is
// ErrDepth.
func (m *Map) MarshalJSON() ([]byte, error) { return marshal(m.t) }

// Len is how many keys have values.
func (m *Map) Len() int { return m.t.keys() }

// Get gives the value of a key; false: it has none.
func (m *Map) Get(key string) (Value, bool) { return m.t.get(key) }

// All goes through the keys and their values, in the order in which the keys came
// to this Doc. The map may be edited meanwhile; what is new may be left out.
func (m *Map) All() iter.Seq2[string, Value] { return m.t.all() }

func (t *typ) keys() int {
	n := 0
	for _, e := range t.order {
		if !e.last.deleted() {
			n++
		}
	}
	return n
}

func (t *typ) get(key string) (Value, bool) {
	it := t.value(key)
	if it == nil {
		return Value{}, false
	}
	return it.element(it.len - 1), true
}

func (t *typ) all() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, e := range t.order {
			if !e.last.deleted() && !yield(e.key, e.last.element(e.last.len-1)) {
				return
			}
		}
	}
}
