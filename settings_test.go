package yroom

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/store"
)

// filled returns Settings with n in every field.
func filled(n int64) Settings {
	var s Settings
	fill(reflect.ValueOf(&s).Elem(), n)
	return s
}

func fill(v reflect.Value, n int64) {
	for field, value := range v.Fields() {
		switch {
		case value.Kind() == reflect.Struct:
			fill(value, n)
		case value.CanInt():
			value.SetInt(n)
		case value.Kind() == reflect.String:
			value.SetString(strconv.FormatInt(n, 10))
		case value.CanUint():
			value.SetUint(uint64(n))
		case field.Type == reflect.TypeFor[store.Store]():
			value.Set(reflect.ValueOf(numbered{Number: n}))
		default:
			panic("don't know how to fill " + field.Name)
		}
	}
}

// numbered is a store that can be distinguished from another, but not compared with ==.
type numbered struct {
	store.Store

	Number int64
	Odd    []int
}

func TestOrForgetsNoField(t *testing.T) {
	full := filled(7)
	if diff := cmp.Diff(full, Settings{}.or(full)); diff != "" {
		t.Errorf("an open row over a full one (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(full, full.or(filled(8))); diff != "" {
		t.Errorf("a full row over another (-want +got):\n%s", diff)
	}
}

// Every setting of the other packages is set by a field of Settings.
func TestSettingsReachConsumerAndWorker(t *testing.T) {
	full := filled(7)
	full.ServerStartSync, full.GC = SwitchOff, SwitchOff
	for _, v := range []any{full.consumer(), full.worker()} {
		for _, name := range zeros(reflect.ValueOf(v), reflect.TypeOf(v).String()) {
			switch name {
			case "worker.Settings.Room.Epoch", "worker.Settings.Room.Worker": // set by the worker
			default:
				t.Errorf("%s is left open", name)
			}
		}
	}
	if got := (Settings{}).consumer().Greeting; got != event.GreetingServer {
		t.Errorf("by default the greeting is %v, want %v", got, event.GreetingServer)
	}
	for _, s := range []Settings{{}, {GC: SwitchOn}} {
		if s.worker().Room.Blocks.History {
			t.Errorf("%+v keeps what is deleted", s)
		}
	}
}

func zeros(v reflect.Value, name string) (names []string) {
	for field, value := range v.Fields() {
		path := name + "." + field.Name
		if value.Kind() == reflect.Struct {
			names = append(names, zeros(value, path)...)
		} else if value.IsZero() {
			names = append(names, path)
		}
	}
	return names
}

func TestRowOf(t *testing.T) {
	rowOf := RowOf([]string{"default", "board", "docs/", "docs/private/", "org:", "team-", "docs", "a.b."})
	for room, want := range map[string]string{
		"board":          "board",
		"board.1":        "board",
		"board.1.x":      "board",
		"boards.1":       "default",
		"other":          "default",
		"other.board":    "default",
		".board":         "default",
		"default.board":  "default",
		"default":        "default",
		"notes/board.1x": "default",
		"docs":           "docs",
		"docs.1":         "docs",
		"docs/":          "docs/",
		"docs/a.b":       "docs/",
		"docs/private/a": "docs/private/",
		"docs/private":   "docs/",
		"docs2/x":        "default",
		"org:7":          "org:",
		"org":            "default",
		"team-a.b":       "team-",
		"a.b.c":          "a.b.",
		"a.b":            "default",
		"":               "default",
	} {
		if got := rowOf(room); got != want {
			t.Errorf("%q: %q, want %q", room, got, want)
		}
	}
	both := RowOf([]string{"a-b", "a-", "a-b."})
	for room, want := range map[string]string{"a-b": "a-b", "a-b.c": "a-b.", "a-c": "a-", "a-bc": "a-"} {
		if got := both(room); got != want {
			t.Errorf("%q: %q, want %q", room, got, want)
		}
	}
	if got := RowOf(nil)("board"); got != "default" {
		t.Errorf("without rows: %q", got)
	}
}

// A setting that a row lacks is that of the row "default".
func TestByRow(t *testing.T) {
	rooms := map[string]Settings{
		"default": {RemoveDelay: time.Minute, AwarenessTimeout: time.Second},
		"board":   {RemoveDelay: time.Hour},
	}
	delays := byRow(rooms, func(s Settings) [2]time.Duration { return [2]time.Duration{s.RemoveDelay, s.AwarenessTimeout} })
	for room, want := range map[string][2]time.Duration{
		"board.1": {time.Hour, time.Second},
		"other":   {time.Minute, time.Second},
	} {
		if got := delays(room); got != want {
			t.Errorf("%s: %v, want %v", room, got, want)
		}
	}
	none := byRow(nil, func(s Settings) time.Duration { return s.RemoveDelay })
	if got := none("board"); got != 0 {
		t.Errorf("without rows: %v, want 0", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"a key with a dot", Config{Rooms: map[string]Settings{"a.b": {}}}, `the key "a.b" has a dot in it: write "a.b."`},
		{"no key", Config{Rooms: map[string]Settings{"": {}}}, "rooms: a key is empty"},
		{"a negative delay", Config{Rooms: map[string]Settings{"a": {RemoveDelay: -1}}}, "a: remove_delay is less than zero"},
		{"a negative limit", Config{Rooms: map[string]Settings{"a": {Limits: Limits{Outbox: -1}}}}, "a: outbox is less than zero"},
		{"an update version of the future", Config{Rooms: map[string]Settings{"a": {UpdateVersion: 3}}}, "a: update_version is 3, want 1 or 2"},
		{"a channel with a space", Config{Rooms: map[string]Settings{"a": {Channel: "a b"}}}, `a: channel "a b"`},
		{"a negative update version", Config{Rooms: map[string]Settings{"a": {UpdateVersion: -1}}}, "a: update_version is less than zero"},
		{"an origin with a scheme", Config{Origins: []string{"https://a.example"}}, `"https://a.example"`},
		{"no worker anywhere", Config{NoWorker: true}, "Config.Layer"},
		{"an origin that is no pattern", Config{Origins: []string{"[::1]:*", "["}}, `"["`},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, err := New(test.cfg)
			if err == nil {
				t.Errorf("was taken: %v", server.Shutdown(t.Context()))
			} else if !strings.Contains(err.Error(), test.want) {
				t.Errorf("no %s in: %v", test.want, err)
			}
		})
	}
}

func TestSwitch(t *testing.T) {
	for text, want := range map[string]Switch{"true": SwitchOn, "false": SwitchOff} {
		var got Switch
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is read as %d, %v", text, got, err)
		}
	}
	var s Switch
	if err := s.UnmarshalText([]byte("yes")); err == nil || s != SwitchDefault {
		t.Errorf("yes is read as %d, %v", s, err)
	}
}
