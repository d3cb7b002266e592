package yjs

import (
	"iter"
	"strings"
)

// Map is values by key.
type Map struct{ t *sharedType }

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

func (t *sharedType) keys() int {
	n := 0
	for _, e := range t.entryOrder {
		if !e.last.deleted() {
			n++
		}
	}
	return n
}

func (t *sharedType) get(key string) (Value, bool) {
	it := t.value(key)
	if it == nil {
		return Value{}, false
	}
	return it.element(it.len - 1), true
}

func (t *sharedType) all() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for _, e := range t.entryOrder {
			if !e.last.deleted() && !yield(e.key, e.last.element(e.last.len-1)) {
				return
			}
		}
	}
}

// Set gives a key a value. The error is ErrValue or ErrDeleted, and nothing is
// changed. What of key isn't UTF-8 becomes U+FFFD.
func (m *Map) Set(key string, v Value) error { return m.t.set(key, v) }

// Delete takes a key its value, if it has one. The error is ErrDeleted.
func (m *Map) Delete(key string) error { return m.t.removeKey(key) }

// SetText gives a key an empty text. The error is ErrDeleted.
func (m *Map) SetText(key string) (*Text, error) {
	t, err := m.t.setType(key, KindText)
	if err != nil {
		return nil, err
	}
	return &Text{text{t}}, nil
}

// SetArray gives a key an empty array. The error is ErrDeleted.
func (m *Map) SetArray(key string) (*Array, error) {
	t, err := m.t.setType(key, KindArray)
	if err != nil {
		return nil, err
	}
	return &Array{list{t}}, nil
}

// SetMap gives a key an empty map. The error is ErrDeleted.
func (m *Map) SetMap(key string) (*Map, error) {
	t, err := m.t.setType(key, KindMap)
	if err != nil {
		return nil, err
	}
	return &Map{t}, nil
}

func (t *sharedType) setType(key string, k Kind) (*sharedType, error) {
	if err := t.set(key, TypeValue(k, "")); err != nil {
		return nil, err
	}
	return t.value(strings.ToValidUTF8(key, replacement)).typ(), nil
}
