package differential

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/yjs"
)

// script is a sequence of updates and edits of one document, with the results of yjs.
type script struct {
	ClientID  uint64             `json:"clientID"`
	Steps     []step             `json:"steps"`
	Readings  map[string]reading `json:"readings"`
	Positions []position         `json:"positions"`
}

// step is an update of another client, or a transaction with edits and the update that
// yjs makes of them.
type step struct {
	Update  []byte          `json:"update"`
	Version blocks.Encoding `json:"version"`
	Edits   []edit          `json:"edits"`
	Made    []byte          `json:"made"`
}

// edit is a call of a method.
type edit struct {
	On         []any             `json:"on"` // the name of the root, then keys and positions
	Op         string            `json:"op"`
	At         int               `json:"at"`
	Length     int               `json:"length"`
	Key        string            `json:"key"`
	Text       string            `json:"text"`
	Attributes json.RawMessage   `json:"attributes"`
	Value      json.RawMessage   `json:"value"`
	Values     []json.RawMessage `json:"values"`
	Type       []string          `json:"type"`
	Delta      []struct {
		Retain     int             `json:"retain"`
		Insert     string          `json:"insert"`
		Attributes json.RawMessage `json:"attributes"`
	} `json:"delta"`
}

// position is a relative position in yjs, and the position that it resolves to, or nil.
type position struct {
	On       []any           `json:"on"`
	Index    int             `json:"index"`
	Assoc    int             `json:"assoc"`
	Encoded  []byte          `json:"encoded"`
	JSON     json.RawMessage `json:"json"`
	Resolved *struct {
		On    []any `json:"on"`
		Index int   `json:"index"`
	} `json:"resolved"`
}

// TestEditing checks that a Doc that follows a script makes the same updates as yjs and
// has the same content, and that yjs and ywasm can load its encodings.
func TestEditing(t *testing.T) {
	eachSeed(t, 0.3, func(t *testing.T, yjs *oracle, seed int, profile string) report {
		if profile == "surrogates" {
			return report{} // scripts do not split surrogate pairs
		}
		var s script
		yjs.ask(t, map[string]any{"op": "script", "seed": seed, "profile": profile}, &s)
		doc, err := s.follow()
		if err != nil {
			return report{Failures: []string{err.Error()}}
		}
		var got report
		yjs.ask(t, map[string]any{"op": "followed", "encoded": doc.Encode(blocks.V1), "encodedV2": doc.Encode(blocks.V2), "stateVector": doc.StateVector()}, &got)
		got.StoreBytes = len(doc.Encode(blocks.V1))
		return got
	})
}

