package yjs

// list is what types with elements in an order have in common. Positions count
// elements.
type list struct{ t *typ }

// Len is how many elements there are.
func (l list) Len() int { return int(l.t.len) }
