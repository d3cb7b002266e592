package room

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

var update = flag.Bool("update", false, "write the outputs of rooms into testdata/*.txt")

// TestTranscripts runs the scripts in testdata. A script is a list of turns, and each
// turn is a list of inputs, one per line. The outputs of the turn follow, indented by
// two spaces. Empty lines and comments, which begin with #, end a turn too. The inputs
// are:
//
//	limits NAME=VALUE ...             before all else: ids, size, timeout, document, pending, version
//	load HEX                          an update that is stored
//	merge HEX                         an update that another worker has stored; its outputs follow
//	TIME CONN join [write] [present] [acks] [v1] [user=NAME] [client-starts] [again [other.]SEQ [vector=HEX]]
//	TIME CONN > HEX                   a frame of the plain dialect
//	TIME CONN asks-offered HEX        the SyncStep1 with which a consumer asks for what was offered
//	TIME CONN shows CLIENT@CLOCK JSON awareness of the connection's own client
//	TIME CONN silent
//	TIME CONN types-v1 CLIENT@CLOCK TEXT
//	TIME CONN types CLIENT@CLOCK TEXT an update: CLIENT's text from CLOCK on; TEXT may be x*1000
//	TIME CONN has [write] [present] [changes=N]                  its consumer changes the access
//	TIME CONN gives [to=CONN] [user=NAME] [write] [present]      a program changes the access
//	TIME CONN expels [to=CONN] [user=NAME]
//	TIME CONN announces [TEXT]
//	TIME CONN leave
//	TIME CONN resync [other.]SEQ [vector=HEX]
//	TIME tick
//	TIME CONN query [since=SEQ] [vector=HEX] [bare]
//	TIME CONN watch [since=SEQ]
//	TIME CONN apply [client=CLIENT clock=CLOCK] HEX
func TestTranscripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(script))
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(script), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("run with -update and look at the change (-script +room)\n%s", diff)
			}
		})
	}
}

// play runs a script, and returns it with the outputs of the room inserted.
func play(t *testing.T, script string) string {
	t.Helper()
	cfg := Config{Encoding: blocks.V1}
	var (
		out  strings.Builder
		room *Room
		now  time.Time // zero: no turn is being collected
		ins  []event.Input
	)
	endTurn := func() {
		if now.IsZero() {
			return
		}
		before := room.Deadline()
		show(t, &out, room.Step(now, ins))
		if after := room.Deadline(); !after.Equal(before) {
			if after.IsZero() {
				fmt.Fprintln(&out, "  no deadline")
			} else {
				fmt.Fprintf(&out, "  deadline %v\n", after.Sub(time.Unix(0, 0)))
			}
		}
		now, ins = time.Time{}, nil
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue
		}
		input := line != "" && line[0] != '#'
		if !input {
			endTurn()
		}
		out.WriteString(line + "\n")
		if !input {
			continue
		}
		if words := strings.Fields(line); words[0] == "limits" {
			cfg = limits(t, words[1:])
			continue
		}
		if room == nil {
			room = New(cfg)
		}
		if data, ok := strings.CutPrefix(line, "load "); ok {
			if err := room.Load(unhex(t, data), blocks.V1); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if data, ok := strings.CutPrefix(line, "merge "); ok {
			e, err := room.Merge(at(0), unhex(t, data), blocks.V1)
			if err != nil {
				t.Fatal(err)
			}
			show(t, &out, e)
			continue
		}
		at, in := inputs(t, cfg.Encoding, line)
		now, ins = at, append(ins, in...)
	}
	endTurn()
	return out.String()
}

func limits(t *testing.T, words []string) Config {
	t.Helper()
	cfg := Config{Encoding: blocks.V1}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "ids":
			cfg.Awareness.IDs, err = strconv.Atoi(value)
		case "size":
			cfg.Awareness.Size, err = strconv.Atoi(value)
		case "timeout":
			cfg.Awareness.Timeout, err = time.ParseDuration(value)
		case "document":
			cfg.Blocks.MaxSize, err = strconv.Atoi(value)
		case "pending":
			cfg.Blocks.MaxPending, err = strconv.Atoi(value)
		case "clients":
			cfg.Blocks.MaxClients, err = strconv.Atoi(value)
		case "version":
			var version int
			version, err = strconv.Atoi(value)
			cfg.Encoding = blocks.Encoding(version)
		default:
			t.Fatalf("no such limit: %s", name)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return cfg
}

