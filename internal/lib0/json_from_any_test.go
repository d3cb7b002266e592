package lib0

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
)

// same holds values that have one encoding only: "any" values that lib0 writes, and
// what JSON.stringify prints for them.
var same = map[string]string{
	"7e":                         "null",
	"78":                         "true",
	"79":                         "false",
	"7d 00":                      "0",
	"7d 01":                      "1",
	"7d 41":                      "-1",
	"7d 3f":                      "63",
	"7d 80 01":                   "64",
	"7d c0 01":                   "-64",
	"7d bf ff ff ff 0f":          "2147483647",
	"7d ff ff ff ff 0f":          "-2147483647",
	"7c cf 00 00 00":             "-2147483648",
	"7c 4f 00 00 00":             "2147483648",
	"7c 3f 00 00 00":             "0.5",
	"7c 5a 00 00 00":             "9007199254740992",
	"7b 3f b9 99 99 99 99 99 9a": "0.1",
	"7b fe 41 eb 2d 66 00 58 35": "-1.5e+300",
	"7b 44 4b 1a e4 d6 e2 ef 50": "1e+21",
	"7b 44 15 af 1d 78 b5 8c 40": "100000000000000000000",
	"7b 3e 7a d7 f2 9a bc af 48": "1e-7",
	"7b 3e b0 c6 f7 a0 b5 ed 8d": "0.000001",
	"7b 3d e4 9d a7 e3 61 ce 4c": "1.5e-10",
	"7b 42 3c be 99 1a 14 00 00": "123456789012",
	"7b 00 00 00 00 00 00 00 01": "5e-324",
	"7b 7f ef ff ff ff ff ff ff": "1.7976931348623157e+308",
	"77 00":                      `""`,
	"77 14 22 5c 2f 08 0c 0a 0d 09 01 1f 7f e2 80 a8 c3 a9 f0 9f 98 80": `"\"\\/\b\f\n\r\t\u0001\u001f` + "\x7f\u2028é😀\"",
	"77 03 5b 2c 7b":                      `"[,{"`,
	"75 00":                               "[]",
	"76 00":                               "{}",
	"75 03 7d 01 75 02 7d 02 75 00 76 00": "[1,[2,[]],{}]",
	"76 03 01 61 7d 01 00 75 01 7e 01 62 76 01 01 63 77 01 64":          `{"a":1,"":[null],"b":{"c":"d"}}`,
	"75 03 75 00 75 01 75 00 76 01 01 61 76 01 01 62 75 02 7d 01 7d 02": `[[],[[]],{"a":{"b":[1,2]}}]`,
	"76 01 01 61 77 01 7d": `{"a":"}"}`,
}

func TestAppendJSON(t *testing.T) {
	tests := map[string]string{
		"7d 40":                      "0", // -0
		"7b 80 00 00 00 00 00 00 00": "0", // -0 as a float
		"7b 7f f8 00 00 00 00 00 00": "null",
		"7c 7f 80 00 00":             "null",
		"7c ff 80 00 00":             "null",
		"7d bf ff ff ff ff ff ff 1f": "9007199254740991",
		"74 02 00 ff":                `{"0":0,"1":255}`,
		"74 00":                      "{}",
		"75 02 7f 7d 01":             "[null,1]",
		"76 02 01 61 7f 01 62 7d 01": `{"b":1}`,
		"76 02 01 61 7d 01 01 62 7f": `{"a":1}`,
		"76 01 01 61 7f":             "{}",
		"76 02 09 5f 5f 70 72 6f 74 6f 5f 5f 76 01 01 62 7e 01 61 7e": `{"a":null}`,
		"75 01 7b 3f b9 99 99 99 99 99 9a":                            "[0.1]",
		"7c 3d cc cc cd":                                              "0.10000000149011612",
	}
	maps.Copy(tests, same)
	for wire, want := range tests {
		r := NewReader(unhex(t, wire+"7e"))
		got := r.AppendJSON([]byte("x"))
		if !bytes.Equal(got, AppendString([]byte("x"), want)) || r.Err() != nil || r.Len() != 1 {
			t.Errorf("%s: %q, %v; want %q", wire, got, r.Err(), want)
		}
	}
	long := strings.Repeat("long ", 1000)
	r := NewReader(AppendString([]byte{AnyString}, long))
	if got := r.AppendJSON(nil); !bytes.Equal(got, AppendString(nil, `"`+long+`"`)) {
		t.Errorf("a long string is %.20q", got)
	}
}

func TestAppendJSONRefuses(t *testing.T) {
	for wire, want := range map[string]error{
		"":                                 ErrTruncated,
		"73":                               ErrAny,
		"7f":                               ErrNoJSON,
		"7a 00 00 00 00 00 00 00 01":       ErrNoJSON,
		"75 01 7a 00 00 00 00 00 00 00 01": ErrNoJSON,
		"76 02 01 61 7d 01 01 61 7f":       ErrNoJSON, // two members a, of which the second is undefined
		"76 02 01 61 7f 01 61 7d 01":       ErrNoJSON,
		"7c 00":                            ErrTruncated,
		"7b 00":                            ErrTruncated,
		"77 01 ff":                         ErrUTF8,
		"74 02 00":                         ErrTruncated,
		"75 ff ff ff ff 0f 7e":             ErrTruncated,
		"76 01 01 61":                      ErrTruncated,
	} {
		r := NewReader(unhex(t, wire))
		if got := r.AppendJSON(nil); !errors.Is(r.Err(), want) {
			t.Errorf("%q: %q, %v; want %v", wire, got, r.Err(), want)
		}
	}
	for depth, want := range map[int]error{MaxDepth: nil, MaxDepth + 1: ErrDepth, 5_000_000: ErrDepth} {
		r := NewReader(append(bytes.Repeat([]byte{AnyArray, 1}, depth), AnyNull))
		if r.AppendJSON(nil); !errors.Is(r.Err(), want) {
			t.Errorf("%d arrays: %v", depth, r.Err())
		}
	}
}

