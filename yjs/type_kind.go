package yjs

import "fmt"

// Kind is the kind of a shared type.
type Kind uint8

// The kinds of shared types. KindUnknown is the kind of a root that was not requested
// yet and whose content does not determine a kind.
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

// String returns the name of the kind in lower case with hyphens, as in "xml-fragment".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", k)
}

// ParseKind returns the kind with the given name, as String returns it. The name of
// KindUnknown is not accepted. The error is ErrType.
func ParseKind(name string) (Kind, error) {
	for k, s := range kindNames {
		if k > 0 && s == name {
			return Kind(k), nil
		}
	}
	return KindUnknown, fmt.Errorf("%w: %q is not a kind of shared type", ErrType, name)
}