// inputs returns the inputs of a line, and their time.
func inputs(t *testing.T, enc blocks.Encoding, line string) (time.Time, []event.Input) {
	t.Helper()
	words := strings.Fields(line)
	after, err := time.ParseDuration(words[0])
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	now := time.Unix(0, 0).Add(after)
	if words[1] == "tick" {
		return now, nil
	}
	var in event.Input
	conn, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	in.Conn = event.ConnID(conn)
	args := words[3:]
	switch words[2] {
	case "has":
		in.Kind = event.InputAccess
		for _, arg := range args {
			if n, ok := strings.CutPrefix(arg, "changes="); ok {
				if in.AccessSeq, err = strconv.ParseUint(n, 10, 64); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			} else {
				in.Access |= access(t, arg)
			}
		}
	case "gives", "expels", "announces":
		in.Kind, in.Request = event.InputRequest, control(t, words[2], args)
	case "join":
		in.Kind = event.InputJoin
		for _, arg := range args {
			switch arg {
			case "write", "present":
				in.Access |= access(t, arg)
			case "acks":
				in.Acks = true
			case "v1":
				in.V1 = true
			case "client-starts":
				in.Greeting = event.GreetingClient
			case "again":
				in.Greeting = event.GreetingRejoin
			default:
				if user, ok := strings.CutPrefix(arg, "user="); ok {
					in.User = user
				} else {
					since(t, &in, []string{arg})
				}
			}
		}
	case "shows":
		client, clock := clientAt(t, args[0])
		in.Kind, in.Client = event.InputMessage, client
		in.Message = protocol.Message{Type: protocol.Awareness, Data: testkit.Present(client, clock, args[1])}
	case "asks-offered":
		in.Kind, in.Offered = event.InputMessage, true
		in.Message = protocol.Message{Type: protocol.SyncStep1, Data: unhex(t, args[0])}
	case "silent":
		in.Kind = event.InputSilent
	case "leave":
		in.Kind = event.InputLeave
	case "resync":
		in.Kind = event.InputResync
		since(t, &in, args)
	case "types-v1":
		in = write(in.Conn, typed(t, args[0], strings.Join(args[1:], " ")))
	case "types":
		in = write(in.Conn, recoded(enc, typed(t, args[0], strings.Join(args[1:], " "))))
	case "query", "watch", "apply":
		in.Kind = event.InputRequest
		in.Request = request(t, args)
		in.Request.Kind = map[string]event.RequestKind{
			"query": event.RequestQuery, "watch": event.RequestWatch, "apply": event.RequestApply,
		}[words[2]]
	case ">":
		var ins []event.Input
		for rest := unhex(t, strings.Join(args, "")); len(rest) > 0; {
			m, next, ok, err := protocol.Plain{}.Next(rest)
			if err != nil || !ok {
				t.Fatalf("%s: %v", line, err)
			}
			ins = append(ins, event.Input{Kind: event.InputMessage, Conn: in.Conn, Message: m})
			rest = next
		}
		return now, ins
	default:
		t.Fatalf("%s: no such input", line)
	}
	return now, []event.Input{in}
}

// since parses the state that a connection has: a sequence in the room's epoch, or in
// another epoch if it begins with "other.", and a state vector.
func since(t *testing.T, in *event.Input, words []string) {
	t.Helper()
	for _, word := range words {
		if vector, ok := strings.CutPrefix(word, "vector="); ok {
			in.Vector = unhex(t, vector)
			continue
		}
		seq, other := strings.CutPrefix(word, "other.")
		if other {
			in.Mark.Epoch = 1
		}
		var err error
		if in.Mark.Seq, err = strconv.ParseUint(seq, 10, 64); err != nil {
			t.Fatalf("%s: %v", word, err)
		}
	}
}

func request(t *testing.T, words []string) *event.Request {
	t.Helper()
	var ask event.Request
	var err error
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "since":
			ask.Since.Seq, err = strconv.ParseUint(value, 10, 64)
		case "vector":
			ask.Vector = unhex(t, value)
		case "bare":
			ask.Bare = true
		case "client":
			ask.Client, err = strconv.ParseUint(value, 10, 64)
		case "clock":
			ask.Clock, err = strconv.ParseUint(value, 10, 64)
		default:
			ask.Update = unhex(t, word)
		}
		if err != nil {
			t.Fatalf("%s: %v", word, err)
		}
	}
	return &ask
}

// access parses a bit of an access.
func access(t *testing.T, word string) event.Access {
	t.Helper()
	bits := map[string]event.Access{"write": event.AccessWrite, "present": event.AccessPresent}
	if bits[word] == 0 {
		t.Fatalf("%s: no such access", word)
	}
	return bits[word]
}

// control parses a request that concerns connections.
func control(t *testing.T, verb string, words []string) *event.Request {
	t.Helper()
	var q event.Request
	switch verb {
	case "announces":
		q.Kind = event.RequestBroadcast
		if len(words) > 0 {
			q.Message = protocol.Message{Type: protocol.Stateless, Data: []byte(strings.Join(words, " "))}
		}
		return &q
	case "expels":
		q.Kind = event.RequestExpel
		q.Message = protocol.Message{Type: protocol.Close, Code: protocol.CloseForbidden, Reason: "go"}
	case "gives":
		q.Kind = event.RequestAccess
	}
	for _, word := range words {
		if to, ok := strings.CutPrefix(word, "to="); ok {
			id, err := strconv.ParseUint(to, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", word, err)
			}
			q.Target = event.ConnID(id)
		} else if user, ok := strings.CutPrefix(word, "user="); ok {
			q.User = user
		} else {
			q.Access |= access(t, word)
		}
	}
	return &q
}

