package blocks

import (
	"bytes"
	"errors"
	"testing"
)

func TestConvert(t *testing.T) {
	v1 := unhex(t, typedX)
	v2 := toV2(v1)
	if got, err := Convert(V1, V1, v1); err != nil || &got[0] != &v1[0] {
		t.Errorf("from V1 to V1: %x, %v", got, err)
	}
	if got, err := Convert(V2, V2, v2); err != nil || !bytes.Equal(got, v2) {
		t.Errorf("from V2 to V2: %x, %v; want %x", got, err, v2)
	}
	for _, bad := range []struct {
		from, to Encoding
		update   []byte
		want     error
	}{
		{V1, V1, v1[1:], ErrMalformed},
		{V2, V2, v2[1:], ErrMalformed},
		{V1, V2, v2, ErrMalformed},
		{V2, V1, v1, ErrMalformed},
		{0, V1, v1, ErrEncoding},
		{V1, 0, v1, ErrEncoding},
		{3, V1, v1, ErrEncoding},
		{V2, V1, bombs()["types"], ErrLimit},
	} {
		if got, err := Convert(bad.from, bad.to, bad.update); got != nil || !errors.Is(err, bad.want) {
			t.Errorf("from %d to %d: %x, %v; want %v", bad.from, bad.to, got, err, bad.want)
		}
	}
	// V2 can't encode spans out of order.
	untidy := unhex(t, "00 02 01 01 05 01 02 02 03 02 00 01")
	got, err := Convert(V1, V2, untidy)
	if want := toV2(unhex(t, "00 02 02 02 00 01 03 02 01 01 05 01")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("deletions out of order: %x, %v; want %x", got, err, want)
	}
}

func TestStateVectorOf(t *testing.T) {
	for _, test := range []struct{ update, want string }{
		{"00 00", "00"},
		{typedAB, "01 01 02"},
		{typedC, "00"}, // it begins at 2
		{typedX, "01 02 01"},
		{"02 01 02 00 c4 01 00 01 01 01 58 03 01 00 04 01 01 74 02 61 62 0a 02 84 01 03 01 62 00", "02 02 01 01 02"},
		{"01 02 01 00 0a 02 84 01 01 01 62 00", "00"}, // begins with a gap
		{"00 01 01 01 00 05", "00"},
		{"02 01 01 00 00 02 01 02 00 00 03 00", "02 01 02 02 03"}, // in the order of the update
	} {
		for _, enc := range []Encoding{V1, V2} {
			u := fromV1(unhex(t, test.update), enc)
			if got, err := StateVectorOf(enc, u); err != nil || !bytes.Equal(got, unhex(t, test.want)) {
				t.Errorf("in V%d of %s: %x, %v; want %s", enc, test.update, got, err, test.want)
			}
		}
	}
	for enc, want := range map[Encoding]error{0: ErrEncoding, V1: ErrMalformed, V2: ErrMalformed} {
		if _, err := StateVectorOf(enc, []byte{1}); !errors.Is(err, want) {
			t.Errorf("in encoding %d: %v", enc, err)
		}
	}
}

func TestMade(t *testing.T) {
	for _, test := range []struct {
		vector, update string
		want           bool
	}{
		{"00", typedAB, false},
		{"01 01 01", typedAB, false},
		{"01 01 02", typedAB, true},
		{"01 01 02", typedC, false}, // it begins at 2
		{"01 01 03", typedC, true},
		{"01 02 05", typedC, false},
		{"01 01 03", "00 01 01 01 00 02", false}, // it only deletes
		{"01 01 03", "00 00", false},
		{"02 01 01 02 02", "02 01 01 00 00 02 01 02 00 00 03 00", false},
		{"02 02 03 01 02", "02 01 01 00 00 02 01 02 00 00 03 00", true},
		{"01", typedAB, false}, // malformed
	} {
		for _, enc := range []Encoding{V1, V2} {
			got, err := Made(unhex(t, test.vector), fromV1(unhex(t, test.update), enc), enc)
			if err != nil || got != test.want {
				t.Errorf("Made(%s, %s) in V%d = %v, %v; want %v", test.vector, test.update, enc, got, err, test.want)
			}
		}
	}
	if _, err := Made([]byte{0}, []byte{1}, V1); !errors.Is(err, ErrMalformed) {
		t.Errorf("of a malformed update: %v", err)
	}
}

func TestDiffUpdate(t *testing.T) {
	smile := "01 02 01 00 04 01 01 74 06 61 f0 9f 98 80 62 84 01 03 01 63 00"
	for _, test := range []struct{ update, has, want string }{
		{typedAB, "00", typedAB},
		{typedAB, "01 01 01", "01 01 01 01 84 01 00 01 62 00"},
		{typedAB, "01 01 02", "00 00"},
		{typedAB, "02 01 63 05 63", "00 00"},
		{typedX, "01 01 02", typedX},
		{smile, "01 01 02", "01 02 01 02 84 01 01 04 ef bf bd 62 84 01 03 01 63 00"},
		{smile, "01 01 04", "01 01 01 04 84 01 03 01 63 00"},
		{"00 01 01 01 00 05", "01 01 09", "00 01 01 01 00 05"},
		{"01 03 01 00 04 01 01 74 02 61 62 0a 02 84 01 03 01 62 00", "01 01 01", "01 03 01 01 84 01 00 01 62 0a 02 84 01 03 01 62 00"},
		{"01 03 01 00 04 01 01 74 02 61 62 0a 02 84 01 03 01 62 00", "01 01 02", "01 01 01 04 84 01 03 01 62 00"},
		{"01 03 01 00 04 01 01 74 02 61 62 0a 02 84 01 03 01 62 00", "01 01 03", "01 01 01 04 84 01 03 01 62 00"},
		{"02 01 02 00 c4 01 00 01 01 01 58 01 01 00 04 01 01 74 02 61 62 00", "01 02 01", typedAB},
		{"01 01 01 00 28 01 01 6d 01 6b 02 7d 01 7d 02 00", "01 01 01", "01 01 01 01 a8 01 00 01 7d 02 00"},
	} {
		for _, enc := range []Encoding{V1, V2} {
			got, err := DiffUpdate(enc, fromV1(unhex(t, test.update), enc), unhex(t, test.has))
			if want := fromV1(unhex(t, test.want), enc); err != nil || !bytes.Equal(got, want) {
				t.Errorf("in V%d, %s against %s: %x, %v; want %x", enc, test.update, test.has, got, err, want)
			}
		}
	}
	for enc, want := range map[Encoding]error{0: ErrEncoding, V1: ErrMalformed, V2: ErrMalformed} {
		if _, err := DiffUpdate(enc, []byte{1}, []byte{0}); !errors.Is(err, want) {
			t.Errorf("in encoding %d: %v", enc, err)
		}
	}
	u := unhex(t, typedAB)
	for _, bad := range []string{"", "01", "00 00"} {
		if _, err := DiffUpdate(V1, u, unhex(t, bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("against %q: %v", bad, err)
		}
	}
}

func TestMergeInV2(t *testing.T) {
	one, two := unhex(t, typedAB), unhex(t, typedX)
	want, err := Merge(V1, one, two)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Merge(V2, toV2(one), toV2(two))
	if err != nil || !bytes.Equal(got, toV2(want)) {
		t.Errorf("%x, %v; want %x", got, err, toV2(want))
	}
	if _, err := Merge(V2, toV2(one), two); !errors.Is(err, ErrMalformed) {
		t.Errorf("V1 among V2: %v", err)
	}
}
