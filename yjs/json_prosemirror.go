package yjs

import (
	"fmt"
	"strings"
)

// ProseMirror prints the fragment as the JSON of a ProseMirror document, as
// yXmlFragmentToProsemirrorJSON of y-prosemirror does: elements are nodes, texts
// are text nodes whose formats are marks. As there, a text right in the fragment is
// an array of such nodes. The error is ErrType where there is anything else than
// elements and texts in it, ErrDepth or ErrSize.
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
		p.err = fmt.Errorf("%w: a ProseMirror document has only elements and texts in it", ErrType)
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

// textNodes prints the parts of a text, and tells whether what follows is the first
// still.
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

// markName gives the name of the mark that a format stands for. Where marks of one
// name may overlap, y-prosemirror tells them apart by two hyphens and eight digits
// in base 64.
func markName(key string) string {
	const digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/="
	cut := len(key) - len("--12345678")
	if cut < 0 || key[cut:cut+2] != "--" || strings.Trim(key[cut+2:], digits) != "" {
		return key
	}
	// A line end is where the expression for the name begins to look.
	return key[strings.LastIndexAny(key[:cut], "\n\r")+1 : cut]
}
