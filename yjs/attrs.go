package yjs

import (
	"bytes"
	"slices"
	"strconv"
)

// attrs are formats that hold at some place, in the order of a JavaScript Map. The
// values are JSON, null where a format ends.
type attrs []attr

type attr struct {
	key   string
	value []byte
}

var null = []byte("null")

func isNull(value []byte) bool { return string(bytes.TrimSpace(value)) == "null" }

// get gives the value of a key; null: there is none.
func (a *attrs) get(key string) []byte {
	if value, ok := a.find(key); ok {
		return value
	}
	return null
}

func (a *attrs) find(key string) (value []byte, ok bool) {
	for _, x := range *a {
		if x.key == key {
			return x.value, true
		}
	}
	return nil, false
}

func (a *attrs) has(key string) bool {
	_, ok := a.find(key)
	return ok
}

// set sets a key, where it is or else at the end.
func (a *attrs) set(key string, value []byte) {
	for i := range *a {
		if (*a)[i].key == key {
			(*a)[i].value = value
			return
		}
	}
	*a = append(*a, attr{key, value})
}

func (a *attrs) remove(key string) {
	*a = slices.DeleteFunc(*a, func(x attr) bool { return x.key == key })
}

// apply takes up a format.
func (a *attrs) apply(it *item) {
	key, value := it.format()
	if isNull(value) {
		a.remove(key)
	} else {
		a.set(key, value)
	}
}

// object gives them as JavaScript has them in an object.
func (a *attrs) object() Object {
	if len(*a) == 0 {
		return nil
	}
	members := make(Object, 0, len(*a))
	for _, x := range *a {
		if x.key != "__proto__" {
			members = append(members, Member{x.key, parseJSON(x.value)})
		}
	}
	return ordered(members)
}

// equalAttrs tells whether yjs takes two values for equal: the same, or objects
// with the same members, of which objects are equal only if they are one and the
// same. That is so here where they are at the same place in memory.
func equalAttrs(a, b []byte) bool {
	if len(a) == len(b) && &a[0] == &b[0] {
		return true
	}
	x, y := parseJSON(a), parseJSON(b)
	if x.kind != y.kind {
		return flatten(x) != nil && flatten(y) != nil && equalFlat(flatten(x), flatten(y))
	}
	if x.kind < List {
		return strictEqual(x, y)
	}
	return equalFlat(flatten(x), flatten(y))
}

// flatten gives the members of an object or array; nil: it is neither.
func flatten(v Value) Object {
	switch v.kind {
	case Dict:
		return append(Object{}, v.object...)
	case List:
		o := make(Object, len(v.list))
		for i, x := range v.list {
			o[i] = Member{strconv.Itoa(i), x}
		}
		return o
	}
	return nil
}

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

// strictEqual is === of JavaScript on values of JSON, of which no two objects are
// the same.
func strictEqual(a, b Value) bool {
	if a.kind != b.kind || a.kind >= List {
		return false
	}
	if f, ok := a.AsNumber(); ok {
		g, _ := b.AsNumber()
		return f == g
	}
	return a.num == b.num && a.str == b.str
}
