package yjs

// Text is text with formats and embeds. Its positions and lengths are in UTF-16
// units; an embed counts one.
type Text struct{ text }

// XMLText is a Text among XML nodes, of which String prints formats as tags.
type XMLText struct{ text }

// text is what both have in common.
type text struct{ t *typ }

// Len is the length of the text.
func (t text) Len() int { return int(t.t.len) }

// String gives the text without formats and embeds.
func (t *Text) String() string { return t.t.string() }

// MarshalJSON prints the text as a JSON string.
func (t *Text) MarshalJSON() ([]byte, error) { return marshal(t.t) }

// String gives the text with its formats as tags around it, as toString of yjs
// does. Nothing is escaped.
func (t *XMLText) String() string { return t.t.xml() }

// MarshalJSON prints String as a JSON string.
func (t *XMLText) MarshalJSON() ([]byte, error) { return marshal(t.t) }

// Delta gives the text with its formats, as toDelta of yjs does.
func (t text) Delta() Delta { return t.t.delta() }

func marshal(t *typ) ([]byte, error) {
	p := printer{}
	p.typ(t)
	return p.result()
}
