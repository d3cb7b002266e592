package yjs

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestValueOf(t *testing.T) {
	type name string
	type task struct {
		Title string   `json:"title"`
		Tags  []string `json:"tags,omitempty"`
		Done  bool     `json:"done"`
		note  string
	}
	seven := int8(7)
	for _, test := range []struct {
		in   any
		want string
		kind ValueKind
	}{
		{nil, "null", ValueKindNull},
		{true, "true", ValueKindBool},
		{-3, "-3", ValueKindNumber},
		{int64(math.MinInt64), "-9223372036854776000", ValueKindNumber},
		{int64(1) << 53, "9007199254740992", ValueKindNumber},
		{uint64(1) << 63, "9223372036854776000", ValueKindNumber},
		{uint8(255), "255", ValueKindNumber},
		{float32(0.5), "0.5", ValueKindNumber},
		{1e21, "1e+21", ValueKindNumber},
		{math.NaN(), "null", ValueKindNumber},
		{"x\xff", "\"x\ufffd\"", ValueKindString},
		{name("n"), `"n"`, ValueKindString},
		{[]byte{1, 2}, `{"0":1,"1":2}`, ValueKindBytes},
		{[2]byte{1, 2}, `{"0":1,"1":2}`, ValueKindBytes},
		{[]byte(nil), "null", ValueKindNull},
		{[]any(nil), "null", ValueKindNull},
		{map[string]int(nil), "null", ValueKindNull},
		{(*int)(nil), "null", ValueKindNull},
		{(*Text)(nil), "null", ValueKindNull},
		{[]any{}, "[]", ValueKindList},
		{[]any{1, nil, "x", []string{"y"}, &seven}, `[1,null,"x",["y"],7]`, ValueKindList},
		{[2]bool{true}, "[true,false]", ValueKindList},
		{map[string]any{"b": 1, "a": map[name]any{"x": nil}}, `{"a":{"x":null},"b":1}`, ValueKindObject},
		{map[int]string{10: "ten", 9: "nine", -1: "minus"}, `{"9":"nine","10":"ten","-1":"minus"}`, ValueKindObject},
		{map[uint8]bool{3: true}, `{"3":true}`, ValueKindObject},
		{task{Title: "write", note: "hidden"}, `{"title":"write","done":false}`, ValueKindObject},
		{[]*task{{Title: "read", Tags: []string{"a"}}}, `[{"title":"read","tags":["a"],"done":false}]`, ValueKindList},
		{time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC), `"2026-11-29T01:02:03Z"`, ValueKindString},
		{big.NewInt(12), "12", ValueKindNumber},
		{json.Number("1.50"), "1.5", ValueKindNumber},
		{json.RawMessage(`{"b":1,"a":[]}`), `{"b":1,"a":[]}`, ValueKindObject},
		{Value{}, "null", ValueKindUndefined},
		{StringValue("v"), `"v"`, ValueKindString},
		{&Object{{"k", BigIntValue(1)}}, `{"k":1}`, ValueKindObject},
		{[]any{BigIntValue(5), Object{{"b", Value{}}, {"a", NullValue()}}}, `[5,{"a":null}]`, ValueKindList},
		{TypeValue(KindMap, ""), "{}", ValueKindType},
		{SubdocumentValue("g", nil), "{}", ValueKindSubdocument},
	} {
		v, err := ValueOf(test.in)
		if err != nil || v.String() != test.want || v.Kind() != test.kind {
			t.Errorf("%#v: got %s of kind %d, %v; want %s of kind %d", test.in, v, v.Kind(), err, test.want, test.kind)
		}
		if m, _ := New().Map("m"); err == nil {
			must(t, m.Set("k", v))
		}
	}
}

func TestValueOfErrors(t *testing.T) {
	text, err := New().Text("t")
	must(t, err)
	type loop *loop
	var pointer loop
	pointer = &pointer
	list := []any{nil}
	list[0] = list
	for _, test := range []struct {
		in   any
		want string
	}{
		{make(chan int), "yjs: invalid value: a value of type chan int can't be converted"},
		{map[string]any{"tasks": []any{1, func() {}}}, `at ["tasks"][1]: a value of type func() can't be converted`},
		{[]any{map[string]int{"n": 1<<53 + 1}}, `at [0]["n"]: 9007199254740993 is not exact as a JavaScript number; use BigIntValue`},
		{int64(math.MaxInt64), "9223372036854775807 is not exact"},
		{uint64(math.MaxUint64), "18446744073709551615 is not exact"},
		{map[bool]int{true: 1}, "a key of type bool is neither a string nor an integer"},
		{[]any{map[string]any{"__proto__": 1}}, "at [0]: the key __proto__ is reserved by JavaScript"},
		{ObjectValue(Member{"__proto__", NullValue()}), "the key __proto__"},
		{[]any{"x", TypeValue(KindText, "")}, "at [1]: a plain value contains a shared type"},
		{text, "*yjs.Text is part of a document"},
		{complex(1, 2), "complex128"},
		{struct{ C chan int }{}, "unsupported type: chan int"},
		{[]any{json.RawMessage("{")}, "at [0]: json: error calling MarshalJSON"},
		{json.RawMessage(strings.Repeat("[", 600) + strings.Repeat("]", 600)), "nested"},
		{pointer, "nested more than 512 levels deep"},
		{list, "nested more than 512 levels deep"},
	} {
		v, err := ValueOf(test.in)
		if !errors.Is(err, ErrValue) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%T: got %v, %v; want an error with %q", test.in, v, err, test.want)
		}
	}

	// The limit is that of ParseJSON, and of what a document accepts.
	deep := any(nil)
	for range 512 {
		deep = []any{deep}
	}
	v, err := ValueOf(deep)
	must(t, err)
	a, err := New().Array("a")
	must(t, err)
	must(t, a.Push(v))
	if _, err := ValueOf([]any{deep}); !errors.Is(err, ErrValue) {
		t.Errorf("nested 513 levels deep: %v", err)
	}
}
