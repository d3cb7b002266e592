package event_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

func TestMarkText(t *testing.T) {
	for text, mark := range map[string]event.Mark{
		"0.0":                               {},
		"1f.a":                              {Epoch: 31, Seq: 10},
		"ffffffffffffffff.ffffffffffffffff": {Epoch: math.MaxUint64, Seq: math.MaxUint64},
	} {
		if got, err := mark.MarshalText(); string(got) != text || err != nil {
			t.Errorf("%#v is written as %q, %v, want %q", mark, got, err, text)
		}
		var got event.Mark
		if err := got.UnmarshalText([]byte(text)); got != mark || err != nil {
			t.Errorf("%q is read as %#v, %v, want %#v", text, got, err, mark)
		}
	}
	for _, text := range []string{"", ".", "1", "1.", ".1", "1.2.3", "g.1", "-1.1", "10000000000000000.1", strings.Repeat("1", 1000)} {
		before := event.Mark{Epoch: 1, Seq: 2}
		got := before
		if err := got.UnmarshalText([]byte(text)); !errors.Is(err, event.ErrMark) || got != before {
			t.Errorf("%q is read as %#v, %v, want ErrMark", text, got, err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{
		"a", " a ", "a//b/..", ".", "é", "🙂", strings.Repeat("a", event.MaxName),
		"می\u200cخواهم", "👩\u200d💻", "❤\ufe0f", "\u0600١", "שלום", "e\u0301", "a\u00a0b",
	} {
		if err := event.CheckName(name); err != nil {
			t.Errorf("%q is refused: %v", name, err)
		}
	}
	for _, name := range []string{
		"", " ", "\u00a0\u2003", "a\n", "a\x00", "a\x7f", "a\u0085", "\xff", strings.Repeat("a", event.MaxName+1),
		"a\u202egpj.exe", "a\u202a", "a\u202c", "a\u2066b\u2069", "a\u200e", "a\u200f", "a\u061c", // directions
		"a\u200b", "a\u2060", "a\ufeff", "a\u00ad", "a\u2064", "a\u180e", "a\ufff9", "a\u3164", "a\U000e0041", "a\U0001d173", // invisible
		"a\u2028", "a\u2029", "a\u2028b", // ends of lines
	} {
		if err := event.CheckName(name); !errors.Is(err, event.ErrName) {
			t.Errorf("%q: %v, want ErrName", name, err)
		}
	}
}

func TestCheckStored(t *testing.T) {
	for name, want := range map[string]error{
		"a": nil, "a\u202egpj.exe": nil, "a\u200b": nil, "a\u2028": nil,
		"": event.ErrName, " ": event.ErrName, "a\n": event.ErrName, "a\u0085": event.ErrName, "\xff": event.ErrName,
		strings.Repeat("a", event.MaxName+1): event.ErrName,
	} {
		if err := event.CheckStored(name); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
}

func TestMay(t *testing.T) {
	both := event.AccessWrite | event.AccessPresent
	if !both.May(event.AccessWrite) || !both.May(event.AccessRead) || event.AccessPresent.May(both) || event.AccessRead.May(event.AccessWrite) {
		t.Error("May doesn't compare the bits")
	}
}

func TestAccessWords(t *testing.T) {
	for word, want := range map[string]event.Access{
		"write": event.AccessWrite | event.AccessPresent, "read": event.AccessPresent, "hidden": event.AccessRead, "hidden-write": event.AccessWrite,
	} {
		if got, ok := event.ParseAccess(word); got != want || !ok || want.String() != word {
			t.Errorf("%q is %d, %v, which is %q", word, got, ok, want)
		}
	}
	for _, word := range []string{"", "Write", "read-write"} {
		if a, ok := event.ParseAccess(word); ok {
			t.Errorf("%q is the access %d", word, a)
		}
	}
	if got := event.Access(255).String(); got != "write" { // of a newer version
		t.Errorf("all bits are %q", got)
	}
}

func TestRoomState(t *testing.T) {
	for state, want := range map[event.RoomState]string{
		event.RoomStored: "stored", event.RoomLoading: "loading", event.RoomOpen: "open",
		event.RoomFailed: "failed", event.RoomBusy: "busy", 0: "unknown",
	} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", state, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	in := event.Input{Vector: make([]byte, 1), Message: protocol.Message{Data: make([]byte, 10)}}
	if got := in.Size(); got != 11 {
		t.Errorf("a message has %d bytes, want 11", got)
	}
	in = event.Input{Request: &event.Request{Update: make([]byte, 100), Vector: make([]byte, 1000)}}
	if got := in.Size(); got != 1100 {
		t.Errorf("a request has %d bytes, want 1,100", got)
	}
}
