package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
)

func TestSettingsFile(t *testing.T) {
	got, err := parseSettings([]byte(`
listen: 127.0.0.1:9000
store: "memory:"
layer: "memory:"
open: true
origin: [app.example.com]
log_format: json
log_level: debug
shutdown_timeout: 5s
rooms:
  default:
    remove_delay: 2m
    durability: fsync
  scratch: {store: "memory:"}
  notes:
    durability: commit
    server_start_sync: false
    update_version: 2
    gc: false
    awareness_timeout: 1m
    limits:
      message: 1MiB
      document: 1GiB
      pending: 64KiB
      awareness_ids: 3
      awareness_size: 500B
      outbox: 2MiB
      mailbox_inputs: 100
      mailbox_size: 70000
`))
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		Listen:          "127.0.0.1:9000",
		Store:           "memory:",
		Layer:           "memory:",
		Open:            new(true),
		Origin:          []string{"app.example.com"},
		LogFormat:       "json",
		LogLevel:        "debug",
		ShutdownTimeout: 5 * time.Second,
		Rooms: map[string]roomSettings{
			"default": {Settings: yroom.Settings{RemoveDelay: 2 * time.Minute}, Durability: new(store.DurabilityFsync)},
			"scratch": {StoreURL: "memory:"},
			"notes": {Durability: new(store.DurabilityCommit), Settings: yroom.Settings{
				ServerStartSync:  yroom.SwitchOff,
				UpdateVersion:    2,
				GC:               yroom.SwitchOff,
				AwarenessTimeout: time.Minute,
				Limits: yroom.Limits{
					Message:       1 << 20,
					Document:      1 << 30,
					Pending:       64 << 10,
					AwarenessIDs:  3,
					AwarenessSize: 500,
					Outbox:        2 << 20,
					MailboxInputs: 100,
					MailboxSize:   70000,
				},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsFileRefuses(t *testing.T) {
	for _, test := range []struct {
		name, file string
		want       []string
	}{
		{"unknown key", "listen: 127.0.0.1:1\nlissten: x\n", []string{"[2:1]", `unknown field "lissten"`}},
		{"unknown key of a row", "rooms:\n  default:\n    autosafe_delay: 5s\n", []string{"[3:5]", `unknown field "autosafe_delay"`}},
		{"unknown limit", "rooms:\n  default:\n    limits: {dokument: 1MiB}\n", []string{"[3:14]", `unknown field "dokument"`}},
		{"key twice", "listen: a\nlisten: b\n", []string{"[2:1]", "listen"}},
		{"not a duration", "shutdown_timeout: 30\n", []string{"[1:19]", `"30" is not a duration`}},
		{"no duration at all", "rooms:\n  default:\n    remove_delay: 0s\n", []string{"[3:19]", `"0s" is not a duration`}},
		{"not a size", "rooms:\n  default:\n    limits:\n      message: 16MB\n", []string{"[4:16]", `"16MB" is not a size`}},
		{"size over all bounds", "rooms:\n  default:\n    limits:\n      message: 9999999999999GiB\n", []string{"is not a size"}},
		{"not a number", "rooms:\n  default:\n    limits:\n      awareness_ids: many\n", []string{"[4:22]", `"many" is not a whole number`}},
		{"not an update version", "rooms:\n  default:\n    update_version: v2\n", []string{"[3:21]", `"v2" is not a whole number`}},
		{"neither true nor false", "rooms:\n  default: {gc: 1}\n", []string{"[2:17]", "gc"}},
		{"not a durability", "rooms:\n  default: {durability: sync}\n", []string{"[2:25]", `"sync" is not a durability`}},
		{"a bad value twice", "rooms:\n  a: {remove_delay: x}\n  b: {remove_delay: x}\n", []string{`"x" is not a duration`}},
		{"an alias", "rooms:\n  a: {remove_delay: &d 1x}\n  b: {remove_delay: *d}\n", []string{"[2:", `"1x" is not a duration`}},
		{"a list for a map", "rooms: [default]\n", []string{"[1:"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseSettings([]byte(test.file))
			if err == nil {
				t.Fatal("was taken")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
		})
	}
}

// An error quotes the lines around it, without the passwords in them.
func TestSettingsErrorsHidePasswords(t *testing.T) {
	_, err := parseSettings([]byte("store: postgres://user:s3cret@host/db\nlissten: x\nlayer: redis://:s3cret@host\n"))
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "lissten") {
		t.Errorf("the error is %v", err)
	}
}

func TestWithoutPassword(t *testing.T) {
	for address, want := range map[string]string{
		"sqlite:yroom.db": "sqlite:yroom.db", "memory:": "memory:",
		"postgres://user:s3cret@host/db": "postgres://user:xxxxx@host/db", "redis://:%zz": "redis:",
	} {
		if got := withoutPassword(address); got != want {
			t.Errorf("%q is logged as %q, want %q", address, got, want)
		}
	}
}

func TestSettingsOr(t *testing.T) {
	flags := settings{Listen: ":1", Open: new(false), Origin: []string{"a"}}
	file := settings{Listen: ":2", Store: "memory:", Open: new(true), Origin: []string{"b"}, Rooms: map[string]roomSettings{"x": {}}}
	want := settings{Listen: ":1", Store: "memory:", Open: new(false), Origin: []string{"a"}, Rooms: map[string]roomSettings{"x": {}}}
	if diff := cmp.Diff(want, flags.or(file)); diff != "" {
		t.Error(diff)
	}
}
