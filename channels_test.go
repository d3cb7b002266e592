package yroom

import (
	"strings"
	"testing"
)

func TestChannels(t *testing.T) {
	channel := Channels(map[string]Settings{"board": {Channel: "boards"}, "notes": {}})
	for room, want := range map[string]string{"board.1": "boards", "board": "boards", "notes.1": "yroom", "x": "yroom", "default.1": "yroom"} {
		if got := channel(room); got != want {
			t.Errorf("the channel of %s is %s, want %s", room, got, want)
		}
	}
	channel = Channels(map[string]Settings{"default": {Channel: "rest"}, "board": {Channel: "yroom"}, "notes": {}})
	for room, want := range map[string]string{"board.1": "yroom", "notes.1": "rest", "x": "rest"} {
		if got := channel(room); got != want {
			t.Errorf("with a default, the channel of %s is %s, want %s", room, got, want)
		}
	}
}

func TestCheckChannel(t *testing.T) {
	for _, name := range []string{"yroom", "a", "A-b_c.9", strings.Repeat("a", 100)} {
		if err := CheckChannel(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", " ", "a b", "a*", "a>", "ä", "a\n", strings.Repeat("a", 101)} {
		if err := CheckChannel(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}
