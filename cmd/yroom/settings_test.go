package main

import (
	"bytes"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/store"
)

func TestSettingsFile(t *testing.T) {
	got, err := parseSettings([]byte(`
listen: 127.0.0.1:9000
store: "memory:"
layer: "memory:"
open: true
origin: [app.example.com]
health: 127.0.0.1:9001
name: web-1
address_header: X-Real-Ip
connections: 7
connections_per_address: 5
joins_per_second: 3
documents_per_socket: 6
rooms_per_second: 2
api_token_file: yroom.token
jwt_key_file: public.pem
jwt_keys_url: https://app.example.com/keys
jwt_issuer: app
jwt_audience: docs
jwt_cookie: room_token
forward_auth: https://app.example.com/rooms
forward_auth_timeout: 2s
forward_auth_every: 3m
compression: answers
answer_memory: 1GiB
export_memory: 2GiB
message_memory: 3GiB
channel: [yroom, slow]
memory: 2GiB
log_format: json
log_level: debug
shutdown_timeout: 5s
shutdown_delay: 2s
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
    channel: slow
    awareness_timeout: 1m
    limits:
      message: 1MiB
      document: 1GiB
      pending: 64KiB
      clients: 9
      awareness_ids: 3
      awareness_size: 500B
      room_awareness: 128KiB
      outbox: 2MiB
      mailbox_inputs: 100
      mailbox_size: 70000
      user: {connections: 10, rooms_per_minute: 20, bytes_per_second: 1MiB}
      address: {connections: 30, rooms_per_minute: 40, bytes_per_second: 2MiB}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := settings{
		ProcessSettings: ProcessSettings{
			Layer:           "memory:",
			Name:            "web-1",
			LogFormat:       "json",
			LogLevel:        "debug",
			ShutdownTimeout: 5 * time.Second,
			MessageMemory:   3 << 30,
		},
		ConsumerSettings: ConsumerSettings{
			Listen:       "127.0.0.1:9000",
			Health:       "127.0.0.1:9001",
			Open:         new(true),
			Origin:       []string{"app.example.com"},
			APITokenFile: "yroom.token",
			Compression:  new(consumer.CompressionAnswers),
			AnswerMemory: 1 << 30,
			ExportMemory: 2 << 30,

			ShutdownDelay: 2 * time.Second,

			AddressHeader:         "X-Real-Ip",
			Connections:           7,
			ConnectionsPerAddress: 5,
			JoinsPerSecond:        3,
			DocumentsPerSocket:    6,
		},
		AuthSettings: AuthSettings{
			JWTKeyFile:         "public.pem",
			JWTKeysURL:         "https://app.example.com/keys",
			JWTIssuer:          "app",
			JWTAudience:        "docs",
			JWTCookie:          "room_token",
			ForwardAuth:        "https://app.example.com/rooms",
			ForwardAuthTimeout: 2 * time.Second,
			ForwardAuthEvery:   3 * time.Minute,
		},
		WorkerSettings: WorkerSettings{
			Store:   "memory:",
			Channel: []string{"yroom", "slow"},

			RoomsPerSecond: 2,
			Memory:         2 << 30,
		},
		Rooms: map[string]roomSettings{
			"default": {Settings: yroom.Settings{RemoveDelay: 2 * time.Minute}, Durability: new(store.DurabilityFsync)},
			"scratch": {StoreURL: "memory:"},
			"notes": {Durability: new(store.DurabilityCommit), Settings: yroom.Settings{
				ServerStartSync:  yroom.SwitchOff,
				UpdateVersion:    2,
				GC:               yroom.SwitchOff,
				Channel:          "slow",
				AwarenessTimeout: time.Minute,
				Limits: yroom.Limits{
					Message:       1 << 20,
					Document:      1 << 30,
					Pending:       64 << 10,
					Clients:       9,
					AwarenessIDs:  3,
					AwarenessSize: 500,
					RoomAwareness: 128 << 10,
					Outbox:        2 << 20,
					MailboxInputs: 100,
					MailboxSize:   70000,
					User:          yroom.Quota{Connections: 10, RoomsPerMinute: 20, BytesPerSecond: 1 << 20},
					Address:       yroom.Quota{Connections: 30, RoomsPerMinute: 40, BytesPerSecond: 2 << 20},
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
		{"no duration at all", "rooms:\n  default:\n    remove_delay: 0s\n", []string{"[3:19]", `"0s" is not longer than zero`}},
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

// An error quotes the lines around it, without the passwords and tokens in them.
func TestSettingsErrorsHidePasswords(t *testing.T) {
	_, err := parseSettings([]byte("store: 'postgres://host/db?user=u&password=s3cret'\nlissten: x\nlayer: nats://s3cret@host\n"))
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "lissten") {
		t.Errorf("the error is %v", err)
	}
}

func TestWithoutPassword(t *testing.T) {
	for address, want := range map[string]string{
		"sqlite:yroom.db": "sqlite:yroom.db", "sqlite+django:my rooms.db": "sqlite+django:my rooms.db", "memory:": "memory:",
		"postgres://user:s3cret@host/db": "postgres://user:xxxxx@host/db", "postgres+django://user@host/db": "postgres+django://user@host/db", "postgres://host/db?password=s3cret": "postgres://host/db", "redis://:%zz": "redis:",
		"nats://s3cret@host:4222": "nats://host:4222", "nats://s3cret@host,other": "nats://host,other", "rediss://:s3cret@a:1,b:2": "rediss://:xxxxx@a:1,b:2",
		"redis-sentinel://host/main?sentinel-password=s3cret": "redis-sentinel://host/main",
	} {
		if got := withoutPassword(address); got != want {
			t.Errorf("%q is logged as %q, want %q", address, got, want)
		}
	}
}

func TestSettingsOr(t *testing.T) {
	var flags, file settings
	fill(reflect.ValueOf(&file).Elem(), 1)
	if diff := cmp.Diff(file, settings{}.or(file)); diff != "" {
		t.Errorf("no flags over a file (-want +got)\n%s", diff)
	}
	fill(reflect.ValueOf(&flags).Elem(), 2)
	if diff := cmp.Diff(flags, flags.or(file)); diff != "" {
		t.Errorf("flags over a file (-want +got)\n%s", diff)
	}
	closed := settings{ConsumerSettings: ConsumerSettings{Open: new(false)}}
	if *closed.or(settings{ConsumerSettings: ConsumerSettings{Open: new(true)}}).Open {
		t.Error("--no-open has no effect on the file")
	}
}

// fill sets all fields to values that depend on n.
func fill(v reflect.Value, n int) {
	word := strconv.Itoa(n)
	for field, value := range v.Fields() {
		if field.Anonymous {
			fill(value, n)
			continue
		}
		switch to := value.Addr().Interface().(type) {
		case *string:
			*to = word
		case *int:
			*to = n
		case **float64:
			*to = new(float64(n))
		case *[]string:
			*to = []string{word}
		case **bool:
			*to = new(n%2 == 0)
		case **consumer.Compression:
			*to = new(consumer.Compression(n))
		case *time.Duration:
			*to = time.Duration(n)
		case *yroom.Bytes:
			*to = yroom.Bytes(n)
		case *map[string]roomSettings:
			*to = map[string]roomSettings{word: {}}
		case *map[string]webhookSettings:
			*to = map[string]webhookSettings{word: {}}
		default:
			panic("don't know how to fill " + field.Name)
		}
	}
}

// In a cluster, each store that other workers can't use is named once.
func TestWarnOfStore(t *testing.T) {
	s := settings{Rooms: map[string]roomSettings{
		"default": {StoreURL: "sqlite:unused.db"}, "a": {StoreURL: "sqlite:a.db"}, "b": {StoreURL: "sqlite:a.db"}, "c": {StoreURL: "memory:"}, "d": {},
	}}
	s.Store = "postgres://host/db"
	for layer, want := range map[string]int{inMemory: 0, "redis://host": 1} {
		var log bytes.Buffer
		s.Layer = layer
		s.warnOfStore(slog.New(slog.NewTextHandler(&log, nil)))
		for _, warning := range []string{"this store is a file on this machine", "this store belongs to this process alone"} {
			if got := strings.Count(log.String(), warning); got != want {
				t.Errorf("%s: %q is there %d times, want %d:\n%s", layer, warning, got, want, &log)
			}
		}
	}
}
