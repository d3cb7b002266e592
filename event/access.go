package event

// Access is a set of the things that a connection may do. Every connection may
// read, so the zero value, AccessRead, is the safe one.
type Access uint8

// The bits of an Access.
const (
	AccessRead    Access = 0
	AccessWrite   Access = 1 << 0 // change the document
	AccessPresent Access = 1 << 1 // send awareness states to the other clients
)

// May reports whether a includes all of want.
func (a Access) May(want Access) bool { return a&want == want }
