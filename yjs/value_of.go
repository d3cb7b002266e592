package yjs

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/yroom/yroom/internal/lib0"
)

// ValueOf returns the value of a Go value:
//
//   - nil, and a nil pointer, slice or map: null;
//   - a boolean, a string, an integer or a float of any type: a boolean, a string or a
//     number. An integer that is not exact as a JavaScript number is an error: use
//     BigIntValue;
//   - a slice or an array of bytes: a Uint8Array;
//   - another slice or array: a plain array;
//   - a map whose keys are strings or integers: a plain object with sorted keys;
//   - a pointer: the value it points to;
//   - a Value or an Object: itself;
//   - a struct, a json.Number, a json.Marshaler and an encoding.TextMarshaler: the value
//     of its JSON, as json.Marshal returns it.
//
// Other values, shared types that are already in a document and values that are nested
// too deeply can't be converted: the error is ErrValue, and says which value it is and
// where. x is borrowed.
func ValueOf(x any) (Value, error) {
	var c valueConverter
	return c.convert(reflect.ValueOf(x), lib0.MaxDepth)
}

// errTooDeep has no path, which would be too long to read.
var errTooDeep = fmt.Errorf("%w: nested more than %d levels deep", ErrValue, lib0.MaxDepth)

// valueConverter converts Go values. path leads to the value that it converts, as in
// ["tasks"][2].
type valueConverter struct{ path []byte }

func (c *valueConverter) errorf(format string, args ...any) error {
	if len(c.path) == 0 {
		return fmt.Errorf("%w: "+format, append([]any{ErrValue}, args...)...)
	}
	return fmt.Errorf("%w: at %s: "+format, append([]any{ErrValue, c.path}, args...)...)
}

// convert converts a value that may be nested depth levels deep.
func (c *valueConverter) convert(rv reflect.Value, depth int) (Value, error) {
	if isNil(rv) {
		return NullValue(), nil
	}
	if depth < 0 {
		return Value{}, errTooDeep
	}
	switch x := rv.Interface().(type) {
	case Value:
		return c.checked(x, depth)
	case Object:
		return c.checked(ObjectValue(x...), depth)
	case *Value, *Object:
		return c.convert(rv.Elem(), depth)
	case *Doc, *Array, *Map, *Text, *XMLElement, *XMLFragment, *XMLHook, *XMLText:
		return Value{}, c.errorf("%T is part of a document and can't be inserted again", x)
	case json.Number, json.Marshaler, encoding.TextMarshaler:
		return c.convertJSON(x, depth)
	}
	switch rv.Kind() {
	case reflect.Bool:
		return BoolValue(rv.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		abs := uint64(rv.Int())
		if rv.Int() < 0 {
			abs = -abs
		}
		return c.number(float64(rv.Int()), abs, rv)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return c.number(float64(rv.Uint()), rv.Uint(), rv)
	case reflect.Float32, reflect.Float64:
		return NumberValue(rv.Float()), nil
	case reflect.String:
		return StringValue(rv.String()), nil
	case reflect.Slice, reflect.Array:
		return c.convertList(rv, depth)
	case reflect.Map:
		return c.convertMap(rv, depth)
	case reflect.Pointer:
		return c.convert(rv.Elem(), depth-1)
	case reflect.Struct:
		return c.convertJSON(rv.Interface(), depth)
	}
	return Value{}, c.errorf("a value of type %s can't be converted", rv.Type())
}

// isNil reports whether a value becomes null.
func isNil(rv reflect.Value) bool {
	switch rv.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
		return rv.IsNil()
	}
	return false
}

// number returns f if it is exactly the integer of rv, whose absolute value is abs.
func (c *valueConverter) number(f float64, abs uint64, rv reflect.Value) (Value, error) {
	if bits.Len64(abs)-bits.TrailingZeros64(abs|1<<63) > 53 {
		return Value{}, c.errorf("%v is not exact as a JavaScript number; use BigIntValue", rv)
	}
	return NumberValue(f), nil
}

func (c *valueConverter) convertList(rv reflect.Value, depth int) (Value, error) {
	if rv.Type().Elem().Kind() == reflect.Uint8 {
		b := make([]byte, rv.Len())
		for i := range b {
			b[i] = byte(rv.Index(i).Uint())
		}
		return BytesValue(b), nil
	}
	if depth == 0 {
		return Value{}, errTooDeep
	}
	list := make([]Value, rv.Len())
	end := len(c.path)
	for i := range list {
		c.path = append(strconv.AppendInt(append(c.path[:end], '['), int64(i), 10), ']')
		var err error
		if list[i], err = c.convert(element(rv.Index(i)), depth-1); err != nil {
			return Value{}, err
		}
	}
	c.path = c.path[:end]
	return Value{kind: ValueKindList, list: list}, nil
}

func (c *valueConverter) convertMap(rv reflect.Value, depth int) (Value, error) {
	if depth == 0 {
		return Value{}, errTooDeep
	}
	members := make(Object, 0, rv.Len())
	end := len(c.path)
	for it := rv.MapRange(); it.Next(); {
		key, ok := keyString(it.Key())
		if !ok {
			return Value{}, c.errorf("a key of type %s is neither a string nor an integer", it.Key().Type())
		}
		if key == protoKey {
			return Value{}, c.errorf("the key %s is reserved by JavaScript", protoKey)
		}
		c.path = append(strconv.AppendQuote(append(c.path[:end], '['), key), ']')
		v, err := c.convert(element(it.Value()), depth-1)
		if err != nil {
			return Value{}, err
		}
		members = append(members, Member{strings.ToValidUTF8(key, replacement), v})
	}
	c.path = c.path[:end]
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Key, b.Key) })
	return Value{kind: ValueKindObject, object: orderMembers(members)}, nil
}

// keyString returns the key of a map as the key of an object.
func keyString(rv reflect.Value) (key string, ok bool) {
	switch {
	case rv.Kind() == reflect.String:
		return rv.String(), true
	case rv.CanInt():
		return strconv.FormatInt(rv.Int(), 10), true
	case rv.CanUint():
		return strconv.FormatUint(rv.Uint(), 10), true
	}
	return "", false
}

// element returns what an element of type interface contains, and other elements as they
// are.
func element(rv reflect.Value) reflect.Value {
	if rv.Kind() == reflect.Interface {
		return rv.Elem()
	}
	return rv
}

func (c *valueConverter) convertJSON(x any, depth int) (Value, error) {
	text, err := json.Marshal(x)
	if err != nil {
		return Value{}, c.errorf("%w", err)
	}
	v, err := ParseJSON(text)
	if err != nil {
		return Value{}, c.errorf("the JSON of %T: %w", x, err)
	}
	return c.checked(v, depth)
}

// checked returns a value that is nested depth levels deep at most. Only a value that is
// not part of another one may be a shared type or a subdocument.
func (c *valueConverter) checked(v Value, depth int) (Value, error) {
	if depth < lib0.MaxDepth && v.kind >= ValueKindType || v.kind < ValueKindType && !encodable(v, depth) {
		return Value{}, c.errorf("%s", notEncodable)
	}
	return v, nil
}
