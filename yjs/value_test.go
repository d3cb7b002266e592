package yjs

import (
	"slices"
	"testing"
)

func TestValueAccessors(t *testing.T) {
	values := []Value{
		{},
		NullValue(), BoolValue(true), NumberValue(1), BigIntValue(1), StringValue("x"), BytesValue([]byte("x")),
		ListValue(NullValue()), ObjectValue(), TypeValue(KindMap, ""), SubdocumentValue("x", nil),
	}
	for i, v := range values {
		if v.Kind() != ValueKind(i) {
			t.Errorf("value %d is of kind %d", i, v.Kind())
		}
		var yes []bool
		for _, ok := range []func() bool{
			func() bool { return v.Kind() == ValueKindUndefined },
			func() bool { return v.Kind() == ValueKindNull },
			func() bool { _, ok := v.AsBool(); return ok },
			func() bool { _, ok := v.AsNumber(); return ok },
			func() bool { _, ok := v.AsBigInt(); return ok },
			func() bool { _, ok := v.AsString(); return ok },
			func() bool { _, ok := v.AsBytes(); return ok },
			func() bool { _, ok := v.AsList(); return ok },
			func() bool { _, ok := v.AsObject(); return ok },
			func() bool { return v.TypeKind() == KindMap },
			func() bool { _, _, ok := v.AsSubdocument(); return ok },
		} {
			yes = append(yes, ok())
		}
		if slices.Index(yes, true) != i || slices.Contains(yes[i+1:], true) {
			t.Errorf("value %d is %v", i, yes)
		}
		if _, ok := v.Map(); ok {
			t.Error("a type that is not in a document was returned")
		}
	}
}
