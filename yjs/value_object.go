package yjs

import (
	"cmp"
	"slices"
	"strconv"
)

// ordered puts members in the order in which JavaScript has those of an object:
// keys that are an index first, as numbers, then the others as they came. Of
// members with one key there is one, where the first was, with the last value.
// It changes members.
func orderMembers(members Object) Object {
	return orderByKey(members, func(m Member) string { return m.Key })
}

// order is ordered for whatever has a key.
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

// arrayIndex tells whether a key is the index of an array to JavaScript: digits
// without a zero in front, less than 2^32-1.
func arrayIndex(key string) (uint64, bool) {
	if key == "" || len(key) > 10 || key[0] < '0' || key[0] > '9' || key[0] == '0' && len(key) > 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(key, 10, 32)
	return n, err == nil && n < 1<<32-1
}
