package yjs

import (
	"bytes"
	"slices"
	"strconv"
)

// attrs are formats that hold at some place, in the order of a JavaScript Map. The
// values are JSON, null where a format ends.
type attrs struct {
	list  []attr         // without a value: removed
	gone  int            // so many of list
	where map[string]int // in list; nil: they are few
}

// fewAttrs is how many are looked through one by one.
const fewAttrs = 16

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
	i := a.place(key)
	if i < 0 {
		return nil, false
	}
	return a.list[i].value, true
}

// place tells where in list a key is; -1: it isn't.
func (a *attrs) place(key string) int {
	if a.where == nil && len(a.list) > fewAttrs {
		a.where = make(map[string]int, 2*len(a.list))
		for i, x := range a.list {
			if x.value != nil {
				a.where[x.key] = i
			}
		}
	}
	if a.where != nil {
		if i, ok := a.where[key]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(a.list, func(x attr) bool { return x.key == key && x.value != nil })
}

func (a *attrs) len() int { return len(a.list) - a.gone }

// each is an iterator.
func (a *attrs) each(yield func(attr) bool) {
	for _, x := range a.list {
		if x.value != nil && !yield(x) {
			return
		}
	}
}

func (a *attrs) clone() attrs { return attrs{list: slices.Collect(a.each)} }

func (a *attrs) has(key string) bool { return a.place(key) >= 0 }

// set sets a key, where it is or else at the end.
func (a *attrs) set(key string, value []byte) {
	if i := a.place(key); i >= 0 {
		a.list[i].value = value
		return
	}
	if a.where != nil {
		a.where[key] = len(a.list)
	}
	a.list = append(a.list, attr{key, value})
}

func (a *attrs) remove(key string) {
	i := a.place(key)
	if i < 0 {
		return
	}
	a.list[i].value = nil
	a.gone++
	delete(a.where, key)
	if 2*a.gone > len(a.list) {
		*a = a.clone()
	}
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
	if a.len() == 0 {
		return nil
	}
	members := make(Object, 0, a.len())
	for x := range a.each {
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
