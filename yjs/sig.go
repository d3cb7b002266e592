// Package yjs is a Yjs document as an application reads and edits it.
package yjs

import (
	"iter"

	"github.com/yroom/yroom/blocks"
)

// Options of a Doc.
type Options struct {
	ClientID uint64
	History  bool
}

// Doc is a document.
type Doc struct{ opts Options }

// Root is a root type.
type Root struct {
	Name string
	Kind Kind
}

func New() *Doc                                                             { return NewWith(Options{}) }
func NewWith(o Options) *Doc                                                { return &Doc{o} }
func (d *Doc) ClientID() uint64                                             { return 0 }
func (d *Doc) Apply(update []byte, enc blocks.Encoding) error               { return nil }
func (d *Doc) Encode(enc blocks.Encoding) []byte                            { return nil }
func (d *Doc) Diff(stateVector []byte, enc blocks.Encoding) ([]byte, error) { return nil, nil }
func (d *Doc) StateVector() []byte                                          { return nil }
func (d *Doc) Transact(fn func() error) (update []byte, err error)          { return nil, nil }
func (d *Doc) Text(name string) (*Text, error)                              { return nil, nil }
func (d *Doc) Array(name string) (*Array, error)                            { return nil, nil }
func (d *Doc) Map(name string) (*Map, error)                                { return nil, nil }
func (d *Doc) XMLFragment(name string) (*XMLFragment, error)                { return nil, nil }
func (d *Doc) XMLElement(name string) (*XMLElement, error)                  { return nil, nil }
func (d *Doc) XMLText(name string) (*XMLText, error)                        { return nil, nil }

// Roots gives the roots that hold something.
func (d *Doc) Roots() []Root { return nil }

// Root tells of one root; false: the document has none of that name.
func (d *Doc) Root(name string) (Root, bool) { return Root{}, false }

// JSON prints the whole document; kinds names those that shall not be inferred.
func (d *Doc) JSON(kinds map[string]Kind) ([]byte, error) { return nil, nil }
func (d *Doc) MarshalJSON() ([]byte, error)               { return nil, nil }

// Resolve gives where a relative position is now.
func (d *Doc) Resolve(p RelativePosition) (Position, error) { return Position{}, nil }

// Value is a value in a document.
type Value struct{}

// ValueKind says what a Value is.
type ValueKind uint8

const (
	Undefined ValueKind = iota
	Null
	Bool
	Number
	BigInt
	String
	Bytes
	List
	ObjectKind
	Type
	Subdoc
)

// Member is a member of an Object.
type Member struct {
	Key   string
	Value Value
}

// Object keeps the order of its members. As attributes: nil means those of the text around.
type Object []Member

func NullValue() Value                          { return Value{} }
func BoolValue(b bool) Value                    { return Value{} }
func NumberValue(f float64) Value               { return Value{} }
func BigIntValue(i int64) Value                 { return Value{} }
func StringValue(s string) Value                { return Value{} }
func BytesValue(b []byte) Value                 { return Value{} }
func ListValue(values ...Value) Value           { return Value{} }
func ObjectValue(members ...Member) Value       { return Value{} }
func TypeValue(kind Kind, name string) Value    { return Value{} }
func ParseJSON(text []byte) (Value, error)      { return Value{}, nil }
func (v Value) Kind() ValueKind                 { return 0 }
func (v Value) Text() (*Text, bool)             { return nil, false }
func (v Value) Array() (*Array, bool)           { return nil, false }
func (v Value) Map() (*Map, bool)               { return nil, false }
func (v Value) XMLElement() (*XMLElement, bool) { return nil, false }
func (v Value) XMLText() (*XMLText, bool)       { return nil, false }
func (v Value) MarshalJSON() ([]byte, error)    { return nil, nil }

// Text is a text.
type Text struct{}

