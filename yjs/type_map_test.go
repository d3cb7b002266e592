package yjs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMap(t *testing.T) {
	d := New()
	m, err := d.Map("m")
	must(t, err)
	for _, key := range []string{"b", "", "10", "a", "9", "01", "-1", "4294967295"} {
		must(t, m.Set(key, StringValue(key)))
	}
	must(t, m.Set("b", NumberValue(2)))
	must(t, m.Delete("a"))
	must(t, m.Delete("missing"))
	must(t, m.Set("__proto__", NumberValue(1)))
	must(t, m.Set("undefined", Value{}))
	inner, err := m.SetMap("map")
	must(t, err)
	must(t, inner.Set("x", ListValue(NullValue(), Value{})))
	_, err = m.SetText("text")
	must(t, err)
	_, err = m.SetArray("array")
	must(t, err)
	want := `{"9":"9","10":"10","b":2,"":"","01":"01","-1":"-1","4294967295":"4294967295","map":{"x":[null,null]},"text":"","array":[]}`
	if got := marshaled(t, m); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var keys []string
	for key := range m.All() {
		keys = append(keys, key)
	}
	if diff := cmp.Diff([]string{"b", "", "10", "9", "01", "-1", "4294967295", "__proto__", "undefined", "map", "text", "array"}, keys); diff != "" || m.Len() != len(keys) {
		t.Errorf("keys, %d of them: %s", m.Len(), diff)
	}
	if v, ok := m.Get("b"); !ok || v.String() != "2" {
		t.Errorf("b is %v, %v", v, ok)
	}
	if v, ok := m.Get("a"); ok {
		t.Errorf("a is %v", v)
	}
}
