package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/store"
)

// settings holds the settings of the command line or of yroom.yaml. A zero field is not
// set. A command has the flags of the parts that it runs; the file is for all commands.
// The parts are exported, because the YAML decoder sets no unexported ones.
type settings struct {
	ProcessSettings  `yaml:",inline"`
	ConsumerSettings `yaml:",inline"`
	AuthSettings     `yaml:",inline"`
	WorkerSettings   `yaml:",inline"`

	Rooms    map[string]roomSettings    `yaml:"rooms"    kong:"-"`
	Webhooks map[string]webhookSettings `yaml:"webhooks" kong:"-"`
}

// ProcessSettings are the settings of every process.
type ProcessSettings struct {
	Layer string `yaml:"layer" placeholder:"URL"  help:"Connects consumers and workers: redis://…, nats://…, django+redis://… (for a worker), or memory:, within this process (default: memory:)."`
	Name  string `yaml:"name"  placeholder:"NAME" help:"Name of this process on pages and in lists of rooms (default: host name and process id)."`

	LogFormat string `yaml:"log_format" placeholder:"FORMAT" values:"text,json"             help:"text or json (default: text)."`
	LogLevel  string `yaml:"log_level"  placeholder:"LEVEL"  values:"debug,info,warn,error" help:"debug, info, warn or error (default: info)."`

	ShutdownTimeout time.Duration `yaml:"shutdown_timeout" placeholder:"DURATION"  help:"How long a shutdown may take (default: 30s)."`
	MetricsListen   string        `yaml:"metrics_listen"   placeholder:"HOST:PORT" help:"Address for /metrics alone, without a token (default: none)."`

	TracesURL   string   `yaml:"traces_url"   placeholder:"URL"  help:"Address of an OpenTelemetry collector, such as http://127.0.0.1:4318, to which traces of some edits and API requests are sent by OTLP over HTTP (default: none)."`
	TracesRatio *float64 `yaml:"traces_ratio" placeholder:"PART" help:"Fraction of the edits and API requests that are traced: 1 traces all (default: 0.01)."`

	MessageMemory yroom.Bytes `yaml:"message_memory" kong:"-"`
}

// ConsumerSettings are the settings of a process that clients connect to.
type ConsumerSettings struct {
	Connections           int `yaml:"connections"             kong:"-"`
	ConnectionsPerAddress int `yaml:"connections_per_address" kong:"-"`
	JoinsPerSecond        int `yaml:"joins_per_second"        kong:"-"`
	DocumentsPerSocket    int `yaml:"documents_per_socket"    kong:"-"`

	Compression *consumer.Compression `yaml:"compression" placeholder:"MODE" values:"off,answers,all" help:"What is compressed for clients: off, answers (documents of more than 4 KiB) or all (also what is sent to all connections of a room, from 256 bytes on) (default: off)."`

	AnswerMemory yroom.Bytes `yaml:"answer_memory" kong:"-"`
	ExportMemory yroom.Bytes `yaml:"export_memory" kong:"-"`

	ShutdownDelay time.Duration `yaml:"shutdown_delay" placeholder:"DURATION" help:"How long /readyz answers 503 before a shutdown ends connections, so that a load balancer passes new clients to other processes; part of the shutdown timeout (default: 0s)."`

	Listen        string   `yaml:"listen"         placeholder:"HOST:PORT" help:"Address to listen on (default: 127.0.0.1:8000)."`
	Health        string   `yaml:"health"         placeholder:"HOST:PORT" help:"Another address for /healthz and /readyz (default: none)."`
	Open          *bool    `yaml:"open"           negatable:""            help:"Allow everyone who can reach the address. Without it the server listens on a loopback address only."`
	Origin        []string `yaml:"origin"         placeholder:"HOST"      help:"Hosts whose pages may connect, the server's own among them, such as app.example.com, *.example.com or localhost:*; * is all (default: the server's own, by its address, and loopback hosts, if it listens on one)."`
	AddressHeader string   `yaml:"address_header" placeholder:"NAME"      help:"Header field in which a proxy in front passes on the address of a client, such as X-Forwarded-For (default: none)."`
	APITokenFile  string   `yaml:"api_token_file" placeholder:"FILE"      help:"File with the token that opens the document API, and the room pages to other machines (default: none, which leaves the API off and the pages to this machine)."`
}

