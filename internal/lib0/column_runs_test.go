package lib0

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// columnOf returns wire with a length prefix.
func columnOf(wire []byte) []byte { return AppendBytes(nil, wire) }

// The columns are those that lib0 0.2.120 writes.

func TestRuns(t *testing.T) {
	for _, test := range []struct {
		wire   string
		values []byte
	}{
		{"", nil},
		{"00", []byte{0}},
		{"04", []byte{4, 4, 4}},
		{"04 01 01", []byte{4, 4, 1}},
		{"01 00 02", []byte{1, 2, 2}},
		{"ff 00 00", []byte{255, 0}},
	} {
		var w RunsWriter
		for _, v := range test.values {
			w.Byte(v)
		}
		if got := w.Finish(); !bytes.Equal(got, unhex(t, test.wire)) {
			t.Errorf("%v is written as %x, want %s", test.values, got, test.wire)
		}
		r := NewReader(columnOf(unhex(t, test.wire)))
		c := r.Runs()
		for i, want := range test.values {
			if got := c.Byte(); got != want || r.Err() != nil {
				t.Errorf("%s: value %d is %d, %v; want %d", test.wire, i, got, r.Err(), want)
			}
		}
	}
}

func TestUintRuns(t *testing.T) {
	for wire, values := range map[string][]uint64{
		"":                              nil,
		"00":                            {0},
		"40 00":                         {0, 0},
		"40 01":                         {0, 0, 0},
		"45 01":                         {5, 5, 5},
		"01 02 43 01":                   {1, 2, 3, 3, 3},
		"3f c0 01 00 40 00":             {63, 64, 64, 0, 0},
		"07 00 07":                      {7, 0, 7},
		"ff ff ff ff ff ff ff 1f 00 00": {MaxInt, MaxInt, 0},
		"80 80 80 80 10 80 80 80 80 80 40 bf ff ff ff ff ff ff 1f": {1 << 31, 1 << 40, MaxInt},
	} {
		var w UintRunsWriter
		for _, v := range values {
			w.Uint(v)
		}
		if got := w.Finish(); !bytes.Equal(got, unhex(t, wire)) {
			t.Errorf("%v is written as %x, want %s", values, got, wire)
		}
		r := NewReader(columnOf(unhex(t, wire)))
		c := r.UintRuns()
		checkUints(t, wire, &r, c.Uint, values)
	}
}

func TestDiffRuns(t *testing.T) {
	for wire, values := range map[string][]uint64{
		"":                           nil,
		"00":                         {0},
		"01 00":                      {0, 0},
		"02":                         {1},
		"03 02":                      {1, 2, 3, 4},
		"0a 41 01":                   {5, 4, 3, 2},
		"14 43 00 bc 02":             {10, 8, 6, 100},
		"02 01 00 03 03":             {1, 1, 1, 2, 3, 4, 5, 6},
		"be 01 02 00 c0 02 00":       {63, 64, 64, 0, 0},
		"bf ff ff ff ff ff ff 1f 00": {1<<52 - 1, 1<<53 - 2},
		"00 be ff ff ff ff ff ff 3f fe ff ff ff ff ff ff 3f":             {0, MaxInt, 0},
		"80 80 80 80 80 80 01 c0 80 80 80 80 80 01 80 80 80 80 80 80 01": {1 << 40, 0, 1 << 40},
	} {
		var w DiffRunsWriter
		for _, v := range values {
			w.Uint(v)
		}
		if got := w.Finish(); !bytes.Equal(got, unhex(t, wire)) {
			t.Errorf("%v is written as %x, want %s", values, got, wire)
		}
		r := NewReader(columnOf(unhex(t, wire)))
		c := r.DiffRuns()
		checkUints(t, wire, &r, c.Uint, values)
	}
}

// checkUints reads values, and one more, which must fail.
func checkUints(t *testing.T, wire string, r *Reader, next func() uint64, values []uint64) {
	t.Helper()
	for i, want := range values {
		if got := next(); got != want || r.Err() != nil {
			t.Errorf("%s: value %d is %d, %v; want %d", wire, i, got, r.Err(), want)
		}
	}
	if got := next(); got != 0 || !errors.Is(r.Err(), ErrTruncated) || r.Len() != 0 {
		t.Errorf("%s: read %d after the end, %v", wire, got, r.Err())
	}
}

