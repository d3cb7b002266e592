package yjs

import (
	"iter"
	"strings"
)

// Map maps keys to values.
type Map struct{ t *sharedType }

// MarshalJSON returns the map as JSON.stringify prints its toJSON. The error is
// ErrDepth or ErrSize.
func (m *Map) MarshalJSON() ([]byte, error) { return marshal(m.t) }

// Len returns the number of keys that have a value.
func (m *Map) Len() int { return m.t.keys() }

// Get returns the value of a key. ok is false if it has none.
func (m *Map) Get(key string) (v Value, ok bool) { return m.t.get(key) }

// All returns an iterator over keys and values, in the order in which this Doc first
// saw the keys. The map may be edited during the iteration; keys that are added then
// may be omitted.
func (m *Map) All() iter.Seq2[string, Value] { return m.t.all() }

// Set sets the value of a key. The error is ErrValue or ErrDeleted; then nothing is
// changed. Invalid UTF-8 in key is replaced by U+FFFD.
func (m *Map) Set(key string, v Value) error { return m.t.set(key, v) }

// Delete removes the value of a key, if it has one. The error is ErrDeleted.
func (m *Map) Delete(key string) error { return m.t.removeKey(key) }

// SetText sets the value of a key to an empty text. The error is ErrDeleted.
func (m *Map) SetText(key string) (*Text, error) {
	t, err := m.t.setType(key, KindText)
	if err != nil {
		return nil, err
	}
	return &Text{text{t}}, nil
}

// SetArray sets the value of a key to an empty array. The error is ErrDeleted.
func (m *Map) SetArray(key string) (*Array, error) {
	t, err := m.t.setType(key, KindArray)
	if err != nil {
		return nil, err
	}
	return &Array{list{t}}, nil
}

// SetMap sets the value of a key to an empty map. The error is ErrDeleted.
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