// AuthSettings say which clients may open which room. Without JWTKeyFile, JWTKeysURL and
// ForwardAuth, all may open each.
type AuthSettings struct {
	JWTKeyFile  string `yaml:"jwt_key_file" placeholder:"FILE" help:"File with the public key, or the secret, that verifies the JSON Web Tokens of clients (default: none)."`
	JWTKeysURL  string `yaml:"jwt_keys_url" placeholder:"URL"  help:"Address of a JSON Web Key Set that verifies them (default: none)."`
	JWTIssuer   string `yaml:"jwt_issuer"   kong:"-"`
	JWTAudience string `yaml:"jwt_audience" kong:"-"`
	JWTCookie   string `yaml:"jwt_cookie"   kong:"-"`

	ForwardAuth        string        `yaml:"forward_auth"         placeholder:"URL" help:"Address of your app, which is asked about each client and room (default: none)."`
	ForwardAuthTimeout time.Duration `yaml:"forward_auth_timeout" kong:"-"`
	ForwardAuthEvery   time.Duration `yaml:"forward_auth_every"   kong:"-"`
}

// WorkerSettings are the settings of a process that runs rooms.
type WorkerSettings struct {
	RoomsPerSecond int `yaml:"rooms_per_second" kong:"-"`

	Store   string   `yaml:"store"   placeholder:"URL"  help:"Where documents are kept: sqlite:FILE, postgres://…, or memory: (must be set if --layer connects processes, otherwise default: sqlite:yroom.db)."`
	Channel []string `yaml:"channel" placeholder:"NAME" help:"Channels whose rooms this process runs (default: yroom)."`

	Memory yroom.Bytes `yaml:"memory" kong:"-"`
}

// roomSettings is a row of yroom.yaml: the settings of the library, and those of the
// command.
type roomSettings struct {
	yroom.Settings `yaml:",inline"`

	StoreURL   string             `yaml:"store"`
	Durability *store.Durability  `yaml:"durability"`
	Editor     prosemirror.Config `yaml:"editor"`
}

// fallback is the key of the row for rooms whose prefix has no row.
const fallback = "default"

const defaultFile = "yroom.yaml"

var defaults = settings{
	ProcessSettings: ProcessSettings{
		Layer:           inMemory,
		LogFormat:       "text",
		LogLevel:        "info",
		ShutdownTimeout: 30 * time.Second,
		TracesRatio:     new(0.01),
		MessageMemory:   256 << 20,
	},
	ConsumerSettings: ConsumerSettings{
		Listen: "127.0.0.1:8000",
		Open:   new(bool),

		Compression:           new(consumer.Compression),
		AnswerMemory:          256 << 20,
		ExportMemory:          256 << 20,
		Connections:           20_000,
		ConnectionsPerAddress: 1_000,
		JoinsPerSecond:        1_000,
		DocumentsPerSocket:    100,
	},
	AuthSettings: AuthSettings{
		ForwardAuthTimeout: 5 * time.Second,
		ForwardAuthEvery:   time.Minute,
	},
	WorkerSettings: WorkerSettings{
		Store:   "sqlite:yroom.db",
		Channel: []string{yroom.DefaultChannel},

		RoomsPerSecond: 1_000,
	},
}