func (t *Text) Len() int                                        { return 0 }
func (t *Text) String() string                                  { return "" }
func (t *Text) Delta() Delta                                    { return nil }
func (t *Text) MarshalJSON() ([]byte, error)                    { return nil, nil }
func (t *Text) Insert(at int, s string, attrs Object) error     { return nil }
func (t *Text) InsertEmbed(at int, v Value, attrs Object) error { return nil }
func (t *Text) Delete(at, n int) error                          { return nil }
func (t *Text) Format(at, n int, attrs Object) error            { return nil }
func (t *Text) ApplyDelta(d Delta) error                        { return nil }
func (t *Text) RelativePosition(at, assoc int) (RelativePosition, error) {
	return RelativePosition{}, nil
}

// XMLText is a text in XML: as Text, but String prints formats as tags.
type XMLText struct{ Text }

// Delta is what Quill calls so.
type Delta []Op

// Op is one operation of a Delta.
type Op struct {
	Insert         Value // undefined: the op inserts nothing
	Retain, Delete int
	Attributes     Object
}

func (d Delta) MarshalJSON() ([]byte, error) { return nil, nil }

// Array is an array.
type Array struct{}

func (a *Array) Len() int                             { return 0 }
func (a *Array) Get(at int) (Value, error)            { return Value{}, nil }
func (a *Array) Slice(from, to int) ([]Value, error)  { return nil, nil }
func (a *Array) All() iter.Seq2[int, Value]           { return nil }
func (a *Array) Insert(at int, values ...Value) error { return nil }
func (a *Array) Push(values ...Value) error           { return nil }
func (a *Array) Delete(at, n int) error               { return nil }
func (a *Array) InsertText(at int) (*Text, error)     { return nil, nil }
func (a *Array) InsertArray(at int) (*Array, error)   { return nil, nil }
func (a *Array) InsertMap(at int) (*Map, error)       { return nil, nil }
func (a *Array) MarshalJSON() ([]byte, error)         { return nil, nil }

// Map is a map.
type Map struct{}

func (m *Map) Len() int                            { return 0 }
func (m *Map) Get(key string) (Value, bool)        { return Value{}, false }
func (m *Map) Set(key string, v Value) error       { return nil }
func (m *Map) Delete(key string) error             { return nil }
func (m *Map) All() iter.Seq2[string, Value]       { return nil }
func (m *Map) SetText(key string) (*Text, error)   { return nil, nil }
func (m *Map) SetArray(key string) (*Array, error) { return nil, nil }
func (m *Map) SetMap(key string) (*Map, error)     { return nil, nil }
func (m *Map) MarshalJSON() ([]byte, error)        { return nil, nil }

// XMLFragment is a list of XML nodes.
type XMLFragment struct{}

func (f *XMLFragment) Len() int                                               { return 0 }
func (f *XMLFragment) Get(at int) (Value, error)                              { return Value{}, nil }
func (f *XMLFragment) All() iter.Seq2[int, Value]                             { return nil }
func (f *XMLFragment) InsertElement(at int, name string) (*XMLElement, error) { return nil, nil }
func (f *XMLFragment) InsertText(at int) (*XMLText, error)                    { return nil, nil }
func (f *XMLFragment) Delete(at, n int) error                                 { return nil }
func (f *XMLFragment) String() string                                         { return "" }
func (f *XMLFragment) MarshalJSON() ([]byte, error)                           { return nil, nil }
func (f *XMLFragment) ProseMirror() ([]byte, error)                           { return nil, nil }

// XMLElement is an element, with what XMLFragment has.
type XMLElement struct{ XMLFragment }

func (e *XMLElement) Name() string                            { return "" }
func (e *XMLElement) Attribute(name string) (Value, bool)     { return Value{}, false }
func (e *XMLElement) Attributes() Object                      { return nil }
func (e *XMLElement) SetAttribute(name string, v Value) error { return nil }
func (e *XMLElement) RemoveAttribute(name string) error       { return nil }

// RelativePosition is a place that stays where it is among its neighbours.
type RelativePosition struct{}

func DecodeRelativePosition(b []byte) (RelativePosition, error) { return RelativePosition{}, nil }
func (p RelativePosition) Encode() []byte                       { return nil }
func (p RelativePosition) MarshalJSON() ([]byte, error)         { return nil, nil }
func (p *RelativePosition) UnmarshalJSON(b []byte) error        { return nil }

// Position is where a relative position is at the moment.
type Position struct {
	Type         Value
	Index, Assoc int
}
