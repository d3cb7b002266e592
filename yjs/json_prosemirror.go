package yjs

import (
	"fmt"
	"strings"
)

// ProseMirror returns the fragment as the JSON of a ProseMirror document, as
// yXmlFragmentToProsemirrorJSON of y-prosemirror does: elements become nodes, and texts
// become text nodes with formats as marks. As in y-prosemirror, a text that is a direct
// child of the fragment becomes an array of text nodes. The error is ErrType if the
// fragment contains anything but elements and texts, ErrDepth or ErrSize.
func (f *XMLFragment) ProseMirror() ([]byte, error) {
	if err := printable(f.t); err != nil {
		return nil, err
	}
	p := printer{}
	p.literal(`{"type":"doc","content":[`)
	i := 0
	f.t.each(func(v Value) bool {
		if i++; i > 1 {
			p.byte(',')
		}
		if v.TypeKind() == KindXMLText {
			p.byte('[')
			p.textNodes(v.typ, true)
			p.byte(']')
			return true
		}
		p.node(v)
		return p.err == nil
	})
	p.literal("]}")
	return p.result()
}

// node prints an element.
func (p *printer) node(v Value) {
	if v.TypeKind() != KindXMLElement {
		p.err = fmt.Errorf("%w: a ProseMirror document contains only XML elements and texts", ErrType)
		return
	}
	t := v.typ
	if t.depth > maxDepth {
		p.err = ErrDepth
		return
	}
	p.literal(`{"type":`)
	p.string(t.name)
	if attributes := t.object(); len(attributes) > 0 {
		p.literal(`,"attrs":`)
		p.object(attributes)
	}
	if t.len > 0 {
		p.literal(`,"content":[`)
		first := true
		t.each(func(v Value) bool {
			if v.TypeKind() == KindXMLText {
				first = p.textNodes(v.typ, first)
				return true
			}
			if !first {
				p.byte(',')
			}
			first = false
			p.node(v)
			return p.err == nil
		})
		p.byte(']')
	}
	p.byte('}')
}

// textNodes prints the runs of a text. It reports whether the next node is still the
// first one.
func (p *printer) textNodes(t *sharedType, first bool) bool {
	for _, op := range t.delta() {
		if !first {
			p.byte(',')
		}
		first = false
		p.literal(`{"type":"text"`)
		p.member(false, "text", op.Insert)
		if op.Attributes != nil {
			p.literal(`,"marks":[`)
			for i, m := range op.Attributes {
				if i > 0 {
					p.byte(',')
				}
				p.literal(`{"type":`)
				p.string(markName(m.Key))
				p.member(false, "attrs", m.Value)
				p.byte('}')
			}
			p.byte(']')
		}
		p.byte('}')
	}
	return first
}

// markName returns the name of the mark that a format represents. For marks that may
// overlap with marks of the same name, y-prosemirror appends two hyphens and eight
// base64 digits to the name.
func markName(key string) string {
	const digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/="
	cut := len(key) - len("--12345678")
	if cut < 0 || key[cut:cut+2] != "--" || strings.Trim(key[cut+2:], digits) != "" {
		return key
	}
	// The regular expression of y-prosemirror does not match across line ends.
	return key[strings.LastIndexAny(key[:cut], "\n\r")+1 : cut]
}
