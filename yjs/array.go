package yjs

// Array is a list of values. Its positions count elements.
type Array struct{ list }

// MarshalJSON prints the array as JSON.stringify does its toJSON. The error is
// ErrDepth.
func (a *Array) MarshalJSON() ([]byte, error) { return marshal(a.t) }
