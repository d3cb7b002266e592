package yjs

import (
	"bytes"
	"errors"
	"testing"

	"github.com/yroom/yroom/blocks"
)

func TestYchange(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	must(t, text.Insert(0, "a", Object{{"ychange", NumberValue(1)}, {"b", NumberValue(2)}}))
	if got, want := marshaled(t, text.Delta()), `[{"insert":"a","attributes":{"b":2}}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestApplyDelta(t *testing.T) {
	d := New()
	text, _ := d.Text("t")
	bold := Object{{"bold", BoolValue(true)}}
	must(t, text.ApplyDelta(Delta{{Insert: StringValue("hello"), Attributes: bold}, {Insert: StringValue(" you")}}))
	must(t, text.ApplyDelta(Delta{{Retain: 1}, {Delete: 4}, {Insert: StringValue("i")}, {Retain: 5, Attributes: bold}}))
	if got, want := marshaled(t, text.Delta()), `[{"insert":"h","attributes":{"bold":true}},{"insert":"i"},{"insert":" you\n","attributes":{"bold":true}}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	before := d.Encode(blocks.V1)
	for _, bad := range []Delta{
		{{Retain: 9}},
		{{Delete: 8}},
		{{Delete: -1}},
		{{Retain: 4}, {Delete: 4}},
		{{Retain: 8}, {Insert: StringValue("x")}},
	} {
		if err := text.ApplyDelta(bad); !errors.Is(err, ErrRange) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := text.ApplyDelta(Delta{{Insert: StringValue("x")}, {Insert: SubdocumentValue("g", nil)}}); !errors.Is(err, ErrValue) {
		t.Errorf("a subdocument as an embed: %v", err)
	}
	if !bytes.Equal(before, d.Encode(blocks.V1)) {
		t.Error("a rejected delta changed the text")
	}
}
