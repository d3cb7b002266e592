package yjs

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/yroom/yroom/blocks"
)

// transcript is a sequence of random edits with the results of yjs.
// testdata/transcripts.mjs records them.
type transcript struct {
	Seed   int
	Client uint64
	Steps  []struct {
		Apply, Encoded []byte // an update of another client, and the document after it
		Ops            []op   // or edits, and their update
		Update         []byte
		Shows          struct {
			Text, Array, Map, XML json.RawMessage
			Positions             []struct {
				Name      string
				At, Assoc int
				Bytes     []byte
				JSON      string
				Index     int
			}
		}
	}
}

type op struct {
	Op     string
	Path   []json.RawMessage
	At, N  int
	Text   *string
	Attrs  json.RawMessage
	Value  json.RawMessage
	Values []json.RawMessage
	Key    string
	Delta  []struct {
		Insert         *string
		Retain, Delete int
		Attributes     json.RawMessage
	}
}

func TestTranscripts(t *testing.T) {
	for _, tr := range transcripts(t) {
		t.Run(strconv.Itoa(tr.Seed), func(t *testing.T) { replay(t, &tr) })
	}
}

// transcripts reads all transcripts.
func transcripts(t testing.TB) (all []transcript) {
	t.Helper()
	f, err := os.Open("testdata/transcripts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var tr transcript
		if err := json.Unmarshal(lines.Bytes(), &tr); err != nil {
			t.Fatal(err)
		}
		all = append(all, tr)
	}
	return all
}

// replay applies a transcript to a Doc and compares each step with the results of yjs.
func replay(t *testing.T, tr *transcript) {
	d := NewWith(Options{ClientID: tr.Client})
	text, _ := d.Text("text")
	array, _ := d.Array("array")
	m, _ := d.Map("map")
	xml, _ := d.XMLFragment("xml")
	follower := New()
	for i, step := range tr.Steps {
		var update []byte
		if step.Apply != nil {
			if err := d.Apply(step.Apply, blocks.V1); err != nil {
				t.Fatal(err)
			}
			if got := d.Encode(blocks.V1); len(got) > len(step.Encoded) {
				t.Fatalf("step %d: encoding has %d bytes\n%s\nthat of yjs %d\n%s", i, len(got), show(got), len(step.Encoded), show(step.Encoded))
			}
			update = d.Encode(blocks.V1)
		} else {
			var err error
			update, err = d.Transact(func() error {
				for _, op := range step.Ops {
					if err := op.perform(d); err != nil {
						return fmt.Errorf("%s: %w", op.Op, err)
					}
				}
				return nil
			})
			if err != nil || !bytes.Equal(update, step.Update) {
				t.Fatalf("step %d: %v, update\n%s\nof yjs\n%s", i, err, show(update), show(step.Update))
			}
		}
		inspect(t, d)
		for _, x := range []struct {
			name string
			got  json.Marshaler
			want json.RawMessage
		}{{"text", text.Delta(), step.Shows.Text}, {"array", array, step.Shows.Array}, {"map", m, step.Shows.Map}, {"xml", xml, step.Shows.XML}} {
			if got, err := x.got.MarshalJSON(); err != nil || !bytes.Equal(got, x.want) {
				t.Fatalf("step %d: %s: %v\n%s\nin yjs\n%s", i, x.name, err, got, x.want)
			}
		}
		for _, want := range step.Shows.Positions {
			p, err := d.roots[want.Name].relativePosition(want.At, want.Assoc)
			if err != nil || !bytes.Equal(p.Encode(), want.Bytes) {
				t.Fatalf("step %d: position %+v: %x, %v", i, want, p.Encode(), err)
			}
			if text, err := p.MarshalJSON(); err != nil || string(text) != want.JSON {
				t.Fatalf("step %d: position %+v: %s, %v", i, want, text, err)
			}
			var fromJSON RelativePosition
			if err := fromJSON.UnmarshalJSON([]byte(want.JSON)); err != nil || fromJSON != p {
				t.Fatalf("step %d: position %+v read from JSON: %+v, %v", i, want, fromJSON, err)
			}
			p, err = DecodeRelativePosition(want.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if at, err := d.Resolve(p); err != nil || at.Index != want.Index {
				t.Fatalf("step %d: position %+v resolves to %+v, %v", i, want, at, err)
			}
		}
		if err := follower.Apply(update, blocks.V1); update != nil && err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(follower.StateVector(), d.StateVector()) {
			t.Fatalf("step %d: the state vector of the follower is %x, want %x", i, follower.StateVector(), d.StateVector())
		}
		inspect(t, follower)
	}
}

// find follows the path of an operation from a root to a nested type.
func (op *op) find(d *Doc) Value {
	var name string
	_ = json.Unmarshal(op.Path[0], &name)
	v := Value{kind: ValueKindType, typ: d.roots[name]}
	for _, step := range op.Path[1:] {
		var key string
		if json.Unmarshal(step, &key) == nil {
			v, _ = v.typ.get(key)
			continue
		}
		at, _ := strconv.Atoi(string(step))
		it, off := v.typ.at(uint64(at))
		v = it.element(off)
	}
	return v
}

func (op *op) perform(d *Doc) error {
	v := op.find(d)
	if t, ok := v.Text(); ok {
		return op.performText(t.text)
	}
	if t, ok := v.XMLText(); ok {
		return op.performText(t.text)
	}
	if m, ok := v.Map(); ok {
		if op.Op == "remove" {
			return m.Delete(op.Key)
		}
		return m.Set(op.Key, realValue(op.Value))
	}
	if e, ok := v.XMLElement(); ok {
		switch op.Op {
		case "attribute":
			return e.SetAttribute(op.Key, realValue(op.Value))
		case "unset":
			return e.RemoveAttribute(op.Key)
		}
	}
	values := make([]Value, len(op.Values))
	for i, x := range op.Values {
		values[i] = realValue(x)
	}
	a, isArray := v.Array()
	switch {
	case op.Op == "delete":
		return list{v.typ}.Delete(op.At, op.N)
	case op.Op == "push":
		return a.Push(values...)
	case isArray:
		return a.Insert(op.At, values...)
	}
	return children{list{v.typ}}.Insert(op.At, values...)
}

func (op *op) performText(t text) error {
	switch op.Op {
	case "insert":
		return t.Insert(op.At, *op.Text, object(op.Attrs))
	case "embed":
		return t.InsertEmbed(op.At, realValue(op.Value), object(op.Attrs))
	case "format":
		return t.Format(op.At, op.N, object(op.Attrs))
	case "delete":
		return t.Delete(op.At, op.N)
	}
	var d Delta
	for _, x := range op.Delta {
		o := Op{Retain: x.Retain, Delete: x.Delete, Attributes: object(x.Attributes)}
		if x.Insert != nil {
			o.Insert = StringValue(*x.Insert)
		}
		d = append(d, o)
	}
	return t.ApplyDelta(d)
}

func object(text []byte) Object {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	v, err := ParseJSON(text)
	if err != nil {
		panic(err)
	}
	return append(Object{}, v.object...)
}

// realValue returns the value that a transcript represents as JSON.
func realValue(text []byte) Value {
	v, err := ParseJSON(text)
	if err != nil {
		panic(err)
	}
	if s, ok := v.object.Get("$bytes").AsString(); ok {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			panic(err)
		}
		return BytesValue(b)
	}
	if s, ok := v.object.Get("$type").AsString(); ok {
		k, err := ParseKind(s)
		if err != nil {
			panic(err)
		}
		name, _ := v.object.Get("name").AsString()
		return TypeValue(k, name)
	}
	return v
}
