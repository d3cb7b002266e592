package yjs

// In yjs 14 all shared types are of one kind: each has a list of text, values and types,
// with formats, and keys. It writes a nested type as an XML element if it has a name, and
// as an XML fragment otherwise. These methods return such a type as one of another kind,
// which reads and edits the same list or the same keys.

// AsText returns the text in the list, with its formats. Types in the list are embeds, and
// count as one unit each. Plain values are skipped, but count as one unit each.
func (c children) AsText() *Text { return &Text{text{c.t}} }

// AsArray returns the list as an array. Text in the list is one string for each UTF-16
// unit.
func (c children) AsArray() *Array { return &Array{list{c.t}} }

// AsMap returns the keys as a map. The keys of an XML element are its attributes.
func (c children) AsMap() *Map { return &Map{c.t} }
