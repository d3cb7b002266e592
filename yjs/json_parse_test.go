package yjs

import (
	"errors"
	"strings"
	"testing"
)

func TestParseJSON(t *testing.T) {
	for in, want := range map[string]string{
		` [1.50, 1e3, -0, 1e999, true , null, {}, [ ] ] `:      `[1.5,1000,0,null,true,null,{},[]]`,
		`{"a":1, "2" : 2,"a": {"__proto__": 3}}`:               `{"2":2,"a":{"__proto__":3}}`,
		`"\ud83d\ude00 \ud83d \ude00x \u00e9\/\b\f\n\r\t\"\\"`: "\"😀 \\ud83d \\ude00x é/\\b\\f\\n\\r\\t\\\"\\\\\"",
		`"plain"`: `"plain"`,
	} {
		v, err := ParseJSON([]byte(in))
		if got := v.String(); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "{", "undefined", "1 2", "[1,]", strings.Repeat("[", 513) + strings.Repeat("]", 513)} {
		if _, err := ParseJSON([]byte(bad)); !errors.Is(err, ErrValue) {
			t.Errorf("%.20s: %v", bad, err)
		}
	}
	v, _ := ParseJSON([]byte(`"\ud800x"`))
	if s, ok := v.AsString(); !ok || s != "\ufffdx" {
		t.Errorf("an unpaired surrogate is %q", s)
	}
}
