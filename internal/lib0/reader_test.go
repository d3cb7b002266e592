package lib0

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatalf("%q: %v", s, err)
	}
	return b
}

func TestUint(t *testing.T) {
	tests := []struct {
		wire string
		want uint64
		err  error
	}{
		{"00", 0, nil},
		{"7f", 127, nil},
		{"80 01", 128, nil},
		{"80 00", 0, nil}, // longer than necessary; lib0 reads it
		{"ff ff ff ff ff ff ff 0f", MaxInt, nil},
		{"80 80 80 80 80 80 80 10", 0, ErrRange},
		{"80 80 80 80 80 80 80 80 00", 0, ErrRange},
		{"", 0, ErrTruncated},
		{"ff", 0, ErrTruncated},
	}
	for _, test := range tests {
		r := NewReader(unhex(t, test.wire))
		got := r.Uint()
		if got != test.want || !errors.Is(r.Err(), test.err) {
			t.Errorf("%q: %d, %v; want %d, %v", test.wire, got, r.Err(), test.want, test.err)
		}
		if test.err == nil && r.Len() != 0 {
			t.Errorf("%q: %d bytes left", test.wire, r.Len())
		}
	}
}

func TestAppendUint(t *testing.T) {
	for v := uint64(1); v <= MaxInt; v = v*3 + 1 {
		wire := AppendUint(nil, v)
		r := NewReader(wire)
		if got := r.Uint(); got != v || r.Len() != 0 || UintLen(v) != len(wire) {
			t.Errorf("%d: %x reads as %d; UintLen says %d", v, wire, got, UintLen(v))
		}
	}
}

// An integer is read alike whether or not enough bytes follow it to read them at once.
func TestInt(t *testing.T) {
	for v := uint64(0); v <= MaxInt; v = v*3/2 + 1 {
		for _, negative := range []bool{false, true} {
			wire := AppendInt(nil, v, negative)
			longer := append([]byte{}, wire...)
			longer[len(wire)-1] |= 0x80
			longer = append(longer, 0) // longer than necessary; lib0 reads it
			for _, wire := range [][]byte{wire, longer} {
				for _, behind := range []int{0, 8} {
					r := NewReader(append(slices.Clip(wire), bytes.Repeat([]byte{0xff}, behind)...))
					got, minus := r.Int()
					if len(wire) > 8 { // lib0 doesn't read as many
						continue
					}
					if got != v || minus != negative || r.Err() != nil || r.Len() != behind {
						t.Errorf("%x and %d bytes: %d, %t, %v, %d bytes left; want %d, %t", wire, behind, got, minus, r.Err(), r.Len(), v, negative)
					}
				}
			}
		}
	}
}

func TestBytes(t *testing.T) {
	wire := AppendString(AppendBytes([]byte{9}, []byte("ab")), "cd")
	r := NewReader(wire)
	if b := r.Byte(); b != 9 {
		t.Errorf("byte %d", b)
	}
	off := r.Offset()
	a, b := r.Bytes(), r.Text()
	if string(a) != "ab" || string(b) != "cd" || r.Err() != nil || r.Len() != 0 {
		t.Errorf("%q, %q, %v", a, b, r.Err())
	}
	if !bytes.Equal(r.Since(off), wire[1:]) {
		t.Errorf("since %d: %x", off, r.Since(off))
	}
	if &a[0] != &wire[2] {
		t.Error("bytes are copied")
	}
	if _ = append(a, 'x'); wire[4] == 'x' {
		t.Error("appending to what was read writes into the input")
	}
	for _, wire := range []string{"05 61", "ff ff ff ff ff ff ff 0f 61", "02 c3 28"} {
		r := NewReader(unhex(t, wire))
		if got := r.Text(); got != nil || r.Err() == nil {
			t.Errorf("%s reads as %q", wire, got)
		}
		if r.Len() != 0 || r.Byte() != 0 || r.Uint() != 0 || len(r.Bytes()) != 0 {
			t.Errorf("%s: something was read after an error", wire)
		}
	}
}