// or returns s with the fields that it doesn't set taken from base.
func (s settings) or(base settings) settings {
	if len(s.Origin) == 0 {
		s.Origin = base.Origin
	}
	if len(s.Channel) == 0 {
		s.Channel = base.Channel
	}
	if s.Rooms == nil {
		s.Rooms = base.Rooms
	}
	if s.Webhooks == nil {
		s.Webhooks = base.Webhooks
	}
	return settings{
		ProcessSettings: ProcessSettings{
			Layer:           cmp.Or(s.Layer, base.Layer),
			Name:            cmp.Or(s.Name, base.Name),
			LogFormat:       cmp.Or(s.LogFormat, base.LogFormat),
			LogLevel:        cmp.Or(s.LogLevel, base.LogLevel),
			ShutdownTimeout: cmp.Or(s.ShutdownTimeout, base.ShutdownTimeout),
			MetricsListen:   cmp.Or(s.MetricsListen, base.MetricsListen),
			MessageMemory:   cmp.Or(s.MessageMemory, base.MessageMemory),
			TracesURL:       cmp.Or(s.TracesURL, base.TracesURL),
			TracesRatio:     cmp.Or(s.TracesRatio, base.TracesRatio),
		},
		ConsumerSettings: ConsumerSettings{
			Listen:       cmp.Or(s.Listen, base.Listen),
			Health:       cmp.Or(s.Health, base.Health),
			Open:         cmp.Or(s.Open, base.Open),
			Origin:       s.Origin,
			Compression:  cmp.Or(s.Compression, base.Compression),
			APITokenFile: cmp.Or(s.APITokenFile, base.APITokenFile),
			AnswerMemory: cmp.Or(s.AnswerMemory, base.AnswerMemory),
			ExportMemory: cmp.Or(s.ExportMemory, base.ExportMemory),

			ShutdownDelay: cmp.Or(s.ShutdownDelay, base.ShutdownDelay),

			AddressHeader:         cmp.Or(s.AddressHeader, base.AddressHeader),
			Connections:           cmp.Or(s.Connections, base.Connections),
			ConnectionsPerAddress: cmp.Or(s.ConnectionsPerAddress, base.ConnectionsPerAddress),
			JoinsPerSecond:        cmp.Or(s.JoinsPerSecond, base.JoinsPerSecond),
			DocumentsPerSocket:    cmp.Or(s.DocumentsPerSocket, base.DocumentsPerSocket),
		},
		AuthSettings: AuthSettings{
			JWTKeyFile:  cmp.Or(s.JWTKeyFile, base.JWTKeyFile),
			JWTKeysURL:  cmp.Or(s.JWTKeysURL, base.JWTKeysURL),
			JWTIssuer:   cmp.Or(s.JWTIssuer, base.JWTIssuer),
			JWTAudience: cmp.Or(s.JWTAudience, base.JWTAudience),
			JWTCookie:   cmp.Or(s.JWTCookie, base.JWTCookie),

			ForwardAuth:        cmp.Or(s.ForwardAuth, base.ForwardAuth),
			ForwardAuthTimeout: cmp.Or(s.ForwardAuthTimeout, base.ForwardAuthTimeout),
			ForwardAuthEvery:   cmp.Or(s.ForwardAuthEvery, base.ForwardAuthEvery),
		},
		WorkerSettings: WorkerSettings{
			Store:   cmp.Or(s.Store, base.Store),
			Channel: s.Channel,

			RoomsPerSecond: cmp.Or(s.RoomsPerSecond, base.RoomsPerSecond),
			Memory:         cmp.Or(s.Memory, base.Memory),
		},
		Rooms:    s.Rooms,
		Webhooks: s.Webhooks,
	}
}

// limits returns the limits on connections.
func (s ConsumerSettings) limits() consumer.Limits {
	return consumer.Limits{
		Connections:           s.Connections,
		ConnectionsPerAddress: s.ConnectionsPerAddress,
		AddressHeader:         s.AddressHeader,
		JoinsPerSecond:        s.JoinsPerSecond,
		DocumentsPerSocket:    s.DocumentsPerSocket,
	}
}

// readSettings reads a settings file. If path is "", it reads yroom.yaml, if that
// exists.
func readSettings(path string) (settings, error) {
	data, err := os.ReadFile(cmp.Or(path, defaultFile))
	switch {
	case path == "" && errors.Is(err, fs.ErrNotExist):
		return settings{}, nil
	case path == "" && err != nil:
		return settings{}, err
	case err != nil:
		return settings{}, fmt.Errorf("--config: %w", err)
	}
	s, err := parseSettings(data)
	if err != nil {
		return settings{}, fmt.Errorf("%s: %w", cmp.Or(path, defaultFile), err)
	}
	return s, nil
}