// follow applies the steps of the script to a new Doc and compares the results.
func (s *script) follow() (*yjs.Doc, error) {
	doc := yjs.NewWith(yjs.Options{ClientID: s.ClientID})
	for i, step := range s.Steps {
		if step.Update != nil {
			if err := doc.Apply(step.Update, step.Version); err != nil {
				return nil, fmt.Errorf("step %d: Apply of %x: %w", i, step.Update, err)
			}
			continue
		}
		made, err := doc.Transact(func() error {
			for _, e := range step.Edits {
				if err := e.do(doc); err != nil {
					return fmt.Errorf("%s on %v: %w", e.Op, e.On, err)
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i, err)
		}
		if !bytes.Equal(made, step.Made) {
			edits, _ := json.Marshal(step.Edits)
			return nil, fmt.Errorf("step %d: %s:\n  made     %x\n  expected %x", i, edits, made, step.Made)
		}
	}
	got, err := readings(doc)
	if err != nil {
		return nil, err
	}
	if diff := cmp.Diff(s.Readings, got); diff != "" {
		return nil, fmt.Errorf("different contents (-yjs +yroom):\n%s", diff)
	}
	for _, p := range s.Positions {
		if err := p.check(doc); err != nil {
			return nil, fmt.Errorf("relative position %x: %w", p.Encoded, err)
		}
	}
	return doc, nil
}

// located returns the type at the end of a path.
func located(doc *yjs.Doc, path []any) (any, error) {
	at, err := root(doc, path[0].(string))
	for _, step := range path[1:] {
		if err != nil {
			return nil, err
		}
		at, err = child(at, step)
	}
	return at, err
}

func root(doc *yjs.Doc, name string) (any, error) {
	switch name {
	case "text", "rich":
		return doc.Text(name)
	case "array":
		return doc.Array(name)
	case "xml":
		return doc.XMLFragment(name)
	}
	return doc.Map(name)
}

func child(parent, step any) (any, error) {
	if key, ok := step.(string); ok {
		v, ok := parent.(*yjs.Map).Get(key)
		if !ok {
			return nil, fmt.Errorf("no key %q", key)
		}
		return typeOf(v)
	}
	at := int(step.(float64))
	if text := textOf(parent); text != nil {
		behind := 0
		for _, op := range text.Delta() {
			if behind == at {
				return typeOf(op.Insert)
			}
			behind += length(op.Insert)
		}
		return nil, fmt.Errorf("no embed at %d", at)
	}
	v, err := listOf(parent).Get(at)
	if err != nil {
		return nil, err
	}
	return typeOf(v)
}

func length(v yjs.Value) int {
	s, ok := v.AsString()
	if !ok {
		return 1
	}
	n := 0
	for _, r := range s {
		n++
		if r >= 0x10000 {
			n++
		}
	}
	return n
}

func typeOf(v yjs.Value) (any, error) {
	if t, ok := v.XMLText(); ok {
		return t, nil
	}
	if t, ok := v.Text(); ok {
		return t, nil
	}
	if t, ok := v.Array(); ok {
		return t, nil
	}
	if t, ok := v.Map(); ok {
		return t, nil
	}
	if t, ok := v.XMLElement(); ok {
		return t, nil
	}
	if t, ok := v.XMLFragment(); ok {
		return t, nil
	}
	return nil, fmt.Errorf("a value of kind %v is not a shared type", v.Kind())
}

// text holds the methods of texts.
type text interface {
	Delta() yjs.Delta
	Insert(at int, s string, attributes yjs.Object) error
	InsertEmbed(at int, v yjs.Value, attributes yjs.Object) error
	Format(at, n int, attributes yjs.Object) error
	ApplyDelta(d yjs.Delta) error
	Delete(at, n int) error
}

func textOf(t any) text {
	found, _ := t.(text)
	return found
}

// list holds the methods of arrays and XML types.
type list interface {
	Get(at int) (yjs.Value, error)
	Insert(at int, values ...yjs.Value) error
	Delete(at, n int) error
}

func listOf(t any) list {
	switch t := t.(type) {
	case *yjs.Array:
		return t
	case *yjs.XMLFragment:
		return t
	case *yjs.XMLElement:
		return t
	}
	return nil
}

func (e *edit) do(doc *yjs.Doc) error {
	on, err := located(doc, e.On)
	if err != nil {
		return err
	}
	switch e.Op {
	case "insertText":
		return textOf(on).Insert(e.At, e.Text, attributes(e.Attributes))
	case "format":
		return textOf(on).Format(e.At, e.Length, attributes(e.Attributes))
	case "embed":
		return textOf(on).InsertEmbed(e.At, value(e.Value), attributes(e.Attributes))
	case "embedType":
		return textOf(on).InsertEmbed(e.At, e.newType(), attributes(e.Attributes))
	case "applyDelta":
		var delta yjs.Delta
		for _, op := range e.Delta {
			made := yjs.Op{Retain: op.Retain, Attributes: attributes(op.Attributes)}
			if op.Insert != "" {
				made.Insert = yjs.StringValue(op.Insert)
			}
			delta = append(delta, made)
		}
		return textOf(on).ApplyDelta(delta)
	case "delete":
		if text := textOf(on); text != nil {
			return text.Delete(e.At, e.Length)
		}
		return listOf(on).Delete(e.At, e.Length)
	case "insert":
		values := make([]yjs.Value, len(e.Values))
		for i, v := range e.Values {
			values[i] = value(v)
		}
		return listOf(on).Insert(e.At, values...)
	case "insertType":
		return listOf(on).Insert(e.At, e.newType())
	case "set":
		return on.(*yjs.Map).Set(e.Key, value(e.Value))
	case "setType":
		return on.(*yjs.Map).Set(e.Key, e.newType())
	case "deleteKey":
		return on.(*yjs.Map).Delete(e.Key)
	case "setAttribute":
		return on.(*yjs.XMLElement).SetAttribute(e.Key, value(e.Value))
	case "removeAttribute":
		return on.(*yjs.XMLElement).RemoveAttribute(e.Key)
	}
	return fmt.Errorf("unknown edit")
}

func (e *edit) newType() yjs.Value {
	kinds := map[string]yjs.Kind{
		"Map": yjs.KindMap, "Array": yjs.KindArray, "Text": yjs.KindText,
		"XmlText": yjs.KindXMLText, "XmlElement": yjs.KindXMLElement, "XmlFragment": yjs.KindXMLFragment,
	}
	name := ""
	if len(e.Type) > 1 {
		name = e.Type[1]
	}
	return yjs.TypeValue(kinds[e.Type[0]], name)
}

// value returns the value that tag of script.mjs encoded.
func value(tagged json.RawMessage) yjs.Value {
	var parts []json.RawMessage
	must(json.Unmarshal(tagged, &parts))
	read := func(v any) { must(json.Unmarshal(parts[1], v)) }
	var text string
	switch kind := string(parts[0]); kind {
	case `"undefined"`:
		return yjs.Value{}
	case `"null"`:
		return yjs.NullValue()
	case `"boolean"`:
		var b bool
		read(&b)
		return yjs.BoolValue(b)
	case `"string"`:
		read(&text)
		return yjs.StringValue(text)
	case `"number"`:
		read(&text)
		n, err := strconv.ParseFloat(text, 64)
		must(err)
		return yjs.NumberValue(n)
	case `"bigint"`:
		read(&text)
		n, err := strconv.ParseInt(text, 10, 64)
		must(err)
		return yjs.BigIntValue(n)
	case `"bytes"`:
		read(&text)
		b, err := base64.StdEncoding.DecodeString(text)
		must(err)
		return yjs.BytesValue(b)
	case `"array"`:
		var members []json.RawMessage
		read(&members)
		values := make([]yjs.Value, len(members))
		for i, m := range members {
			values[i] = value(m)
		}
		return yjs.ListValue(values...)
	default:
		var members [][2]json.RawMessage
		read(&members)
		object := make([]yjs.Member, len(members))
		for i, m := range members {
			must(json.Unmarshal(m[0], &object[i].Key))
			object[i].Value = value(m[1])
		}
		return yjs.ObjectValue(object...)
	}
}

// attributes returns the object that tag of script.mjs encoded, or nil if there is
// none.
func attributes(tagged json.RawMessage) yjs.Object {
	if tagged == nil {
		return nil
	}
	object, _ := value(tagged).AsObject()
	if object == nil {
		object = yjs.Object{}
	}
	return object
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// check compares the encodings and the resolution of the position in doc with those of
// yjs.
func (p *position) check(doc *yjs.Doc) error {
	on, err := located(doc, p.On)
	if err != nil {
		return err
	}
	got, err := on.(interface {
		RelativePosition(at, assoc int) (yjs.RelativePosition, error)
	}).RelativePosition(p.Index, p.Assoc)
	if err != nil {
		return err
	}
	if !bytes.Equal(got.Encode(), p.Encoded) {
		return fmt.Errorf("%d in %v is encoded as %x", p.Index, p.On, got.Encode())
	}
	var asString string
	must(json.Unmarshal(p.JSON, &asString))
	if printed, err := got.MarshalJSON(); err != nil || string(printed) != asString {
		return fmt.Errorf("the JSON is %s (%w), in yjs %s", printed, err, asString)
	}
	decoded, err := yjs.DecodeRelativePosition(p.Encoded)
	if err != nil {
		return err
	}
	at, err := doc.Resolve(decoded)
	switch {
	case p.Resolved == nil:
		if err == nil {
			return fmt.Errorf("resolves to %d, but not in yjs", at.Index)
		}
		return nil
	case err != nil:
		return err
	case at.Index != p.Resolved.Index:
		return fmt.Errorf("resolves to %d, in yjs to %d", at.Index, p.Resolved.Index)
	}
	return nil
}
