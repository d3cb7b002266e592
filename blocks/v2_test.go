package blocks

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
)

// bothForms holds updates as convertUpdateFormatV1ToV2 of yjs 13.6.33 converts them,
// and back.
var bothForms = map[string]struct{ v1, v2 string }{
	"nothing":      {"00 00", "00 00 00 00 00 00 01 00 00 00 00 00 00"},
	"deleted":      {"01 01 01 00 01 01 01 74 02 00", "00 00 01 01 00 00 01 01 03 01 74 01 01 01 00 01 02 01 01 00 00"},
	"json":         {"01 01 01 00 02 01 01 74 02 02 7b 7d 09 75 6e 64 65 66 69 6e 65 64 00", "00 00 01 01 00 00 01 02 10 0c 74 7b 7d 75 6e 64 65 66 69 6e 65 64 01 02 09 01 01 00 01 02 01 01 00 00"},
	"binary":       {"01 01 01 00 03 01 01 74 02 ff 00 00", "00 00 01 01 00 00 01 03 03 01 74 01 01 01 00 00 01 01 00 02 ff 00 00"},
	"string":       {"01 01 01 00 04 01 01 74 06 61 f0 9f 98 80 62 00", "00 00 01 01 00 00 01 04 0a 07 74 61 f0 9f 98 80 62 01 04 01 01 00 00 01 01 00 00"},
	"embed":        {"01 01 01 00 05 01 01 74 07 7b 22 61 22 3a 31 7d 00", "00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 76 01 01 61 7d 01 00"},
	"format":       {"01 01 01 00 06 01 01 74 01 62 04 74 72 75 65 00", "00 01 00 01 01 00 00 01 06 05 02 74 62 41 00 01 01 00 00 01 01 00 78 00"},
	"type":         {"01 01 01 00 07 01 01 74 02 00", "00 00 01 01 00 00 01 07 03 01 74 01 01 01 01 02 00 01 01 00 00"},
	"element":      {"01 01 01 00 07 01 01 74 03 01 70 00", "00 01 00 01 01 00 00 01 07 05 02 74 70 41 00 01 01 01 03 00 01 01 00 00"},
	"hook":         {"01 01 01 00 07 01 01 74 05 01 70 00", "00 01 00 01 01 00 00 01 07 05 02 74 70 41 00 01 01 01 05 00 01 01 00 00"},
	"xml text":     {"01 01 01 00 07 01 01 74 06 00", "00 00 01 01 00 00 01 07 03 01 74 01 01 01 01 06 00 01 01 00 00"},
	"any":          {"01 01 01 00 08 01 01 74 07 7f 7e 7d 40 7a 00 00 00 00 00 00 00 01 79 78 74 01 ff 00", "00 00 01 01 00 00 01 08 03 01 74 01 01 01 00 01 07 01 01 00 7f 7e 7d 40 7a 00 00 00 00 00 00 00 01 79 78 74 01 ff 00"},
	"subdocument":  {"01 01 01 00 09 01 01 74 02 67 75 76 00 00", "00 00 01 01 00 00 01 09 06 03 74 67 75 01 02 01 01 00 00 01 01 00 76 00 00"},
	"empty key":    {"01 01 01 00 28 01 01 74 00 01 7d 01 00", "00 00 01 01 00 00 01 28 04 01 74 01 00 01 01 00 01 01 01 01 00 7d 01 00"},
	"one origin":   {"01 01 01 00 88 02 00 01 7d 01 00", "00 00 02 01 02 01 00 00 01 88 01 00 00 00 01 01 01 01 00 7d 01 00"},
	"two origins":  {"01 01 01 00 c8 02 00 03 05 01 7d 01 00", "00 00 03 01 02 03 01 00 01 0a 01 c8 01 00 00 00 01 01 01 01 00 7d 01 00"},
	"a parent id":  {"01 01 01 00 28 00 02 00 01 6b 01 7d 01 00", "00 00 02 01 02 01 00 00 01 28 03 01 6b 01 01 00 00 01 01 01 01 00 7d 01 00"},
	"collected":    {"01 01 01 00 00 02 00", "00 00 01 01 00 00 01 00 01 00 00 00 01 02 01 01 00 00"},
	"a skip":       {"01 03 01 00 04 01 01 74 01 61 0a 03 84 01 03 01 62 00", "00 00 02 41 00 01 06 00 05 04 00 0a 00 84 06 03 74 61 62 41 01 01 01 00 00 01 03 00 03 00"},
	"two keys":     {"01 03 01 00 06 01 01 74 01 62 04 74 72 75 65 84 01 00 01 78 86 01 01 01 62 04 6e 75 6c 6c 00", "00 02 00 02 02 41 01 02 00 02 00 05 06 00 84 00 86 07 04 74 62 78 62 41 02 01 01 00 00 01 03 00 78 7e 00"},
	"two clients":  {"02 01 02 00 c4 01 00 01 01 01 58 01 01 00 04 01 01 74 03 61 62 63 01 01 01 00 02", "00 00 03 02 41 01 01 00 01 02 03 c4 00 04 09 05 58 74 61 62 63 41 00 03 01 01 00 00 02 01 00 01 00 01 01 01 00 01"},
	"deletions":    {"00 02 05 02 00 01 03 02 01 01 80 80 80 80 80 20 01", "00 00 00 00 00 00 01 00 00 00 00 00 02 05 02 00 00 02 01 01 01 80 80 80 80 80 20 00"},
	"large clocks": {"01 02 ff ff ff ff ff ff ff 0f 80 80 80 80 80 20 84 ff ff ff ff ff ff ff 0f ff ff ff ff ff 1f 01 61 c4 01 00 ff ff ff ff ff ff ff 0f 05 01 62 00", "00 00 12 ff ff ff ff ff ff ff 1f 00 01 bf ff ff ff ff ff ff 1f 0c be ff ff ff ff 7f fe ff ff ff ff 7f 01 0a 03 84 00 c4 05 02 61 62 41 00 00 00 00 01 02 80 80 80 80 80 20 00"},
}

