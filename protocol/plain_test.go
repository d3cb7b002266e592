package protocol

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// readAll reads the messages in frame up to the first that can't be read.
func readAll(frame []byte) (all []Message, err error) {
	for {
		m, rest, ok, err := Plain{}.Next(frame)
		if !ok {
			return all, err
		}
		all = append(all, m)
		frame = rest
	}
}

func TestPlainFrames(t *testing.T) {
	for frame, want := range map[string]Message{
		"00 00 01 00":             {Type: SyncStep1, Data: []byte{0}},
		"00 01 02 00 00":          {Type: SyncStep2, Data: []byte{0, 0}},
		"00 02 02 00 00":          {Type: Update, Data: []byte{0, 0}},
		"00 02 00":                {Type: Update, Data: []byte{}},
		"01 06 01 07 00 02 7b 7d": {Type: Awareness, Data: []byte{1, 7, 0, 2, '{', '}'}},
		"03":                      {Type: QueryAwareness},
	} {
		got, err := readAll(unhex(t, frame))
		if err != nil {
			t.Errorf("%s: %v", frame, err)
		}
		if diff := cmp.Diff([]Message{want}, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", frame, diff)
		}
		if got := (Plain{}).Append([]byte{9}, want); !bytes.Equal(got[1:], unhex(t, frame)) {
			t.Errorf("Append: %x, want 09 %s", got, frame)
		}
	}
}

func TestPlainNext(t *testing.T) {
	step1 := Message{Type: SyncStep1, Data: []byte{0}}
	query := Message{Type: QueryAwareness}
	for name, c := range map[string]struct {
		frame string
		want  []Message
		err   string
	}{
		"empty":                      {"", nil, ""},
		"pipelined":                  {"00 00 01 00 03 00 00 01 00", []Message{step1, query, step1}, ""},
		"padded type":                {"80 00 00 01 00", []Message{step1}, ""},
		"auth":                       {"02 00 01 78 03", nil, ""},
		"unknown type":               {"00 00 01 00 66 03", []Message{step1}, ""},
		"unknown type, long":         {"e8 07 03", nil, ""},
		"unknown type, cut":          {"03 80", []Message{query}, ""},
		"unknown type, out of range": {"ffffffffffffffffff", nil, ""},
		"unknown sync":               {"03 00 03 03", []Message{query}, ""},
		"sync, cut":                  {"03 00", []Message{query}, "protocol: malformed message: sync message: input ends too early"},
		"step 1, cut":                {"00 00", nil, "protocol: malformed message: sync step 1: input ends too early"},
		"step 2, cut":                {"00 01 02 00", nil, "protocol: malformed message: sync step 2: input ends too early"},
		"update, lying length":       {"00 02 ffffffff0f 00", nil, "protocol: malformed message: update: input ends too early"},
		"awareness, out of range":    {"01 ffffffffffffffffff", nil, "protocol: malformed message: awareness: integer is larger than 2^53-1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(unhex(t, c.frame))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			says := ""
			if err != nil {
				says = err.Error()
			}
			if says != c.err || err != nil && !errors.Is(err, ErrMalformed) {
				t.Errorf("error %q, want %q", says, c.err)
			}
		})
	}
}

func TestPlainNextAliases(t *testing.T) {
	frame := unhex(t, "01 01 00 03")
	m, rest, ok, err := Plain{}.Next(frame)
	if err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	if &m.Data[0] != &frame[2] || cap(m.Data) != 1 {
		t.Error("the data doesn't alias the frame, or could grow into it")
	}
	if len(rest) != 1 || &rest[0] != &frame[3] {
		t.Errorf("the rest is %x", rest)
	}
}

func TestPlainAppendsNoOthers(t *testing.T) {
	for _, m := range []Message{
		(&CloseError{Code: CloseMalformed, Reason: "x"}).Message(),
		{Type: Stateless, Data: []byte("x")},
		{Type: Ack, Count: 1},
	} {
		if got := (Plain{}).Append([]byte{9}, m); !bytes.Equal(got, []byte{9}) {
			t.Errorf("%+v appended %x", m, got)
		}
	}
}

func TestPlainKeepalive(t *testing.T) {
	want := Plain{}.Append(nil, Message{Type: Awareness, Data: []byte{0}})
	if got := (Plain{}).Keepalive(); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestCloseError(t *testing.T) {
	err := &CloseError{Code: ClosePolicy, Reason: "too much"}
	if got := err.Error(); got != "closed with 1008: too much" {
		t.Error(got)
	}
	want := Message{Type: Close, Code: 1008, Reason: "too much"}
	if diff := cmp.Diff(want, err.Message()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPlainNextAllocatesNothing(t *testing.T) {
	frame := unhex(t, "00 02 02 00 00")
	if n := testing.AllocsPerRun(100, func() {
		if _, _, ok, err := (Plain{}).Next(frame); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"00000100", "0001020000", "0002020000", "0106010700027b7d", "03", "020001", "0000010003000001", "6600", "8000"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := readAll(frame)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		// What was read can be written, and read again from one frame.
		var again []byte
		for _, m := range got {
			again = Plain{}.Append(again, m)
		}
		if len(again) > len(frame) {
			t.Fatalf("%d bytes out of %d", len(again), len(frame))
		}
		reread, err := readAll(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, reread); diff != "" {
			t.Fatalf("(-first +again)\n%s", diff)
		}
	})
}
