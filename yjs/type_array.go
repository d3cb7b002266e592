package yjs

import "iter"

// list is what types with elements in an order have in common. Positions count
// elements.
type list struct{ t *sharedType }

// Len is how many elements there are.
func (l list) Len() int { return int(l.t.len) }

// Get gives the element at a position: 0 is the first. The error is ErrRange.
func (l list) Get(at int) (Value, error) {
	if err := l.t.checkRange(at, 1); err != nil {
		return Value{}, err
	}
	it, off := l.t.at(uint64(at))
	return it.element(off), nil
}

// Slice gives the elements from a position to, and not with, another one. The error
// is ErrRange.
func (l list) Slice(from, to int) ([]Value, error) {
	if err := l.t.checkRange(from, to-from); err != nil {
		return nil, err
	}
	values := make([]Value, 0, to-from)
	if from == to {
		return values, nil
	}
	it, off := l.t.at(uint64(from))
	for ; it != nil && len(values) < to-from; it = it.right {
		if !it.visible() {
			continue
		}
		it.each(func(v Value) bool {
			if off > 0 {
				off--
				return true
			}
			values = append(values, v)
			return len(values) < to-from
		})
	}
	return values, nil
}

// All goes through the positions and their elements. They must not be edited
// meanwhile.
func (l list) All() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		i := 0
		l.t.each(func(v Value) bool {
			i++
			return yield(i-1, v)
		})
	}
}

// Delete deletes n elements from position at on. The error is ErrRange or
// ErrDeleted.
func (l list) Delete(at, n int) error { return l.t.deleteAt(at, n) }

// Array is a list of values. Its positions count elements.
type Array struct{ list }

// MarshalJSON prints the array as JSON.stringify does its toJSON. The error is
// ErrDepth.
func (a *Array) MarshalJSON() ([]byte, error) { return marshal(a.t) }

// Insert puts values before position at, or at the end where that is Len. The error
// is ErrRange, ErrValue or ErrDeleted, and nothing is changed. values are borrowed.
func (a *Array) Insert(at int, values ...Value) error { return a.t.insertAt(at, values) }

// Push puts values at the end. The error is ErrValue or ErrDeleted. values are
// borrowed.
func (a *Array) Push(values ...Value) error { return a.t.push(values) }

// InsertText puts an empty text before position at. Errors are Insert's.
func (a *Array) InsertText(at int) (*Text, error) {
	t, err := a.insertType(at, KindText)
	if err != nil {
		return nil, err
	}
	return &Text{text{t}}, nil
}

// InsertArray puts an empty array before position at. Errors are Insert's.
func (a *Array) InsertArray(at int) (*Array, error) {
	t, err := a.insertType(at, KindArray)
	if err != nil {
		return nil, err
	}
	return &Array{list{t}}, nil
}

// InsertMap puts an empty map before position at. Errors are Insert's.
func (a *Array) InsertMap(at int) (*Map, error) {
	t, err := a.insertType(at, KindMap)
	if err != nil {
		return nil, err
	}
	return &Map{t}, nil
}

func (l list) insertType(at int, k Kind) (*sharedType, error) {
	return l.insertNamed(at, k, "")
}

func (l list) insertNamed(at int, k Kind, name string) (*sharedType, error) {
	if err := l.t.insertAt(at, []Value{TypeValue(k, name)}); err != nil {
		return nil, err
	}
	it, _ := l.t.at(uint64(at))
	return it.typ(), nil
}
