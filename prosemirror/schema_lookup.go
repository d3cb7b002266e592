package prosemirror

import "strings"

func isAttribute(name string) bool { return strings.Contains(name, ".") }

// hasAttribute reports whether a node of the editor can have an attribute of this package's
// name.
func (s *Schema) hasAttribute(theirs, name string) bool {
	role, _, _ := strings.Cut(name, ".")
	return theirs == s.write[role] || role == nodeImage && theirs == s.write[nodeImageBlock]
}

// has reports whether the editor has a node or a mark of this package's name.
func (s *Schema) has(name string) bool { return s.write[name] != "" }

func (s *Schema) base() base { return bases[s.Schema] }

// value returns the value of an attribute that has one of the names that editors give it.
func (s *Schema) value(attrs map[string]any, name string) any {
	for _, theirs := range s.values[name] {
		if v, ok := attrs[theirs]; ok {
			return v
		}
	}
	return nil
}

// text returns the value of an attribute that is a text.
func (s *Schema) text(attrs map[string]any, name string) string {
	text, _ := s.value(attrs, name).(string)
	return text
}

// set sets an attribute of a node or a mark that is to be written, if the editor has it. An
// empty text is set only if the editor needs the attribute.
func (s *Schema) set(attrs map[string]any, name string, value any) {
	if theirs := s.write[name]; theirs != "" && (value != "" || name == attrHref || name == attrSrc) {
		attrs[theirs] = value
	}
}
