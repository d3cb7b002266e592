package blocks

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
)

// TestContentIDs names the content of an update of several clients, with a gap.
func TestContentIDs(t *testing.T) {
	update, err := Merge(V1, testkit.Typed(7, 0, "abc"), testkit.Typed(7, 5, "f"), testkit.Typed(9, 0, "x"), unhex(t, "00 01 07 01 01 02"))
	if err != nil {
		t.Fatal(err)
	}
	want := ContentIDs{Inserts: []Range{{9, 0, 1}, {7, 0, 3}, {7, 5, 6}}, Deletes: []Range{{7, 1, 3}}}
	for _, enc := range []Encoding{V1, V2} {
		converted, err := Convert(V1, enc, update)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ContentIDsOf(enc, converted)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("V%d: %v %s", enc, err, diff)
		}
	}
	decoded, err := DecodeContentIDs(want.Encode())
	if diff := cmp.Diff(want, decoded); diff != "" || err != nil {
		t.Errorf("decoded: %v %s", err, diff)
	}
	m := want.Map([]Attribute{StringAttribute("insert", "ada")}, []Attribute{StringAttribute("delete", "bob"), StringAttribute("insert", "ada")})
	again, err := DecodeContentMap(m.Encode())
	if diff := cmp.Diff(m, again); diff != "" || err != nil {
		t.Errorf("map: %v %s", err, diff)
	}
	if _, err := ContentIDsOf(V1, []byte{1}); !errors.Is(err, ErrMalformed) {
		t.Errorf("no update: %v", err)
	}
}

func TestMalformedContentIDs(t *testing.T) {
	for what, encoded := range map[string]string{
		"cut":                   "\x01\x07\x01\x00",
		"bytes behind the end":  "\x00\x00\x00",
		"clients out of order":  "\x02\x07\x01\x00\x00\x08\x01\x00\x00\x00",
		"a client twice":        "\x02\x07\x01\x00\x00\x07\x01\x01\x00\x00",
		"a clock that is huge":  "\x01\x07\x01\xff\xff\xff\xff\xff\xff\xff\x0f\x05\x00",
		"a length that is huge": "\x01\x07\x01\x05\xff\xff\xff\xff\xff\xff\xff\x0f\x00",
	} {
		if ids, err := DecodeContentIDs([]byte(encoded)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v", what, ids, err)
		}
	}
	for what, encoded := range map[string]string{
		"cut":                  "\x01\x07\x01\x00\x00\x01\x00\x00\x01i",
		"an unknown attribute": "\x01\x07\x01\x00\x00\x01\x01\x00\x01i\x78\x00",
		"an unknown name":      "\x01\x07\x01\x00\x00\x01\x00\x01\x01i\x78\x00",
		"a client twice":       "\x02\x07\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00",
		"no value":             "\x01\x07\x01\x00\x00\x01\x00\x00\x01i\x00\x00",
	} {
		if m, err := DecodeContentMap([]byte(encoded)); !errors.Is(err, ErrMalformed) {
			t.Errorf("map, %s: %v, %v", what, m, err)
		}
	}
}

// FuzzContentMap decodes content maps, and ids, and encodes what it has decoded.
func FuzzContentMap(f *testing.F) {
	ids := ContentIDs{Inserts: []Range{{9, 0, 1}, {7, 5, 6}}, Deletes: []Range{{7, 1, 3}}}
	f.Add(ids.Encode())
	f.Add(ids.Map([]Attribute{StringAttribute("insert", "ada")}, nil).Encode())
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if ids, err := DecodeContentIDs(encoded); err == nil {
			if again, err := DecodeContentIDs(ids.Encode()); err != nil || !cmp.Equal(ids, again) {
				t.Errorf("ids %v, again %v, %v", ids, again, err)
			}
		}
		if m, err := DecodeContentMap(encoded); err == nil {
			if again, err := DecodeContentMap(m.Encode()); err != nil || !cmp.Equal(m, again) {
				t.Errorf("map %v, again %v, %v", m, again, err)
			}
		}
	})
}
