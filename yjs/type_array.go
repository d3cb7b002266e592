package yjs

import "iter"

// list holds the methods that types with ordered elements share. Positions count
// elements.
type list struct{ t *sharedType }

// Len returns the number of elements.
func (l list) Len() int { return int(l.t.len) }

// Get returns the element at a position. The first position is 0. The error is
// ErrRange.
func (l list) Get(at int) (Value, error) {
	if err := l.t.checkRange(at, 1); err != nil {
		return Value{}, err
	}
	it, off := l.t.at(uint64(at))
	return it.element(off), nil
}

// Slice returns the elements from position from up to, but not including, position to.
// The error is ErrRange.
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

// All returns an iterator over positions and elements. The list must not be edited
// during the iteration.
func (l list) All() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		i := 0
		l.t.each(func(v Value) bool {
			i++
			return yield(i-1, v)
		})
	}
}

// Delete deletes n elements from position at on. The error is ErrRange or ErrDeleted.
func (l list) Delete(at, n int) error { return l.t.deleteAt(at, n) }

// Array is a list of values. Positions count elements.
type Array struct{ list }

// MarshalJSON returns the array as JSON.stringify prints its toJSON. The error is
// ErrDepth or ErrSize.
func (a *Array) MarshalJSON() ([]byte, error) { return marshal(a.t) }

// Insert inserts values before position at, or appends them if at is Len. The error is
// ErrRange, ErrValue or ErrDeleted; then nothing is changed. values is borrowed.
func (a *Array) Insert(at int, values ...Value) error { return a.t.insertAt(at, values) }

// Push appends values. The error is ErrValue or ErrDeleted; then nothing is changed.
// values is borrowed.
func (a *Array) Push(values ...Value) error { return a.t.push(values) }

// InsertText inserts an empty text before position at. Errors are those of Insert.
func (a *Array) InsertText(at int) (*Text, error) {
	t, err := a.insertType(at, KindText)
	if err != nil {
		return nil, err
	}
	return &Text{text{t}}, nil
}

// InsertArray inserts an empty array before position at. Errors are those of Insert.
func (a *Array) InsertArray(at int) (*Array, error) {
	t, err := a.insertType(at, KindArray)
	if err != nil {
		return nil, err
	}
	return &Array{list{t}}, nil
}

// InsertMap inserts an empty map before position at. Errors are those of Insert.
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
