package prosemirror

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/yroom/yroom/yjs"
)

// ErrMark means that a text can't have a mark.
var ErrMark = errors.New("prosemirror: the text can't have this mark")

// Range names a part of a block's text by that text, which stays right while others edit
// the block elsewhere.
type Range struct {
	// Text is the text, without its marks. It can't go across a line break or another node.
	Text string `json:"text"`
	// Occurrence says, from 1 on, which one is meant if the block has the text several
	// times. If it is 0, the block must have the text once.
	Occurrence int `json:"occurrence"`
}

// Mark sets a mark on a part of a block's text, or removes it if attrs is nil. name is
// either one of this package, as in Names, or one of the editor. Attributes have the
// editor's names. The error is ErrNoBlock, ErrText, ErrMark, or yjs.ErrValue for attributes
// that can't be stored.
func (b *Blocks) Mark(id string, r Range, name string, attrs map[string]any) error {
	p, err := b.find(id, "")
	if err != nil {
		return err
	}
	if theirs := b.schema.write[name]; theirs != "" && !isAttribute(name) {
		name = theirs
	}
	if name == "" {
		return fmt.Errorf("%w: the mark has no name", ErrMark)
	}
	found, err := b.schema.findText(p.element, r)
	if err != nil {
		return err
	}
	formats := yjs.Object{{Key: name, Value: yjs.NullValue()}}
	if attrs != nil {
		if formats[0].Value, err = yjs.ValueOf(attrs); err != nil {
			return err
		}
		if found.code {
			return fmt.Errorf("%w: the text of a code block has no marks", ErrMark)
		}
		if b.schema.base().codeAlone && name == b.schema.write[markCode] {
			for _, other := range found.formats {
				formats = append(formats, yjs.Member{Key: other, Value: yjs.NullValue()})
			}
		} else if b.schema.base().codeAlone && slices.Contains(found.formats, b.schema.write[markCode]) {
			return fmt.Errorf("%w: a part of the text has the mark %s, which excludes all others", ErrMark, b.schema.write[markCode])
		}
	}
	return found.text.Format(found.at, found.n, formats)
}

// foundText is where a Range is.
type foundText struct {
	text    formatted
	at, n   int
	code    bool     // it is in a code block
	formats []string // the formats that parts of it have
}

// findText returns where a range is.
func (s *Schema) findText(e *yjs.XMLElement, r Range) (found foundText, err error) {
	if r.Text == "" || strings.Contains(r.Text, "\x00") {
		return found, fmt.Errorf("%w: the text is empty or has a control character", ErrText)
	}
	count := 0
	eachText(e, func(in *yjs.XMLElement, t formatted) {
		all := textOf(t)
		for from := 0; ; {
			i := strings.Index(all[from:], r.Text)
			if i < 0 {
				return
			}
			count++
			if count == max(r.Occurrence, 1) {
				found = foundText{text: t, at: utf16Len(all[:from+i]), n: utf16Len(r.Text), code: s.read[in.Name()] == nodeCode}
			}
			from += i + len(r.Text)
		}
	})
	if found.text == nil || r.Occurrence == 0 && count > 1 {
		return found, fmt.Errorf("%w: it has %q %d times", ErrText, r.Text, count)
	}
	at := 0
	for _, op := range found.text.Delta() {
		n := 1
		if text, ok := op.Insert.AsString(); ok {
			n = utf16Len(text)
		}
		for _, m := range op.Attributes {
			if at < found.at+found.n && at+n > found.at && !slices.Contains(found.formats, m.Key) {
				found.formats = append(found.formats, m.Key)
			}
		}
		at += n
	}
	return found, nil
}

// formatted is a text with formats: an XML text, or the list of an element.
type formatted interface {
	Delta() yjs.Delta
	Format(at, n int, formats yjs.Object) error
}

// eachText calls f for the texts in an element, in order, with the elements that have them.
func eachText(e *yjs.XMLElement, f func(in *yjs.XMLElement, t formatted)) {
	f(e, e.AsText())
	for _, op := range e.AsText().Delta() {
		if t, ok := op.Insert.XMLText(); ok {
			f(e, t)
		} else if c, ok := op.Insert.XMLElement(); ok {
			eachText(c, f)
		}
	}
}

// textOf returns a text without its formats. An embed is a character that no range has.
func textOf(t formatted) string {
	var b strings.Builder
	for _, op := range t.Delta() {
		s, ok := op.Insert.AsString()
		if !ok {
			s = "\x00"
		}
		b.WriteString(s)
	}
	return b.String()
}

func utf16Len(text string) int { return len(utf16.Encode([]rune(text))) }

// plain returns a value as encoding/json decodes it.
func plain(v yjs.Value) any {
	data, err := v.MarshalJSON()
	if err != nil {
		return nil
	}
	var value any
	_ = json.Unmarshal(data, &value) // a value that isn't JSON is none
	return value
}
