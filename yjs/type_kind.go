package yjs

import "fmt"

// Kind says what a shared type is.
type Kind uint8

// The kinds of shared types. KindUnknown is a root type that nobody has asked
// for yet and that holds nothing which tells.
const (
	KindUnknown Kind = iota
	KindArray
	KindMap
	KindText
	KindXMLElement
	KindXMLFragment
	KindXMLHook
	KindXMLText
)

var kindNames = [...]string{"unknown", "array", "map", "text", "xml-element", "xml-fragment", "xml-hook", "xml-text"}

// String gives the name of the kind in lower case, with a hyphen: xml-fragment.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", k)
}

// ParseKind gives the kind whose String is name; KindUnknown is none.
func ParseKind(name string) (Kind, error) {
	for k, s := range kindNames {
		if k > 0 && s == name {
			return Kind(k), nil
		}
	}
	return KindUnknown, fmt.Errorf("%w: %q is no kind of shared type", ErrType, name)
}