func TestAny(t *testing.T) {
	good := []string{
		"7f", "7e", "79", "78",
		"7d 01", "7d 40", "7d ff ff ff ff ff ff ff 1f",
		"7c 00 00 00 00", "7b 00 00 00 00 00 00 00 00", "7a 00 00 00 00 00 00 00 00",
		"77 00", "77 02 c3 a4", "74 01 ff",
		"75 02 7f 75 00", "76 02 01 61 7f 00 76 00",
	}
	for _, wire := range good {
		r := NewReader(unhex(t, wire+"aa"))
		if got := r.Any(); r.Err() != nil || !bytes.Equal(got, unhex(t, wire)) {
			t.Errorf("%s: read %x, %v", wire, got, r.Err())
		}
	}
	bad := map[string]error{
		"":                             ErrTruncated,
		"73":                           ErrAny,
		"80":                           ErrAny,
		"7c 00":                        ErrTruncated,
		"7a 00":                        ErrTruncated,
		"7d":                           ErrTruncated,
		"7d ff ff ff ff ff ff ff 3f":   ErrRange,
		"7d ff ff ff ff ff ff ff ff01": ErrRange,
		"77 01 ff":                     ErrUTF8,
		"74 05 00":                     ErrTruncated,
		"75 ff ff ff ff ff ff ff 0f":   ErrTruncated,
		"76 01 01 ff 7f":               ErrUTF8,
		"75 02 7f":                     ErrTruncated,
	}
	for wire, want := range bad {
		r := NewReader(unhex(t, wire))
		if r.Any(); !errors.Is(r.Err(), want) {
			t.Errorf("%q: %v, want %v", wire, r.Err(), want)
		}
	}
}

func TestAnyObject(t *testing.T) {
	for wire, want := range map[string]string{
		"7f":                           "",
		"75 01 76 01 01 61 7f":         "",
		"76 00":                        "",
		"76 02 01 61 7e 02 62 62 7701": "ErrTruncated a=7e ",
		"76 02 01 61 7e 02 62 62 7700": "a=7e bb=7700 ",
		"":                             "ErrTruncated ",
	} {
		in := unhex(t, wire)
		r := NewReader(in)
		var got string
		value := r.AnyObject(func(key, value []byte) { got += string(key) + "=" + hex.EncodeToString(value) + " " })
		if errors.Is(r.Err(), ErrTruncated) {
			got = "ErrTruncated " + got
		} else if !bytes.Equal(value, in) {
			t.Errorf("%s: read %x", wire, value)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", wire, got, want)
		}
	}
	for wire, want := range map[string][2]bool{
		"7f": {true, false}, "7e": {true, false}, "79": {false, false}, "7700": {false, true}, "": {false, false},
	} {
		if b := unhex(t, wire); IsNullish(b) != want[0] || IsString(b) != want[1] {
			t.Errorf("%q: %v, %v", wire, IsNullish(b), IsString(b))
		}
	}
}

func TestDepth(t *testing.T) {
	for depth, want := range map[int]error{MaxDepth: nil, MaxDepth + 1: ErrDepth, 5_000_000: ErrDepth} {
		r := NewReader(append(bytes.Repeat([]byte{AnyArray, 1}, depth), AnyNull))
		if r.Any(); !errors.Is(r.Err(), want) {
			t.Errorf("%d arrays: %v", depth, r.Err())
		}
	}
	for depth, want := range map[int]error{MaxDepth: nil, MaxDepth + 1: ErrDepth} {
		in := strings.Repeat("[", depth) + `"[[[\"["` + strings.Repeat("]", depth)
		if err := CheckJSON([]byte(in)); !errors.Is(err, want) {
			t.Errorf("%d arrays in JSON: %v", depth, err)
		}
	}
}

func TestJSON(t *testing.T) {
	for in, want := range map[string]error{
		`{"a":[1,null,"\ud800"]}`: nil,
		`1`:                       nil,
		"\t\"x\" ":                nil,
		``:                        ErrJSON,
		`{`:                       ErrJSON,
		`undefined`:               ErrJSON,
		`"\`:                      ErrJSON,
		`]`:                       ErrJSON,
		`[1,]`:                    ErrJSON,
	} {
		r := NewReader(AppendString(nil, in))
		if got := r.JSON(); !errors.Is(r.Err(), want) || want == nil && string(got) != in {
			t.Errorf("%s: %q, %v", in, got, r.Err())
		}
	}
	r := NewReader([]byte{1})
	if r.JSON(); !errors.Is(r.Err(), ErrTruncated) {
		t.Errorf("truncated: %v", r.Err())
	}
}

func FuzzReader(f *testing.F) {
	f.Add(unhex(f, "76 02 01 61 7f 00 75 01 7d 05"))
	f.Add(unhex(f, "05 5b 31 2c 32 5d"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, read := range []func(*Reader){
			func(r *Reader) { r.Any() }, func(r *Reader) { r.JSON() }, func(r *Reader) { r.Int() }, func(r *Reader) { r.Uint() },
		} {
			r := NewReader(in)
			read(&r)
			if r.Offset() > len(in) || r.Err() == nil && r.Offset() == 0 || r.Err() != nil && r.Len() != 0 {
				t.Fatalf("%x: offset %d, %d left, %v", in, r.Offset(), r.Len(), r.Err())
			}
		}
	})
}
