package lib0

import (
	"errors"
	"strings"
	"testing"
)

func TestLossyJSONIsRefused(t *testing.T) {
	for text, lossy := range map[string]bool{
		`-0`:                        true,
		`[1,-0.0]`:                  true,
		`{"a":-0e5}`:                true,
		`-1e-400`:                   true,
		`1e400`:                     true,
		`[-1E400]`:                  true,
		strings.Repeat("9", 400):    true,
		`"\ud800"`:                  true,
		`"a\\\udc00"`:               true,
		`"\ud83d\u0061"`:            true,
		`"\ude00\ud83d"`:            true,
		`{"\ud83d":1}`:              true,
		`{"__proto__":1}`:           true,
		`[{"a":{"__proto__" : 1}}]`: true,
		`{"\u005f_proto__":1}`:      true,

		`0`:                           false,
		`-1`:                          false,
		`[-0.5,1e-400,1e308,-1e-7]`:   false,
		strings.Repeat("9", 300):      false,
		`"-0"`:                        false,
		`"1e400"`:                     false,
		`"\ud83d\ude00"`:              false,
		`"\\ud800"`:                   false,
		`"\\\\ud800"`:                 false,
		`"__proto__"`:                 false,
		`["__proto__",{"proto":1}]`:   false,
		`{"a":"__proto__"}`:           false,
		` { "a" : [ true , null ] } `: false,
	} {
		r := NewReader(AppendString(nil, text))
		r.RefuseLossyJSON()
		if r.JSON(); lossy && !errors.Is(r.Err(), ErrLossyJSON) || !lossy && r.Err() != nil {
			t.Errorf("%s: %v", text, r.Err())
		}
	}
}