func TestBothForms(t *testing.T) {
	for name, forms := range bothForms {
		t.Run(name, func(t *testing.T) {
			v1, v2 := unhex(t, forms.v1), unhex(t, forms.v2)
			if got, err := Convert(V1, V2, v1); err != nil || !bytes.Equal(got, v2) {
				t.Errorf("to V2: %x, %v; want %x", got, err, v2)
			}
			if got, err := Convert(V2, V1, v2); err != nil || !bytes.Equal(got, v1) {
				t.Errorf("to V1: %x, %v; want %x", got, err, v1)
			}
			a, b := New(), New()
			added, err := a.Apply(v2, V2)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := b.Apply(v1, V1); err != nil || !bytes.Equal(added, want) {
				t.Errorf("added %x; want %x, %v", added, want, err)
			}
			check(t, a)
			if !bytes.Equal(a.Encode(V1), b.Encode(V1)) {
				t.Errorf("the document is %x, want %x", a.Encode(V1), b.Encode(V1))
			}
			if ok, err := a.Contains(v2, V2); !ok || err != nil {
				t.Errorf("Contains: %v, %v", ok, err)
			}
			again := New()
			if err := again.Load(a.Encode(V2), V2); err != nil || !bytes.Equal(again.Encode(V1), a.Encode(V1)) {
				t.Errorf("Load(Encode) is %x, %v; want %x", again.Encode(V1), err, a.Encode(V1))
			}
			diff, err := a.Diff([]byte{0}, V2)
			if err != nil || !bytes.Equal(diff, a.Encode(V2)) {
				t.Errorf("Diff against nothing is %x, %v; want %x", diff, err, a.Encode(V2))
			}
			for end := range v2 {
				if _, err := New().Apply(v2[:end], V2); !errors.Is(err, ErrMalformed) {
					t.Errorf("cut to %d bytes: %v", end, err)
				}
			}
		})
	}
}