func TestBadColumns(t *testing.T) {
	runs := func(r *Reader) func() uint64 { c := r.Runs(); return func() uint64 { return uint64(c.Byte()) } }
	uints := func(r *Reader) func() uint64 { c := r.UintRuns(); return c.Uint }
	diffs := func(r *Reader) func() uint64 { c := r.DiffRuns(); return c.Uint }
	for _, test := range []struct {
		wire string
		kind func(*Reader) func() uint64
		want error
	}{
		{"", runs, ErrTruncated},
		{"04 80", runs, ErrTruncated}, // a truncated count
		{"43", uints, ErrTruncated},   // no count
		{"80", uints, ErrTruncated},
		{"80 80 80 80 80 80 80 40", uints, ErrRange},
		{"03", diffs, ErrTruncated},                     // no count
		{"42", diffs, ErrRange},                         // -1
		{"02 44", diffs, ErrRange},                      // 1, -1
		{"bf ff ff ff ff ff ff 7f 00", diffs, ErrRange}, // more than 2^53
		{"be ff ff ff ff ff ff 3f 02", diffs, ErrRange}, // 2^53-1, 2^53
	} {
		r := NewReader(columnOf(unhex(t, test.wire)))
		next := test.kind(&r)
		for range 3 {
			next()
		}
		if next() != 0 && test.want != nil && len(test.wire) > 5 || !errors.Is(r.Err(), test.want) {
			t.Errorf("%q: %v, want %v", test.wire, r.Err(), test.want)
		}
	}
	// A run may end past the range if what is read of it doesn't.
	r := NewReader(columnOf(unhex(t, "bc ff ff ff ff ff ff 3f 03 05")))
	c := r.DiffRuns()
	if first, second := c.Uint(), c.Uint(); first != MaxInt-1 || second != MaxInt || r.Err() != nil {
		t.Errorf("%d, %d, %v", first, second, r.Err())
	}
	if c.Uint() != 0 || !errors.Is(r.Err(), ErrRange) {
		t.Errorf("2^53: %v", r.Err())
	}
	// JavaScript reads an odd integer above 2^53 as an even one.
	r = NewReader(columnOf(unhex(t, "81 80 80 80 80 80 80 20 00")))
	if c := r.DiffRuns(); c.Uint() != 0 || !errors.Is(r.Err(), ErrRange) {
		t.Errorf("2^53+1: %v", r.Err())
	}
	r = NewReader([]byte{5, 1})
	if c := r.UintRuns(); !errors.Is(r.Err(), ErrTruncated) || c.Uint() != 0 {
		t.Errorf("a column longer than the input: %v", r.Err())
	}
}

// TestClaims reads a column that claims more values than fit into memory.
func TestClaims(t *testing.T) {
	r := NewReader(columnOf(unhex(t, "45 ff ff ff ff ff ff ff 0f")))
	c := r.UintRuns()
	for range 1000 {
		if c.Uint() != 5 || r.Err() != nil {
			t.Fatal(r.Err())
		}
	}
}

func TestWritersUseTheirBuffers(t *testing.T) {
	room := make([]byte, 0, 8)
	a, b, c := NewRunsWriter(room), NewUintRunsWriter(room), NewDiffRunsWriter(room)
	a.Byte(1)
	b.Uint(1)
	c.Uint(1)
	for _, out := range [][]byte{a.Finish(), b.Finish(), c.Finish()} {
		if &out[0] != &room[:1][0] {
			t.Error("the writer doesn't use its buffer")
		}
	}
}

func FuzzColumns(f *testing.F) {
	for _, wire := range []string{"01 02 43 01", "be 01 02 00 c0 02 00", "04 01 01", "0a 61 f0 9f 98 80 62 f0 9f 98 80 04 02", "43 ff ff ff 0f"} {
		f.Add(unhex(f, wire))
	}
	const most = 300
	f.Fuzz(func(t *testing.T, wire []byte) {
		// read returns the values of a column, and a column that is written from them,
		// which must hold the same values.
		read := func(wire []byte, kind string) (values []uint64, again []byte) {
			r := NewReader(columnOf(wire))
			var next, write func() // write writes the value that next has read
			var v uint64
			var finish func() []byte
			switch kind {
			case "bytes":
				c, w := r.Runs(), RunsWriter{}
				next, write = func() { v = uint64(c.Byte()) }, func() { w.Byte(byte(v)) }
				finish = w.Finish
			case "uints":
				c, w := r.UintRuns(), UintRunsWriter{}
				next, write = func() { v = c.Uint() }, func() { w.Uint(v) }
				finish = w.Finish
			default:
				c, w := r.DiffRuns(), DiffRunsWriter{}
				next, write = func() { v = c.Uint() }, func() { w.Uint(v) }
				finish = w.Finish
			}
			for len(values) < most {
				if next(); r.Err() != nil {
					break
				}
				write()
				values = append(values, v)
			}
			return values, finish()
		}
		for _, kind := range []string{"bytes", "uints", "diffs"} {
			values, again := read(wire, kind)
			got, _ := read(again, kind)
			if len(got) > len(values) {
				got = got[:len(values)] // the last byte repeats without end
			}
			if !slices.Equal(got, values) {
				t.Fatalf("%s %x: %v, written as %x: %v", kind, wire, values, again, got)
			}
		}
		r := NewReader(columnOf(wire))
		s := r.Strings()
		size := 0
		var w StringsWriter
		var strings [][]byte
		for n := range most {
			b := s.AppendNext(nil)
			if r.Err() != nil {
				break
			}
			each := NewReader(b)
			text := each.Text()
			if each.Err() != nil || each.Len() > 0 {
				t.Fatalf("%x: string %d is %x", wire, n, b)
			}
			size += len(text)
			strings = append(strings, text)
			w.String(text, units(text))
		}
		if size > 3*len(wire) {
			t.Fatalf("%x: %d bytes of strings", wire, size)
		}
		text, lengths := w.Finish()
		again := NewReader(columnOf(append(AppendBytes(nil, text), lengths...)))
		s = again.Strings()
		for i, want := range strings {
			if got := s.AppendNext(nil); !bytes.Equal(got, AppendBytes(nil, want)) {
				t.Fatalf("%x: string %d is %q, and then %q", wire, i, want, got)
			}
		}
	})
}
