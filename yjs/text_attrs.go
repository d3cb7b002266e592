package yjs

import (
	"bytes"
	"slices"
	"strconv"
)

// attrs are the formats in effect at a place, in the order of a JavaScript Map. The
// values are JSON. null ends a format.
type attrs struct {
	list    []attr         // includes removed formats, which have no value
	removed int            // the number of elements of list without a value
	index   map[string]int // from keys to indexes of list; nil while the list is short
}

// fewAttrs is the greatest length of a list that is searched without an index.
const fewAttrs = 16

// attr is a format. Its value is nil if it was removed.
type attr struct {
	key   string
	value []byte
}

var null = []byte("null")

// isNull reports whether a JSON value is null.
func isNull(value []byte) bool { return string(bytes.TrimSpace(value)) == "null" }

// get returns the value of a key, or null if there is none.
func (a *attrs) get(key string) []byte {
	if value, ok := a.find(key); ok {
		return value
	}
	return null
}

// find returns the value of a key.
func (a *attrs) find(key string) (value []byte, ok bool) {
	i := a.indexOf(key)
	if i < 0 {
		return nil, false
	}
	return a.list[i].value, true
}

// indexOf returns the index of a key in list, or -1.
func (a *attrs) indexOf(key string) int {
	if a.index == nil && len(a.list) > fewAttrs {
		a.index = make(map[string]int, 2*len(a.list))
		for i, x := range a.list {
			if x.value != nil {
				a.index[x.key] = i
			}
		}
	}
	if a.index != nil {
		if i, ok := a.index[key]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(a.list, func(x attr) bool { return x.key == key && x.value != nil })
}

// len returns the number of formats.
func (a *attrs) len() int { return len(a.list) - a.removed }

// each iterates over the formats.
func (a *attrs) each(yield func(attr) bool) {
	for _, x := range a.list {
		if x.value != nil && !yield(x) {
			return
		}
	}
}

func (a *attrs) clone() attrs { return attrs{list: slices.Collect(a.each)} }

func (a *attrs) has(key string) bool { return a.indexOf(key) >= 0 }

// set sets the value of a key. A new key is appended.
func (a *attrs) set(key string, value []byte) {
	if i := a.indexOf(key); i >= 0 {
		a.list[i].value = value
		return
	}
	if a.index != nil {
		a.index[key] = len(a.list)
	}
	a.list = append(a.list, attr{key, value})
}

func (a *attrs) remove(key string) {
	i := a.indexOf(key)
	if i < 0 {
		return
	}
	a.list[i].value = nil
	a.removed++
	delete(a.index, key)
	if 2*a.removed > len(a.list) {
		*a = a.clone()
	}
}

// apply applies a format item: it sets its key, or removes it if the value is null.
func (a *attrs) apply(it *item) {
	key, value := it.format()
	if isNull(value) {
		a.remove(key)
	} else {
		a.set(key, value)
	}
}

// object returns the formats as an object.
func (a *attrs) object() Object {
	if a.len() == 0 {
		return nil
	}
	members := make(Object, 0, a.len())
	for x := range a.each {
		if x.key != protoKey {
			members = append(members, Member{x.key, parseJSON(x.value)})
		}
	}
	return orderMembers(members)
}

// equalAttrs is equalAttrs of yjs: it reports whether two values are equal, or are
// objects with equal members. Members that are objects themselves are equal only if
// they are identical, as with === in JavaScript. Slices that share memory were made
// from one value and are identical.
func equalAttrs(a, b []byte) bool {
	if len(a) == len(b) && &a[0] == &b[0] {
		return true
	}
	x, y := parseJSON(a), parseJSON(b)
	if x.kind != y.kind {
		return flatten(x) != nil && flatten(y) != nil && equalFlat(flatten(x), flatten(y))
	}
	if x.kind < ValueKindList {
		return strictEqual(x, y)
	}
	return equalFlat(flatten(x), flatten(y))
}

// flatten returns the members of a plain object or array, or nil for other values.
func flatten(v Value) Object {
	switch v.kind {
	case ValueKindObject:
		return append(Object{}, v.object...)
	case ValueKindList:
		o := make(Object, len(v.list))
		for i, x := range v.list {
			o[i] = Member{strconv.Itoa(i), x}
		}
		return o
	}
	return nil
}

// equalFlat reports whether two objects have the same members, compared with
// strictEqual.
func equalFlat(a, b Object) bool {
	if len(a) != len(b) {
		return false
	}
	byKey := make(map[string]Value, len(b))
	for _, m := range b {
		byKey[m.Key] = m.Value
	}
	for _, m := range a {
		if v, ok := byKey[m.Key]; !ok || !strictEqual(m.Value, v) {
			return false
		}
	}
	return true
}

// strictEqual is === of JavaScript on JSON values that are not identical objects.
func strictEqual(a, b Value) bool {
	if a.kind != b.kind || a.kind >= ValueKindList {
		return false
	}
	if f, ok := a.AsNumber(); ok {
		g, _ := b.AsNumber()
		return f == g
	}
	return a.num == b.num && a.str == b.str
}