// typed returns the update of a client that types text after its own. at is
// CLIENT@CLOCK.
func typed(t *testing.T, at, text string) []byte {
	t.Helper()
	if what, times, ok := strings.Cut(text, "*"); ok {
		n, err := strconv.Atoi(times)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.Repeat(what, n)
	}
	client, clock := clientAt(t, at)
	return testkit.TypedIn("t", client, clock, text)
}

// clientAt parses CLIENT@CLOCK.
func clientAt(t *testing.T, at string) (client, clock uint64) {
	t.Helper()
	if _, err := fmt.Sscanf(at, "%d@%d", &client, &clock); err != nil {
		t.Fatal(err)
	}
	return client, clock
}

// recoded returns a V1 update in the encoding enc.
func recoded(enc blocks.Encoding, update []byte) []byte {
	return must(blocks.Convert(blocks.V1, enc, update))
}

func show(t *testing.T, w *strings.Builder, e Effects) {
	t.Helper()
	if e.Update == nil && e.Now == nil && e.Durable == nil {
		fmt.Fprintln(w, "  nothing")
	}
	if e.Update != nil {
		fmt.Fprintf(w, "  update %s\n", brief(e.Update))
	}
	for _, o := range e.Now {
		fmt.Fprintf(w, "  now %s\n", line(t, o))
	}
	for _, o := range e.Durable {
		fmt.Fprintf(w, "  durable %s\n", line(t, o))
	}
}

func line(t *testing.T, o event.Output) string {
	t.Helper()
	to := map[event.Reach]string{event.ReachAll: "all", event.ReachV1: "all of V1", event.ReachOthers: "all others"}[o.Reach]
	if o.To != event.Everyone {
		to = fmt.Sprint(o.To)
	}
	if o.Response != nil {
		return to + " response" + response(*o.Response)
	}
	switch o.Kind {
	case event.OutputRejoin:
		return to + " rejoin"
	case event.OutputProbe:
		return to + " probe"
	case event.OutputAccess:
		return fmt.Sprintf("%s access %d after %d changes", to, o.Access, o.AccessSeq)
	}
	past := ""
	if o.Vector != nil {
		past = " past " + brief(o.Vector)
	}
	switch o.Message.Type {
	case protocol.Awareness:
		return to + " awareness" + states(t, o.Message.Data)
	case protocol.QueryAwareness:
		return to + " query"
	case protocol.Ack:
		return fmt.Sprintf("%s ack %d", to, o.Message.Count)
	case protocol.Uncounted:
		return fmt.Sprintf("%s uncounted %d", to, o.Message.Count)
	case protocol.Stateless:
		return fmt.Sprintf("%s stateless %s", to, o.Message.Data)
	case protocol.Reject:
		return fmt.Sprintf("%s reject %d", to, o.Message.Count)
	case protocol.Close:
		return fmt.Sprintf("%s close %d %s", to, o.Message.Code, o.Message.Reason)
	case protocol.SyncStep1:
		return fmt.Sprintf("%s seq %d step1 %s", to, o.Mark.Seq, brief(o.Message.Data)) + past
	case protocol.SyncStep2:
		return fmt.Sprintf("%s seq %d step2 %s", to, o.Mark.Seq, brief(o.Message.Data)) + past
	case protocol.Update:
		return fmt.Sprintf("%s seq %d update %s", to, o.Mark.Seq, brief(o.Message.Data)) + past
	}
	t.Fatalf("a room sent %v", o)
	return ""
}

func response(a event.Response) string {
	if a.Refusal != (event.Refusal{}) {
		cause := map[event.Cause]string{event.CauseMalformed: "malformed", event.CauseOverLimit: "over the limit", event.CauseStale: "stale"}[a.Refusal.Cause]
		return strings.TrimRight(fmt.Sprintf(" refused, %s %s", cause, a.Refusal.Reason), " ")
	}
	text := fmt.Sprintf(" at %d", a.Mark.Seq)
	if a.Mark == (event.Mark{}) {
		text = fmt.Sprintf(" count %d", a.Count)
	}
	if a.Update != nil {
		text += " update " + brief(a.Update)
	}
	if a.Whole {
		text += " whole"
	}
	if a.Vector != nil {
		text += " vector " + brief(a.Vector)
	}
	for _, m := range a.Members {
		text += strings.TrimRight(fmt.Sprintf(" member %d %s", m.ID, m.User), " ")
	}
	for _, s := range a.States {
		text += fmt.Sprintf(" state %d@%d of %d %s", s.Client, s.Clock, s.Conn, s.JSON)
	}
	return text
}

// states returns an awareness update as text.
func states(t *testing.T, data []byte) string {
	t.Helper()
	r := lib0.NewReader(data)
	n := r.Uint()
	if n == 0 {
		return " of no client"
	}
	var out strings.Builder
	for ; n > 0; n-- {
		fmt.Fprintf(&out, " %d@%d %s", r.Uint(), r.Uint(), r.Text())
	}
	if r.Err() != nil || r.Len() > 0 {
		t.Fatalf("awareness %x: %v", data, r.Err())
	}
	return out.String()
}

func brief(b []byte) string {
	if len(b) > 64 {
		return fmt.Sprintf("%x.. (%d bytes)", b[:16], len(b))
	}
	return hex.EncodeToString(b)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
