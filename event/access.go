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

// accessWords are the words for access, in tokens, in the document API and in answers to
// forward-auth.
var accessWords = [...]string{
	AccessWrite | AccessPresent: "write",
	AccessPresent:               "read",
	AccessRead:                  "hidden",
	AccessWrite:                 "hidden-write",
}

// String returns the word for a: "write", "read", "hidden" (read without being present) or
// "hidden-write".
func (a Access) String() string { return accessWords[a&(AccessWrite|AccessPresent)] }

// ParseAccess returns the access that a word stands for, as String returns it.
func ParseAccess(word string) (a Access, ok bool) {
	for a, w := range accessWords {
		if w == word {
			return Access(a), true
		}
	}
	return 0, false
}