// readServerSettings is readSettings for a command that takes settings from variables, too. It returns an
// error if there is a variable for a setting that only the file can have: it would be ignored,
// and an access might not be checked.
func readServerSettings(path string) (settings, error) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name := variable(key); field.Tag.Get("kong") == "-" && os.Getenv(name) != "" {
			return settings{}, fmt.Errorf("the variable %s sets nothing: write %s into the settings file", name, key)
		}
	}
	return readSettings(path)
}

// parseSettings parses a settings file. An unknown key is an error.
func parseSettings(data []byte) (settings, error) {
	var s settings
	err := yaml.UnmarshalWithOptions(data, &s,
		yaml.Strict(),
		yaml.CustomUnmarshaler(list),
		yaml.CustomUnmarshaler(scalar(parseDuration)),
		yaml.CustomUnmarshaler(scalar(parseSize)),
		yaml.CustomUnmarshaler(scalar(parseCount)),
		yaml.CustomUnmarshaler(scalar(parseDurability)),
		yaml.CustomUnmarshaler(scalar(parseSwitch)),
		yaml.CustomUnmarshaler(scalar(parseCompression)),
	)
	if bad, ok := errors.AsType[*wordError](err); ok {
		err = bad.in(data)
	}
	if err != nil {
		// The text quotes lines of the file.
		return settings{}, errors.New(address.ReplaceAllString(err.Error(), "://xxxxx"))
	}
	return s, nil
}

// address matches what follows the scheme of a URL, which may contain a password or a token.
var address = regexp.MustCompile(`://\S*`)

// wordError is the error for a value that its parser refused.
type wordError struct {
	word string
	error
}

// in returns the error with the position of the word in the file, if the word occurs
// only once. The decoder doesn't pass the position to a parser.
func (e *wordError) in(file []byte) error {
	var found *token.Token
	for _, t := range lexer.Tokenize(string(file)) {
		if t.Value == e.word && found != nil {
			return e
		}
		if t.Value == e.word {
			found = t
		}
	}
	if found == nil { // the word is not in the file in this form
		return e
	}
	return &yaml.SyntaxError{Message: e.Error(), Token: found}
}

// scalar returns a YAML unmarshaler for a parser of one word.
func scalar[T any](parse func(string) (T, error)) func(*T, []byte) error {
	return func(to *T, data []byte) error {
		var word string
		if err := yaml.Unmarshal(data, &word); err != nil {
			return err
		}
		value, err := parse(word)
		if err != nil {
			return &wordError{word, err}
		}
		*to = value
		return nil
	}
}

// list unmarshals a list, or one string in its place.
func list(to *[]string, data []byte) error {
	var one string
	if yaml.Unmarshal(data, &one) == nil && one != "" {
		*to = []string{one}
		return nil
	}
	if yaml.Unmarshal(data, to) != nil {
		return &wordError{strings.TrimSpace(string(data)), errors.New("want a list, such as [app.example.com, localhost:5173]")}
	}
	return nil
}

func parseDuration(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration like 500ms, 30s or 2m", word)
	case d <= 0:
		return 0, fmt.Errorf("%q is not longer than zero: for practically no time, use 1ms", word)
	}
	return d, nil
}

func parseDurability(word string) (store.Durability, error) {
	for _, d := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit, store.DurabilityNone} {
		if d.String() == word {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q is not a durability: fsync, commit or none", word)
}

func parseSwitch(word string) (s yroom.Switch, err error) {
	err = s.UnmarshalText([]byte(word))
	return s, err
}

func parseCompression(word string) (c consumer.Compression, err error) {
	err = c.UnmarshalText([]byte(word))
	return c, err
}

func parseCount(word string) (int, error) {
	n, err := strconv.Atoi(word)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is not a whole number above zero", word)
	}
	return n, nil
}

func parseSize(word string) (yroom.Bytes, error) {
	digits, unit := strings.TrimRight(word, "KMGiB"), 1
	switch word[len(digits):] {
	case "", "B":
	case "KiB":
		unit = 1 << 10
	case "MiB":
		unit = 1 << 20
	case "GiB":
		unit = 1 << 30
	default:
		digits = ""
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 || n > math.MaxInt/unit {
		return 0, fmt.Errorf("%q is not a size like 500B, 64KiB, 16MiB or 1GiB", word)
	}
	return yroom.Bytes(n * unit), nil
}
