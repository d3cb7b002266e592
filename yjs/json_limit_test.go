package yjs

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
)

func TestDeepNesting(t *testing.T) {
	d := NewWith(Options{ClientID: 1})
	a, _ := d.Array("a")
	inner := a
	for range maxDepth + 10 {
		var err error
		inner, err = inner.InsertArray(0)
		must(t, err)
	}
	if _, err := a.MarshalJSON(); !errors.Is(err, ErrDepth) {
		t.Errorf("got error %v", err)
	}
	must(t, a.Delete(0, 1))
	inspect(t, d)
	if got, want := marshaled(t, a), "[]"; got != want {
		t.Errorf("got %s", got)
	}
	f, _ := d.XMLFragment("f")
	e, err := f.InsertElement(0, "e")
	must(t, err)
	for range maxDepth + 10 {
		e, err = e.InsertElement(0, "e")
		must(t, err)
	}
	if _, err := f.ProseMirror(); !errors.Is(err, ErrDepth) {
		t.Errorf("got error %v", err)
	}
	if got := f.String(); len(got) < maxDepth {
		t.Errorf("%d bytes", len(got))
	}
}

// TestTooManyFormats builds a document that is thousands of times larger when printed.
func TestTooManyFormats(t *testing.T) {
	testkit.SkipUnderRace(t)
	const n = 2_500
	var all []blocks.Block
	for i := range n {
		all = append(all, formatBlock(fmt.Sprint("k", i), "true"))
	}
	for i := range n {
		all = append(all, formatBlock("n", fmt.Sprint(i)), stringBlock("x"))
	}
	update := chained(all...)
	if len(update) > 100<<10 {
		t.Fatalf("an update of %d bytes", len(update))
	}
	d := applied(t, update)
	text, err := d.XMLText("t")
	must(t, err)
	if got := text.Len(); got != n {
		t.Errorf("%d units of text", got)
	}
	for name, err := range map[string]error{
		"Printable":   d.Printable(),
		"JSON":        second(d.JSON(nil)),
		"MarshalJSON": second(text.MarshalJSON()),
	} {
		if !errors.Is(err, ErrSize) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, text.Format(0, n, Object{{"k1", NullValue()}}))
	must(t, text.Delete(0, n-10))
	must(t, d.Printable())

	nested := New()
	must(t, second(nested.Transact(func() error {
		f, err := nested.XMLFragment("f")
		must(t, err)
		must(t, f.Insert(0, TypeValue(KindXMLElement, "p")))
		v, _ := f.Get(0)
		p, _ := v.XMLElement()
		must(t, p.Insert(0, TypeValue(KindXMLText, "")))
		v, _ = p.Get(0)
		x, _ := v.XMLText()
		long := StringValue(strings.Repeat("x", 40<<10))
		must(t, x.Insert(0, strings.Repeat("x", n), Object{{"long", long}}))
		for i := range n {
			must(t, x.Format(i, 1, Object{{"n", NumberValue(float64(i))}}))
		}
		return nil
	})))
	f, err := nested.XMLFragment("f")
	must(t, err)
	if _, err := f.ProseMirror(); !errors.Is(err, ErrSize) {
		t.Errorf("ProseMirror: %v", err)
	}
}
