package yjs

import (
	"math"
	"testing"
)

func TestValueJSON(t *testing.T) {
	for _, test := range []struct {
		value Value
		want  string
	}{
		{Value{}, "null"},
		{NumberValue(math.NaN()), "null"},
		{NumberValue(math.Copysign(0, -1)), "0"},
		{NumberValue(1e21), "1e+21"},
		{NumberValue(1e-7), "1e-7"},
		{NumberValue(123456789012345680000), "123456789012345680000"},
		{NumberValue(0.1), "0.1"},
		{BigIntValue(math.MinInt64), "-9223372036854775808"},
		{StringValue("a\"\\\n\x01\u2028é\xff"), `"a\"\\\n\u0001` + "\u2028é\ufffd\""},
		{ObjectValue(Member{"b", NumberValue(1)}, Member{"2", Value{}}, Member{"1", BoolValue(false)}, Member{"b", StringValue("x")}), `{"1":false,"b":"x"}`},
		{SubdocumentValue("g", nil), "{}"},
		{TypeValue(KindArray, ""), "[]"},
		{TypeValue(KindXMLElement, "P"), `"<p></p>"`},
	} {
		if got := test.value.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