func TestAppendAnyJSON(t *testing.T) {
	tests := map[string]string{
		"1e999":               "7c 7f 80 00 00",
		"-1e999":              "7c ff 80 00 00",
		"-0":                  "7d 40",
		"-0.0":                "7d 40",
		"1E2":                 "7d a4 01",
		"1.0":                 "7d 01",
		"0.30000000000000004": "7b 3f d3 33 33 33 33 33 34",
		`"\ud83d\ude00"`:      "77 04 f0 9f 98 80",
		`"\uD83D\uDE00"`:      "77 04 f0 9f 98 80",
		`"\ud83d"`:            "77 03 ef bf bd",
		`"\ude00x"`:           "77 04 ef bf bd 78",
		`"\ud83d\u0041"`:      "77 04 ef bf bd 41",
		`"\ud83d\n"`:          "77 04 ef bf bd 0a",
		`"\u00e9\/\b"`:        "77 04 c3 a9 2f 08",
		"\t[ 1 ,\n{ \"a\" : [ ] , \"b\" : { } } ]\r ": "75 02 7d 01 76 02 01 61 75 00 01 62 76 00",
		`{"__proto__":1,"a":2}`:                       "76 02 09 5f 5f 70 72 6f 74 6f 5f 5f 7d 01 01 61 7d 02",
	}
	for wire, text := range same {
		tests[text] = wire
	}
	for text, want := range tests {
		if got := AppendAnyJSON([]byte("x"), []byte(text)); !bytes.Equal(got, append([]byte("x"), unhex(t, want)...)) {
			t.Errorf("%s: %x, want %s", text, got[1:], want)
		}
	}
	many := strings.Repeat(`[{"a":"`+strings.Repeat("b", 200)+`"},1],`, 200)
	r := NewReader(AppendAnyJSON(nil, []byte("["+many+"2]")))
	if got := r.AppendJSON(nil); !bytes.Equal(got, AppendString(nil, "["+many+"2]")) || r.Err() != nil {
		t.Errorf("a long array is %.30q, %v", got, r.Err())
	}
}

// TestJSONAndBack checks that JSON that CheckJSON accepts becomes an "any" value that
// Any accepts, at any depth.
func TestJSONAndBack(t *testing.T) {
	deep := []byte(strings.Repeat(`{"a":`, MaxDepth-1) + "[1]" + strings.Repeat("}", MaxDepth-1))
	if err := CheckJSON(deep); err != nil {
		t.Fatal(err)
	}
	r := NewReader(AppendAnyJSON(nil, deep))
	if got := r.AppendJSON(nil); !bytes.Equal(got, AppendBytes(nil, deep)) || r.Err() != nil {
		t.Errorf("%.30q, %v", got, r.Err())
	}
}

func FuzzAnyToJSON(f *testing.F) {
	for wire := range same {
		f.Add(unhex(f, wire))
	}
	f.Add(unhex(f, "76 02 01 61 7d 01 01 61 7f"))
	f.Add(unhex(f, "74 02 00 ff"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, like := NewReader(wire), NewReader(wire)
		got := r.AppendJSON(nil)
		if like.Any(); r.Err() != nil {
			return
		}
		if like.Err() != nil || like.Offset() != r.Offset() {
			t.Fatalf("%x: read to %d; Any reads to %d, %v", wire, r.Offset(), like.Offset(), like.Err())
		}
		if len(got) > 40*len(wire)+10 {
			t.Fatalf("%x: %d bytes", wire, len(got))
		}
		str := NewReader(got)
		text := str.JSON()
		if errors.Is(str.Err(), ErrDepth) {
			return // a Uint8Array is one level in "any" and two in JSON
		}
		if str.Err() != nil || str.Len() > 0 {
			t.Fatalf("%x: %q, %v", wire, got, str.Err())
		}
		back := NewReader(AppendAnyJSON(nil, text))
		if again := back.AppendJSON(nil); !bytes.Equal(again, got) || back.Err() != nil || back.Len() > 0 {
			t.Fatalf("%x: %q, and then %q, %v", wire, got, again, back.Err())
		}
	})
}

func FuzzJSONToAny(f *testing.F) {
	for _, text := range same {
		f.Add([]byte(text))
	}
	f.Add([]byte(` { "a" : [ "\ud83d\ude00\ud83d" , -0 ] } `))
	f.Fuzz(func(t *testing.T, text []byte) {
		in := NewReader(AppendBytes(nil, text))
		if in.JSON(); in.Err() != nil {
			return
		}
		value := AppendAnyJSON(nil, text)
		r := NewReader(value)
		if got := r.Any(); r.Err() != nil || r.Len() > 0 {
			t.Fatalf("%q: %x, read as %x, %v", text, value, got, r.Err())
		}
		if len(value) > 9*len(text)+10 {
			t.Fatalf("%q: %d bytes", text, len(value))
		}
	})
}
