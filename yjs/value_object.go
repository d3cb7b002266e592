package yjs

import (
	"cmp"
	"slices"
	"strconv"
)

// orderMembers returns members in the order in which JavaScript has the properties of
// an object: keys that are array indexes in numeric order, then the others in the given
// order. Of several members with the same key, the last value is kept in the place of
// the first. It modifies members.
func orderMembers(members Object) Object {
	return orderByKey(members, func(m Member) string { return m.Key })
}

// orderByKey orders elements with keys as orderMembers does.
func orderByKey[M any](members []M, key func(M) string) []M {
	members = lastOfKey(members, key)
	if !slices.ContainsFunc(members, func(m M) bool { _, ok := arrayIndex(key(m)); return ok }) {
		return members
	}
	slices.SortStableFunc(members, func(a, b M) int {
		i, isA := arrayIndex(key(a))
		j, isB := arrayIndex(key(b))
		switch {
		case isA && isB:
			return cmp.Compare(i, j)
		case isA:
			return -1
		case isB:
			return 1
		}
		return 0
	})
	return members
}

// lastOfKey removes duplicate keys: the last element of each key takes the place of the
// first.
func lastOfKey[M any](members []M, key func(M) string) []M {
	if len(members) < 8 {
		kept := members[:0]
		for _, m := range members {
			if i := slices.IndexFunc(kept, func(k M) bool { return key(k) == key(m) }); i >= 0 {
				kept[i] = m
				continue
			}
			kept = append(kept, m)
		}
		return kept
	}
	where := make(map[string]int, len(members))
	kept := members[:0]
	for _, m := range members {
		if i, ok := where[key(m)]; ok {
			kept[i] = m
			continue
		}
		where[key(m)] = len(kept)
		kept = append(kept, m)
	}
	return kept
}

// arrayIndex returns the number of a key that is an array index in JavaScript: digits
// without leading zeros, less than 2^32-1. ok is false if the key is not an array
// index.
func arrayIndex(key string) (index uint64, ok bool) {
	if key == "" || len(key) > 10 || key[0] < '0' || key[0] > '9' || key[0] == '0' && len(key) > 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(key, 10, 32)
	return n, err == nil && n < 1<<32-1
}