// TestFromV2 converts what V2 can encode in several ways, and what only V2 can encode.
func TestFromV2(t *testing.T) {
	for name, test := range map[string]struct{ v2, want string }{
		"a key that is repeated": {
			"00 02 01 01 01 01 00 00 01 06 0c 07 74 62 6f 6c 64 74 74 01 04 41 00 01 01 00 00 01 03 00 7d 00 7d 01 7d 02 00",
			"01 03 01 00 06 01 01 74 04 62 6f 6c 64 01 30 06 01 01 74 04 62 6f 6c 64 01 31 06 01 01 74 04 62 6f 6c 64 01 32 00",
		},
		"an embed that is NaN":           {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 7b 7f f8 00 00 00 00 00 00 00", "01 01 01 00 05 01 01 74 04 6e 75 6c 6c 00"},
		"an embed that is -0":            {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 7d 40 00", "01 01 01 00 05 01 01 74 01 30 00"},
		"an undefined member":            {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 76 01 01 61 7f 00", "01 01 01 00 05 01 01 74 02 7b 7d 00"},
		"an undefined element":           {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 75 01 7f 00", "01 01 01 00 05 01 01 74 06 5b 6e 75 6c 6c 5d 00"},
		"an embed that is bytes":         {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 74 02 01 02 00", "01 01 01 00 05 01 01 74 0d 7b 22 30 22 3a 31 2c 22 31 22 3a 32 7d 00"},
		"a pair in two strings":          {"00 00 02 41 00 01 00 00 03 04 00 84 08 05 74 f0 9f 98 80 41 01 01 01 00 00 01 02 00 00", "01 02 01 00 04 01 01 74 03 ef bf bd 84 01 00 03 ef bf bd 00"},
		"deletions that touch":           {"00 00 00 00 00 00 01 00 00 00 00 00 01 01 02 00 00 00 00", "00 01 01 02 00 01 01 01"},
		"columns with more than is read": {"00 01 00 02 01 05 01 00 01 00 02 04 00 05 02 74 61 41 02 01 01 01 02 01 02 01 01 00 00", "01 01 01 00 04 01 01 74 01 61 00"},
	} {
		if got, err := Convert(V2, V1, unhex(t, test.v2)); err != nil || !bytes.Equal(got, unhex(t, test.want)) {
			t.Errorf("%s: %x, %v; want %s", name, got, err, test.want)
		}
	}
}

func TestFromV2Refuses(t *testing.T) {
	for name, test := range map[string]struct {
		v2   string
		want error
	}{
		"an embed that is undefined": {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 7f 00", lib0.ErrNoJSON},
		"an embed that is a BigInt":  {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 7a 00 00 00 00 00 00 00 01 00", lib0.ErrNoJSON},
		"a BigInt in an embed":       {"00 00 01 01 00 00 01 05 03 01 74 01 01 01 00 00 01 01 00 75 01 7a 00 00 00 00 00 00 00 01 00", lib0.ErrNoJSON},
		"flags":                      {"01 00 00 00 00 00 01 00 00 00 00 00 00", nil},
		"no strings":                 {"00 00 00 00 00 00 00 00 00 00 00 00", lib0.ErrTruncated},
		"a string longer than all":   {"00 00 01 01 00 00 01 04 04 02 74 61 41 01 01 00 00 01 01 00 00", lib0.ErrTruncated},
		"an unknown kind of parent":  {"00 00 01 01 00 00 01 04 04 02 74 61 41 01 02 00 00 01 01 00 00", errParent},
		"an unknown kind of content": {"00 00 01 01 00 00 01 0b 03 01 74 01 01 01 00 00 01 01 00 00", errContent},
		"an unknown type":            {"00 00 01 01 00 00 01 07 03 01 74 01 01 01 01 07 00 01 01 00 00", errType},
		"its own future":             {"00 00 01 41 00 01 00 00 01 84 04 02 61 62 02 00 00 00 01 01 00 00", nil},
		"deletions above 2^53":       {"00 00 00 00 00 00 01 00 00 00 00 00 01 01 02 ff ff ff ff ff ff ff 0f 00 00 00", lib0.ErrRange},
		"a client twice":             {"00 00 01 41 01 00 00 01 00 01 00 00 00 02 02 02 01 01 00 00 01 05 00", nil},
	} {
		s := New()
		apply(t, s, typedAB)
		before := s.Encode(V1)
		_, err := s.Apply(unhex(t, test.v2), V2)
		if !errors.Is(err, ErrMalformed) || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if !bytes.Equal(before, s.Encode(V1)) {
			t.Errorf("%s: the document has changed", name)
		}
	}
	for name, forms := range bothForms {
		if name == "nothing" {
			continue
		}
		if _, err := New().Apply(unhex(t, forms.v1), V2); err == nil {
			t.Errorf("%s: an update in V1 was accepted as V2", name)
		}
	}
}

// bombs returns small updates that claim more than fits into memory.
func bombs() map[string][]byte {
	columns := func(parts ...string) []byte {
		out := []byte{0}
		for _, part := range parts {
			out = lib0.AppendString(out, part)
		}
		return out
	}
	const many = "\xff\xff\xff\xff\xff\xff\xff\x0f"
	end := "\x01" + many + "\x00" // one client, from clock 0 on
	return map[string][]byte{
		"collected blocks": append(columns("", "\x01", "", "", "\x00", "\x00", "", "", "\x41"+many), end...),
		"types":            append(columns("", "\x41"+many, "\x03"+many, "", "\x87", "\x00", "", "\x42"+many, ""), end...),
		"json":             append(columns("", "\x41"+many, "", "", "\x02", "\x01t\x01\x40"+many, "\x01", "", "\xbf\xff\xff\xff\xff\xff\xff\x1f"), "\x01\x01\x00"...),
		"a repeated key": append(columns("\x00\x01"+many, "\x41"+many, "\x03"+many, "", "\x87",
			"\xe8\x07"+strings.Repeat("k", 1000)+"\xa8\x0f", "", "\x43"+many, ""), end...),
	}
}

func TestBombs(t *testing.T) {
	for name, bomb := range bombs() {
		s := New()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := s.Apply(bomb, V2)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 10*uint64(maxUnpacked(bomb)) {
			t.Errorf("%s: %d bytes take %d", name, len(bomb), took)
		}
	}
	// Load has no limit.
	u := emptyTypes(200_000)
	if _, err := New().Apply(u, V2); !errors.Is(err, ErrLimit) {
		t.Errorf("%d bytes with 200,000 blocks: %v", len(u), err)
	}
	s := New()
	if err := s.Load(u, V2); err != nil {
		t.Fatal(err)
	}
	if s.client(1).blocks.end != 200_000 {
		t.Errorf("%d blocks", s.client(1).blocks.end)
	}
}

// emptyTypes returns an update in V2 with n texts of one client, which takes 37 bytes or
// few more. In V1 each text takes at least five.
func emptyTypes(n uint64) []byte {
	return repeatedBlocks(1, n, func(i uint64) block {
		if i == 0 {
			return block{kind: kindType, parent: []byte("\x01\x01t"), content: []byte{2}}
		}
		return block{kind: kindType, flags: hasOrigin, origin: id{1, i - 1}, content: []byte{2}}
	})
}

// repeatedBlocks returns an update in V2 with n blocks of a client.
func repeatedBlocks(client, n uint64, next func(i uint64) block) []byte {
	var w v2Writer
	w.rest = lib0.AppendUint([]byte{1}, n)
	w.clients.Uint(client)
	w.rest = append(w.rest, 0)
	for i := range n {
		b := next(i)
		w.block(&b)
	}
	w.rest = append(w.rest, 0)
	return w.finish()
}

// TestHonestUpdatesExpand applies what yjs makes of one large transaction.
func TestHonestUpdatesExpand(t *testing.T) {
	testkit.SkipUnderRace(t)
	const client, n, keys = 1<<32 - 1, 100_000, 100
	updates := map[string][]byte{
		"values of a few keys": repeatedBlocks(client, n, func(i uint64) block {
			b := block{kind: kindDeleted, len: 1, flags: hasOrigin, origin: id{client, i - keys}}
			if i < keys {
				b.flags, b.parent = hasKey, fmt.Appendf(nil, "\x01\x01m\x06key%03d", i)
			}
			return b
		}),
		"every other value was deleted": repeatedBlocks(client, n, func(i uint64) block {
			b := block{kind: kindAny, len: 1, content: []byte{0x7e}, flags: hasOrigin, origin: id{client, i - 1}}
			if i%2 == 1 {
				b.kind, b.content = kindDeleted, nil
			}
			if i == 0 {
				b.flags, b.parent = 0, []byte("\x01\x01r")
			}
			return b
		}),
	}
	for _, typ := range []byte{0, 1, 2, 4, 6} { // those without a name
		updates[fmt.Sprint("empty types ", typ)] = repeatedBlocks(client, n, func(i uint64) block {
			if i == 0 {
				return block{kind: kindType, parent: []byte("\x01\x01r"), content: []byte{typ}}
			}
			return block{kind: kindType, flags: hasOrigin, origin: id{client, i - 1}, content: []byte{typ}}
		})
	}
	for name, u := range updates {
		s := New()
		added, err := s.Apply(u, V2)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %d bytes in V2, %d in V1", name, len(u), len(added))
		if _, err := Convert(V2, V1, u); err != nil {
			t.Errorf("%s: Convert: %v", name, err)
		}
	}
}

// TestExpansionIsBounded finds the largest document that a tiny update in V2 can make, and
// what many of them can.
func TestExpansionIsBounded(t *testing.T) {
	testkit.SkipUnderRace(t)
	const most = unpackedExtra + unpackedFree + 16*40
	largest := uint64(0)
	for n := uint64(100_000); ; n += 1000 {
		u := emptyTypes(n)
		if len(u) > 40 {
			t.Fatalf("%d bytes", len(u))
		}
		v1, err := fromV2(nil, u, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		_, err = New().Apply(u, V2)
		if len(v1) > most {
			if !errors.Is(err, ErrLimit) || errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "bytes in V1") {
				t.Errorf("%d bytes that are %d in V1: %v", len(u), len(v1), err)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		largest = n
	}
	u := emptyTypes(largest)
	s := New()
	total := 0
	for range 1000 { // all but the first are known
		if _, err := s.Apply(u, V2); err != nil {
			break
		}
		total += unpackedExtra
	}
	if total < unpackedExtras/2 || total > unpackedExtras*5/4 {
		t.Errorf("the same %d bytes again and again are converted to %d bytes of V1", len(u), total)
	}
	if u := emptyTypes(6000); len(u) > 40 {
		t.Errorf("%d bytes", len(u))
	} else if _, err := s.Apply(u, V2); err != nil {
		t.Errorf("after these, an update of 6,000 types is refused: %v", err)
	}
	// What clients write makes up for it.
	if _, err := s.Apply(toV2(testkit.TypedIn("t", 2, 0, strings.Repeat("x", 2*unpackedExtra/unpackedShare))), V2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(u, V2); err != nil {
		t.Errorf("after a large text: %v", err)
	}
}

// TestTypingExpandsLittle checks that what clients write in V2 is far below the bound.
func TestTypingExpandsLittle(t *testing.T) {
	s := New()
	for _, u := range typing(10_000) {
		if _, err := s.Apply(u, V1); err != nil {
			t.Fatal(err)
		}
	}
	u := s.Encode(V2)
	if n := len(s.Encode(V1)); n > 16*len(u)/4 {
		t.Errorf("%d bytes in V2 take %d bytes in V1", len(u), n)
	}
}

func TestConvertingAllocatesLittle(t *testing.T) {
	updates := typing(2000)
	for _, u := range [][]byte{updates[1], unhex(t, bothForms["two keys"].v1), unhex(t, bothForms["embed"].v1)} {
		v2 := toV2(u)
		if n := testing.AllocsPerRun(100, func() { toV2(u) }); n > 5 {
			t.Errorf("%x: %.0f allocations to V2", u, n)
		}
		if n := testing.AllocsPerRun(100, func() { _, _ = fromV2(nil, v2, 1<<20) }); n > 5 {
			t.Errorf("%x: %.0f allocations from V2", v2, n)
		}
	}
	s := New()
	for _, u := range updates {
		if _, err := s.Apply(u, V1); err != nil {
			t.Fatal(err)
		}
	}
	full := s.Encode(V1)
	v2 := toV2(full)
	if n := testing.AllocsPerRun(10, func() { toV2(full) }); n > 100 {
		t.Errorf("%d bytes: %.0f allocations to V2", len(full), n)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = fromV2(nil, v2, 1<<20) }); n > 20 {
		t.Errorf("%d bytes: %.0f allocations from V2", len(v2), n)
	}
}

// TestConvertingIsLinear converts updates of n and 8n parts that would take more than
// linear time in naive code.
func TestConvertingIsLinear(t *testing.T) {
	row := func(n uint64, b block) []byte {
		u := append(lib0.AppendUint([]byte{1}, n), 1, 0)
		for range n {
			u, _ = b.appendTo(u)
		}
		return append(u, 0)
	}
	parent := []byte{1, 1, 't'}
	for name, build := range map[string]func(n uint64) []byte{
		"strings": func(n uint64) []byte {
			return row(n, block{kind: kindString, parent: parent, content: []byte("ab😀ßcdefghijklmnop")})
		},
		"keys": func(n uint64) []byte {
			return row(n, block{kind: kindFormat, parent: parent, content: []byte("\x04bold\x04true")})
		},
		"an embed of many members": func(n uint64) []byte {
			text := "{" + strings.Repeat(`"a":[{},"b\u0041\n"],`, int(n)) + `"b":1}`
			return row(1, block{kind: kindEmbed, parent: parent, content: lib0.AppendString(nil, text)})
		},
		"a deep embed": func(n uint64) []byte {
			text := strings.Repeat("[", 500) + strings.Repeat(`[0],`, int(n)) + "0" + strings.Repeat("]", 500)
			return row(1, block{kind: kindEmbed, parent: parent, content: lib0.AppendString(nil, text)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Linear(t, 10_000, func(n uint64) func() {
				u := build(n)
				return func() {
					v2 := toV2(u)
					if again, err := fromV2(nil, v2, 1<<30); err != nil || len(again) > len(u) {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func addForms(f *testing.F) {
	f.Helper()
	for _, forms := range bothForms {
		f.Add(unhex(f, forms.v2))
	}
	for _, bomb := range bombs() {
		f.Add(bomb)
	}
}

func FuzzFromV2(f *testing.F) {
	addForms(f)
	f.Fuzz(func(t *testing.T, u []byte) {
		checkParseV2(t, u)
		checkLoadV2(t, u)
		v1, err := fromV2(nil, u, maxUnpacked(u))
		if len(v1) > maxUnpacked(u) {
			t.Fatalf("%d bytes from %d", len(v1), len(u))
		}
		if err != nil {
			return
		}
		if v1, err = new(parsedUpdate).read(v1, nil, nil); err != nil {
			return
		}
		v2 := toV2(v1)
		again, err := fromV2(nil, v2, 1<<30)
		if err != nil {
			t.Fatalf("%x is refused: %v", v2, err)
		}
		if last := toV2(again); !bytes.Equal(last, v2) {
			t.Fatalf("%x in V1 is %x, in V2 %x, in V1 %x, in V2 %x", u, v1, v2, again, last)
		}
	})
}

// parsed returns what Parse makes of an update, and reports whether Parse accepts it.
func parsed(update []byte, enc Encoding) (out string, ok bool) {
	var all strings.Builder
	deleted, err := Parse(update, enc, func(b *Block) {
		fmt.Fprintf(&all, "%v %d %d %d %q %t %x", b.ID, b.Len, b.Left, b.Kind, b.Content, b.HasKey, b.AppendTo(nil))
	})
	if err != nil {
		return "", false
	}
	for first, n := range deleted {
		fmt.Fprint(&all, first, n)
	}
	return all.String(), true
}

// checkParseV2 checks that Parse returns of an update in V2 what it returns of the
// converted one.
func checkParseV2(t *testing.T, u []byte) (accepted bool) {
	t.Helper()
	got, ok := parsed(u, V2)
	v1, err := fromV2(nil, u, maxUnpacked(u))
	if err != nil {
		if ok {
			t.Fatalf("%x is parsed as %s, and not converted: %v", u, got, err)
		}
		return false
	}
	if want, wanted := parsed(v1, V1); got != want || ok != wanted {
		t.Fatalf("%x is parsed as %s, %t; in V1 it is %s, %t", u, got, ok, want, wanted)
	}
	return ok
}

// checkLoadV2 checks that an update, if it is small in V1, is loaded in V2 as it is when it is
// converted first, by a new document and by one that has elements.
func checkLoadV2(t *testing.T, u []byte) {
	t.Helper()
	v1, err := fromV2(nil, u, 1<<16)
	if err != nil {
		return
	}
	for _, have := range [][]string{nil, {typedAB, typedX}} {
		one, two := New(), New()
		apply(t, one, have...)
		apply(t, two, have...)
		got, want := one.Load(u, V2), two.Load(v1, V1)
		if fmt.Sprint(got) != fmt.Sprint(want) || !bytes.Equal(one.Encode(V1), two.Encode(V1)) {
			t.Fatalf("%x is loaded as %x, %v; in V1 as %x, %v", u, one.Encode(V1), got, two.Encode(V1), want)
		}
	}
}

// TestMutantsInV2 parses and loads updates in which a byte was changed.
func TestMutantsInV2(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	accepted := 0
	for name, forms := range bothForms {
		v2 := unhex(t, forms.v2)
		if !checkParseV2(t, v2) {
			t.Errorf("%s is refused", name)
		}
		for range 2000 {
			bad := bytes.Clone(v2)
			bad[random.IntN(len(bad))] = byte(random.IntN(256))
			checkLoadV2(t, bad)
			if checkParseV2(t, bad) {
				accepted++
			}
		}
	}
	if share := float64(accepted) / float64(2000*len(bothForms)); share < 0.02 || share > 0.9 {
		t.Errorf("%.2f are accepted", share)
	}
}

// TestParseV2IsLimited checks that Parse and the conversion have the same limit.
func TestParseV2IsLimited(t *testing.T) {
	deleted := func(n uint64) []byte {
		return repeatedBlocks(1, n, func(i uint64) block {
			if i == 0 {
				return block{kind: kindDeleted, len: 1, parent: []byte("\x01\x01t")}
			}
			return block{kind: kindDeleted, len: 1, flags: hasOrigin, origin: id{1, i - 1}}
		})
	}
	most := sort.Search(1<<20, func(n int) bool {
		u := deleted(uint64(n))
		_, err := fromV2(nil, u, maxUnpacked(u))
		return err != nil
	}) - 1
	if !checkParseV2(t, deleted(uint64(most))) {
		t.Errorf("%d blocks are refused", most)
	}
	count := 0
	if _, err := Parse(deleted(uint64(most)+1), V2, func(*Block) { count++ }); !errors.Is(err, ErrLimit) || count != most {
		t.Errorf("%d of %d blocks: %v", count, most+1, err)
	}
	for name, bomb := range bombs() {
		count = 0
		if _, err := Parse(bomb, V2, func(*Block) { count++ }); err == nil || count > maxUnpacked(bomb) {
			t.Errorf("%s: %d blocks, %v", name, count, err)
		}
	}
}

func FuzzApplyV2(f *testing.F) {
	addForms(f)
	f.Fuzz(func(t *testing.T, u []byte) {
		s := New()
		apply(t, s, typedAB, typedX, "01 01 01 05 84 01 04 01 66 00")
		before := s.Encode(V1)
		if _, err := s.Apply(u, V2); err != nil {
			if !bytes.Equal(before, s.Encode(V1)) {
				t.Fatalf("%x was refused (%v) and changed the document", u, err)
			}
			return
		}
		check(t, s)
		if ok, err := s.Contains(u, V2); !ok || err != nil {
			t.Fatalf("%x was accepted, but isn't contained: %v", u, err)
		}
		one, two := New(), New()
		if err := one.Load(s.Encode(V1), V1); err != nil {
			t.Fatal(err)
		}
		if err := two.Load(s.Encode(V2), V2); err != nil || !bytes.Equal(one.Encode(V1), two.Encode(V1)) {
			t.Fatalf("%x in V2 loads as %x, %x in V1 as %x: %v", s.Encode(V2), two.Encode(V1), s.Encode(V1), one.Encode(V1), err)
		}
	})
}

// TestConvertedSizeIsLimited applies a small update that is large in
// V1 to a document with a low limit.
func TestConvertedSizeIsLimited(t *testing.T) {
	u := lib0.AppendUint([]byte{1}, 5000)
	u = append(u, 1, 0)
	for i := range uint64(5000) {
		b := block{client: 1, clock: i, kind: kindType, content: []byte{1}, parent: []byte{1, 1, 't'}}
		if i > 0 {
			b.flags, b.origin, b.parent = hasOrigin, id{1, i - 1}, nil
		}
		u, _ = b.appendTo(u)
	}
	packed, err := Convert(V1, V2, append(u, 0))
	if err != nil || len(packed) > 100 {
		t.Fatalf("%d bytes, %v", len(packed), err)
	}
	s := NewWith(Options{MaxSize: 10_000})
	if _, err := s.Apply(packed, V2); !errors.Is(err, ErrLimit) {
		t.Errorf("Apply: %v", err)
	}
	if _, err := s.Contains(packed, V2); !errors.Is(err, ErrLimit) {
		t.Errorf("Contains: %v", err)
	}
	if _, err := New().Apply(packed, V2); err != nil {
		t.Errorf("Apply with a high limit: %v", err)
	}
}

// A document has copies of what was loaded in V2, because the memory of the conversion is
// used again.
func TestLoadedInV2(t *testing.T) {
	load := func(client uint64, text string) *Store {
		v2, err := Convert(V1, V2, testkit.Typed(client, 0, text))
		if err != nil {
			t.Fatal(err)
		}
		s := New()
		if err := s.Load(v2, V2); err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := load(1, "what the first document has")
	before := first.Encode(V1)
	for range 10 {
		load(2, "another document with as many letters")
	}
	if !bytes.Equal(first.Encode(V1), before) {
		t.Error("a document has changed when another was loaded")
	}
}
