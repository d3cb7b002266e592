package blocks

import "slices"

// idTable is a map by ids with few entries, of which none is deleted. It takes less time and
// less memory than a map of Go. The zero value is empty, and so is nil.
type idTable[V any] struct {
	entries []idEntry[V]
	slots   []uint8 // the index of an entry plus one, in the first slot that was free at or after the one that its id hashes to; 0: free
}

type idEntry[V any] struct {
	id    id
	value V
}

const (
	mostEntries = 255 // a slot is a byte
	fewSlots    = 16
)

// len returns the number of entries.
func (t *idTable[V]) len() int {
	if t == nil {
		return 0
	}
	return len(t.entries)
}

// get returns the value of x, which is valid until the next put, or nil.
func (t *idTable[V]) get(x id) *V {
	if t.len() == 0 {
		return nil
	}
	if n := t.slots[t.slot(x)]; n > 0 {
		return &t.entries[n-1].value
	}
	return nil
}

// slot returns the index of the slot of x, or of the free one where it belongs. A third of
// the slots are free at least. If someone has chosen ids of the same slot, all entries are
// compared.
func (t *idTable[V]) slot(x id) int {
	hash := (x.client*0x9e3779b97f4a7c15 ^ x.clock) * 0x9e3779b97f4a7c15
	for at := int(hash >> 32); ; at++ {
		at &= len(t.slots) - 1
		if n := t.slots[at]; n == 0 || t.entries[n-1].id == x {
			return at
		}
	}
}

// put sets the value of x. There may be mostEntries at most.
func (t *idTable[V]) put(x id, v V) {
	if 3*len(t.entries) >= 2*len(t.slots)-2 {
		t.grow()
	}
	at := t.slot(x)
	if n := t.slots[at]; n > 0 {
		t.entries[n-1].value = v
		return
	}
	t.entries = append(t.entries, idEntry[V]{x, v})
	t.slots[at] = uint8(len(t.entries))
}

func (t *idTable[V]) grow() {
	t.slots = make([]uint8, max(2*len(t.slots), fewSlots))
	for i := range t.entries {
		t.slots[t.slot(t.entries[i].id)] = uint8(i + 1)
	}
	if cap(t.entries) == len(t.entries) {
		t.entries = slices.Grow(t.entries, min(max(len(t.entries), fewSlots/2), mostEntries-len(t.entries)))
	}
}

// clear removes all entries, and keeps their memory.
func (t *idTable[V]) clear() {
	if t != nil {
		t.entries = t.entries[:0]
		clear(t.slots)
	}
}
