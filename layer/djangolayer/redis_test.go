package djangolayer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/yjs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is the time, which a test can move on.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(by time.Duration) { c.ahead.Add(int64(by)) }

// django plays the Django processes of a deployment with a worker.
type django struct {
	*clock

	layer          *Layer
	hosts          []rueidis.Client
	roomsPerSecond int
}

// start starts a worker, and Redis if urls is empty.
func start(t *testing.T, parameters string, urls ...string) *django {
	t.Helper()
	if len(urls) == 0 {
		urls = []string{redis.Start(t, redis.Options{}).URL()}
	}
	d := &django{clock: new(clock)}
	address := "django+" + urls[0]
	for i, url := range urls {
		d.hosts = append(d.hosts, connect(t, url))
		if i > 0 {
			address += "," + strings.TrimPrefix(url, "redis://")
		}
	}
	d.work(t, address+"?type=core"+parameters)
	return d
}

// connect returns a client of Redis.
func connect(t *testing.T, url string) rueidis.Client {
	t.Helper()
	a, err := parse("django+"+url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rueidis.NewClient(a.hosts[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// work runs a worker until the end of the test.
func (d *django) work(t *testing.T, address string) {
	t.Helper()
	l, err := open(Config{URL: address, Channels: []string{"yroom"}, Logger: testkit.Logger(t)}, d.now)
	if err != nil {
		t.Fatal(err)
	}
	d.layer = l
	w, err := yroom.NewWorker(yroom.Config{Layer: l, Logger: testkit.Logger(t), RoomsPerSecond: d.roomsPerSecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// tick moves the time on, and does what is due then.
func (d *django) tick(by time.Duration) {
	d.advance(by)
	d.layer.proxy.doDue()
}

func (d *django) do(t *testing.T, host int, args ...string) rueidis.RedisResult {
	t.Helper()
	r := d.hosts[host].Do(t.Context(), d.hosts[host].B().Arbitrary(args...).Build())
	if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
		t.Fatal(err)
	}
	return r
}

// push sends an entry to the worker.
func (d *django) push(t *testing.T, entry []byte) {
	t.Helper()
	d.do(t, rand.IntN(len(d.hosts)), "ZADD", "asgiyroom", fmt.Sprintf("%.6f", float64(d.now().UnixMicro())/1e6), string(entry))
}

// entry returns an entry of a Django process.
func entry(v dict) []byte {
	return append(codec{prefix: randomPrefix}.head(0), value(v)...)
}

// socket is a connection of a client at a Django process.
type socket struct {
	*django

	room, process, name string
	doc                 *yjs.Doc
	steps               int // SyncStep2 that were received
	updates             int // Update messages that were received
	closed              protocol.CloseCode
}

func (d *django) socket(room, process string) *socket {
	return &socket{django: d, room: room, process: "specific." + process + "!", name: "specific." + process + "!" + strconv.FormatUint(rand.Uint64(), 16), doc: yjs.New()}
}

func (s *socket) message(typ string, more ...any) dict {
	return append(dict{"type", typ, "room", s.room, "channel_name", s.name}, more...)
}

func (s *socket) send(t *testing.T, m protocol.Message, more ...any) {
	t.Helper()
	frame := protocol.Plain{}.Append(nil, m)
	s.push(t, entry(s.message("message", append([]any{"payload", frame}, more...)...)))
}

// join connects, and requests the document as a client does.
func (s *socket) join(t *testing.T) {
	t.Helper()
	s.push(t, entry(s.message("connect")))
	s.send(t, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
}

// write appends a text to the document of the client, and sends the update.
func (s *socket) write(t *testing.T, text string) {
	t.Helper()
	update, err := s.doc.Transact(func() error {
		root, err := s.doc.Text("text")
		if err != nil {
			return err
		}
		return root.Insert(root.Len(), text, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, protocol.Message{Type: protocol.Update, Data: update})
}

func (s *socket) text(t *testing.T) string {
	t.Helper()
	text, err := s.doc.Text("text")
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// take takes the messages that wait for the process of some sockets.
func take(t *testing.T, sockets ...*socket) {
	t.Helper()
	s := sockets[0]
	for {
		popped, err := s.do(t, hostOf(s.process, len(s.hosts)), "ZPOPMIN", "asgi"+s.process).ToArray()
		if err != nil {
			t.Fatal(err)
		}
		if len(popped) == 0 {
			return
		}
		data, err := popped[0].AsBytes()
		if err != nil {
			t.Fatal(err)
		}
		a := readAnswer(t, data[randomPrefix:])
		for _, s := range sockets {
			if strings.Contains(a.to, s.name) {
				s.receive(t, a)
			}
		}
	}
}

// received is an answer as a Django process reads it.
type received struct {
	typ      string
	payloads [][]byte
	to       string // the channels, joined
	code     protocol.CloseCode
}

func readAnswer(t *testing.T, data []byte) (a received) {
	t.Helper()
	r := reader{rest: data}
	for n := r.expect(kindMap, "answer"); n > 0; n -= 2 {
		switch key := r.text("key"); key {
		case "type":
			a.typ = r.text(key)
		case "payloads":
			for range r.expect(kindArray, key) {
				a.payloads = append(a.payloads, r.bytes(key))
			}
		case "__asgi_channel__":
			for range r.expect(kindArray, key) {
				a.to += r.text(key) + " "
			}
		case "code":
			r.take(1)
			a.code = protocol.CloseCode(r.number(2))
		default:
			r.skip()
		}
	}
	if r.err != nil || len(r.rest) > 0 {
		t.Fatalf("%x: %v", data, r.err)
	}
	return a
}

func (s *socket) receive(t *testing.T, a received) {
	t.Helper()
	if a.typ == typeClose {
		s.closed = a.code
	}
	for _, frame := range a.payloads {
		m, rest, ok, err := protocol.Plain{}.Next(frame)
		if !ok || err != nil || len(rest) > 0 {
			t.Fatalf("the frame %x is not one message: %v", frame, err)
		}
		switch m.Type {
		case protocol.SyncStep1:
			lacks, err := s.doc.Diff(m.Data, blocks.V1)
			if err != nil {
				t.Fatal(err)
			}
			s.send(t, protocol.Message{Type: protocol.SyncStep2, Data: lacks})
		case protocol.SyncStep2, protocol.Update:
			if m.Type == protocol.SyncStep2 {
				s.steps++
			} else {
				s.updates++
			}
			if err := s.doc.Apply(bytes.Clone(m.Data), blocks.V1); err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
}

// await takes messages until a condition, which returns what is missing.
func await(t *testing.T, what string, missing func() string, sockets ...*socket) {
	t.Helper()
	testkit.Eventually(t, what, func() string {
		take(t, sockets...)
		return missing()
	})
}

// joined waits until a socket has the document.
func joined(t *testing.T, s *socket) {
	t.Helper()
	s.join(t)
	await(t, "a SyncStep2", func() string {
		if s.steps == 0 {
			return "none"
		}
		return ""
	}, s)
}

func (s *socket) lacks(t *testing.T, want string) string {
	t.Helper()
	if got := s.text(t); got != want {
		return fmt.Sprintf("%.100q, want %.100q", got, want)
	}
	return ""
}

func (s *socket) awaitText(t *testing.T, want string) {
	t.Helper()
	await(t, "the text arrives", func() string { return s.lacks(t, want) }, s)
}

// The layer is a whole one for programs in the process of the worker.
func TestConformance(t *testing.T) {
	url := redis.Start(t, redis.Options{}).URL()
	layertest.Run(t, func(t *testing.T) layer.Layer {
		l, err := Open(Config{URL: "django+" + url, Logger: testkit.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return l
	})
}

func TestGarbage(t *testing.T) {
	d := start(t, "")
	a := d.socket("room", "a")
	joined(t, a)
	bad := [][]byte{
		{},
		[]byte("short"), make([]byte, randomPrefix), bytes.Repeat([]byte{1}, 100), bytes.Repeat([]byte{0x91}, 1<<20),
		entry(dict{}), entry(a.message("export")), entry(a.message("message")), entry(a.message("message", "payload", "text")),
		entry(a.message("message", "payload", make([]byte, maxPayload+1))),
		entry(a.message("message", "payload", []byte{0, 2, 200})), entry(a.message("message", "payload", bytes.Repeat([]byte{3}, maxMessages+1))),
		entry(a.message("rpc", "method", "list_rooms", "params", []any{"r"})), entry(a.message("rpc", "method", "export_text", "params", []any{1})),
		entry(a.message("message", "payload", []byte{3}, "options", dict{"allow_write", "no"})),
		entry(dict{"type", "connect", "room", "no room", "channel_name", a.name}), entry(dict{"type", "connect", "room", "room"}),
		entry(dict{"type", "connect", "room", "room", "channel_name", "yroom"}), // it would send to itself
	}
	for _, e := range bad {
		d.push(t, e)
	}
	a.write(t, "goes on")
	b := d.socket("room", "b")
	joined(t, b)
	b.awaitText(t, "goes on")
	if s := d.layer.Stats(); s.Skipped != uint64(len(bad)) || s.Received < s.Skipped+5 || s.Conns != 2 {
		t.Errorf("%+v, want %d messages skipped", s, len(bad))
	}
}

// A Django process that takes nothing for a while is brought up to date by one update.
func TestCapacity(t *testing.T) {
	const capacity = 10
	d := start(t, "&capacity="+strconv.Itoa(capacity))
	fast, slow, idle := d.socket("room", "a"), d.socket("room", "b"), d.socket("room", "b")
	for _, s := range []*socket{fast, slow, idle} {
		joined(t, s)
	}
	want := ""
	for i := range 100 {
		word := strconv.Itoa(i) + " "
		want += word
		before := fast.updates
		fast.write(t, word)
		await(t, "the echo", func() string { // otherwise words would share a message
			if fast.updates == before {
				return "none"
			}
			return ""
		}, fast)
	}
	testkit.Eventually(t, "the process is full", func() string {
		if s := d.layer.Stats(); s.Full == 0 || s.Behind != 1 {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	waiting, err := d.do(t, 0, "ZCARD", "asgi"+slow.process).AsInt64()
	if err != nil || waiting > capacity {
		t.Errorf("%d messages wait for the process, %v, and %d are allowed", waiting, err, capacity)
	}
	await(t, "all have the text", func() string {
		if slow.text(t) != want || idle.text(t) != want {
			return slow.text(t) + "\n" + idle.text(t)
		}
		return ""
	}, slow, idle)
	testkit.Eventually(t, "no process is behind", func() string {
		if s := d.layer.Stats(); s.Behind != 0 {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
}

// What a worker was handling when it ended is handled before what came after it, and once.
func TestInflight(t *testing.T) {
	url := redis.Start(t, redis.Options{}).URL()
	d := &django{clock: new(clock)}
	d.hosts = []rueidis.Client{connect(t, url)}
	s := d.socket("room", "a")
	connect, last := entry(s.message("connect")), entry(s.message("disconnect"))
	step := entry(s.message("message", "payload", protocol.Plain{}.Append(nil, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})))
	d.do(t, 0, "ZADD", "asgiyroom$inflight", "1", string(connect), "2", string(step))
	d.do(t, 0, "ZADD", "asgiyroom", "2", string(step), "3", string(last))
	d.work(t, "django+"+url)
	testkit.Eventually(t, "the messages are handled", func() string {
		if got := d.layer.Stats(); got.Received != 3 || got.Conns != 0 {
			return fmt.Sprintf("%+v", got)
		}
		return ""
	})
	d.push(t, step) // that has happened to entries of which Python workers left a copy
	d.push(t, entry(s.message("connect")))
	testkit.Eventually(t, "the next message is handled", func() string {
		if got := d.layer.Stats(); got.Received != 4 || got.Conns != 1 {
			return fmt.Sprintf("%+v", got)
		}
		return ""
	})
	testkit.Eventually(t, "nothing is being handled", func() string {
		if n, err := d.do(t, 0, "EXISTS", "asgiyroom$inflight").AsInt64(); err != nil || n != 0 {
			return fmt.Sprint(n, err)
		}
		return ""
	})
}

// hasTaken reports whether the connection is there and was asked for nothing that its process
// has not taken.
func (s *socket) hasTaken() bool {
	p := s.layer.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rooms[s.room]
	return r != nil && r.channels[s.name] != nil && !r.channels[s.name].taken.Before(r.channels[s.name].asked)
}

// A connection ends whose Django process was killed, and one whose last message was lost. One
// whose client is only silent stays.
func TestSilence(t *testing.T) {
	d := start(t, "")
	alive, left, dead := d.socket("room", "a"), d.socket("room", "a"), d.socket("room", "b")
	for _, s := range []*socket{alive, left, dead} {
		joined(t, s)
	}
	for _, s := range []*socket{alive, dead} {
		d.do(t, 0, "ZADD", "asgi:group:room", "1", s.name)
	}
	for range 20 {
		d.tick(lookPause)
		await(t, "the living process takes what is sent", func() string {
			if !alive.hasTaken() {
				return "it was asked, and the worker doesn't know yet that it has taken that"
			}
			if n, err := d.do(t, 0, "ZCARD", "asgi"+alive.process).AsInt64(); err != nil || n != 0 {
				return fmt.Sprint(n, err)
			}
			return ""
		}, alive)
	}
	testkit.Eventually(t, "the other connections have ended", func() string {
		if s := d.layer.Stats(); s.Conns != 1 {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	testkit.Eventually(t, "the dead process is no member of the group", func() string {
		members, err := d.do(t, 0, "ZRANGE", "asgi:group:room", "0", "-1").AsStrSlice()
		if err != nil || len(members) != 1 || members[0] != alive.name {
			return fmt.Sprint(members, err)
		}
		return ""
	})
	take(t, dead) // it was not dead after all
	alive.write(t, "and then")
	dead.send(t, protocol.Message{Type: protocol.QueryAwareness})
	dead.awaitText(t, "and then")
}

// After everything in Redis was deleted, connections go on, and their groups are there again.
func TestEmptied(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	joined(t, b)
	d.do(t, 0, "FLUSHALL")
	testkit.Eventually(t, "the group is there", func() string {
		n, err := d.do(t, 0, "ZCARD", "asgi:group:room").AsInt64()
		if err != nil || n != 2 {
			return fmt.Sprint(n, err)
		}
		return ""
	})
	a.write(t, "goes on")
	await(t, "the edit arrives", func() string {
		take(t, b)
		return b.lacks(t, "goes on")
	}, a) // it may be asked for the edit
}

// A worker that starts finds the connections that are in the group of a room, and asks them
// for what the room lacks.
func TestMembers(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	d.do(t, 0, "ZADD", "asgi:group:room", "1", a.name, "2", b.name, "3", "no channel")
	a.write(t, "hello")
	b.awaitText(t, "hello")
	if s := d.layer.Stats(); s.Conns != 2 {
		t.Errorf("%+v, want 2 connections", s)
	}
}

// A message that a process loses when one of its connections ends is sent again to the others.
func TestDeparture(t *testing.T) {
	d := start(t, "")
	a, b, leaving := d.socket("room", "a"), d.socket("room", "b"), d.socket("room", "b")
	for _, s := range []*socket{a, b, leaving} {
		joined(t, s)
	}
	a.write(t, "one ")
	b.awaitText(t, "one ")
	for range 3 { // what was sent while they joined is old enough
		d.tick(2 * unsureFor)
	}
	a.write(t, "two ")
	b.awaitText(t, "one two ")
	d.advance(2 * unsureFor)
	d.push(t, entry(leaving.message("disconnect")))
	a.write(t, "three")
	await(t, "the echo", func() string {
		if n, err := d.do(t, 0, "ZCARD", "asgi"+b.process).AsInt64(); err != nil || n == 0 {
			return fmt.Sprint(n, err)
		}
		return ""
	}, a)
	d.do(t, 0, "DEL", "asgi"+b.process) // the messages are lost
	d.advance(2 * unsureFor)
	b.awaitText(t, "one two three")
}

// Messages with equal times are in any order in Redis, and clocks are set back. The last edit of
// a connection is taken after its disconnect, and the connection stays gone.
func TestOvertaken(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	joined(t, b)
	d.push(t, entry(b.message("disconnect")))
	b.write(t, "late")
	a.awaitText(t, "late")
	b.send(t, protocol.Message{Type: protocol.QueryAwareness})
	a.write(t, ", and on")
	c := d.socket("room", "c")
	joined(t, c)
	c.awaitText(t, "late, and on")
	if s := d.layer.Stats(); s.Conns != 2 {
		t.Errorf("%+v, want 2 connections", s)
	}
	before := d.socket("other", "a") // its first message is overtaken by the second
	before.write(t, "early")
	d.push(t, entry(before.message("connect")))
	after := d.socket("other", "b")
	joined(t, after)
	after.awaitText(t, "early")
}

// awaitMalformed waits until the room has closed the connection for a malformed message.
func (s *socket) awaitMalformed(t *testing.T) {
	t.Helper()
	await(t, "the connection is closed", func() string {
		if s.closed != protocol.CloseMalformed {
			return fmt.Sprint(s.closed)
		}
		return ""
	}, s)
}

func TestClose(t *testing.T) {
	d := start(t, "")
	a := d.socket("room", "a")
	joined(t, a)
	a.send(t, protocol.Message{Type: protocol.Update, Data: []byte{9, 9, 9}})
	a.awaitMalformed(t)
}

// The options of a message change the access of its connection.
func TestAccess(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	joined(t, b)
	b.write(t, "b")
	a.awaitText(t, "b")
	b.send(t, protocol.Message{Type: protocol.QueryAwareness}, "options", dict{"allow_write", false})
	b.write(t, "forbidden")
	a.write(t, "a")
	b.send(t, protocol.Message{Type: protocol.QueryAwareness}, "options", dict{})
	await(t, "the text of a arrives", func() string {
		if got := b.text(t); len(got) != len("baforbidden") {
			return got
		}
		return ""
	}, b)
	c := d.socket("room", "c")
	joined(t, c)
	c.awaitText(t, "ba")
}

func TestHosts(t *testing.T) {
	var urls []string
	for range 3 {
		urls = append(urls, redis.Start(t, redis.Options{}).URL())
	}
	d := start(t, "", urls...)
	var sockets []*socket
	for i := range 6 {
		s := d.socket("room", strconv.Itoa(i))
		s.push(t, entry(s.message("connect")))
		s.send(t, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
		sockets = append(sockets, s)
	}
	sockets[0].write(t, "hello")
	for _, s := range sockets {
		await(t, "the text arrives", func() string {
			take(t, sockets[0]) // it may be asked for its edit
			if got := s.text(t); got != "hello" {
				return fmt.Sprintf("%q", got)
			}
			return ""
		}, s)
	}
}

// The permissions in the package comment suffice.
func TestPermissions(t *testing.T) {
	d := start(t, "", redis.Start(t, redis.Options{Access: []string{"~asgi*", "&*", "+@all"}}).URL())
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	joined(t, b)
	a.write(t, "hello")
	b.awaitText(t, "hello")
}

func TestTLS(t *testing.T) {
	certificate := testkit.NewCertificate(t)
	s := redis.Start(t, redis.Options{TLS: certificate})
	for _, typ := range []string{"core", "pubsub"} {
		l, err := Open(Config{URL: "django+" + s.URL() + "?type=" + typ, Channels: []string{"yroom"}, TLS: certificate.Client, Logger: testkit.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		back, err := l.Serve(layer.BackHandler{Handle: func(layer.Input) error { return nil }, Gone: func(layer.Address) {}})
		if err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the layer is ready", func() string {
			if err := l.Ready(); err != nil {
				return err.Error()
			}
			return ""
		})
		if err := back.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// The layer follows a master to the replica that replaces it.
func TestSentinel(t *testing.T) {
	r := redis.StartReplicated(t)
	d := start(t, "", r.URL())
	a := d.socket("room", "a")
	joined(t, a)
	a.write(t, "before")
	a.awaitText(t, "before")
	r.Master.Kill(t)
	testkit.Eventually(t, "the layer is not ready", func() string {
		if d.layer.Ready() == nil {
			return "it is"
		}
		return ""
	})
	testkit.Eventually(t, "the layer is ready again", func() string {
		if err := d.layer.Ready(); err != nil {
			return err.Error()
		}
		return ""
	})
	testkit.Eventually(t, "the replica takes messages", func() string {
		c := d.hosts[0]
		if err := c.Do(t.Context(), c.B().Set().Key("test").Value("1").Build()).Error(); err != nil {
			return err.Error()
		}
		return ""
	})
	b := d.socket("room", "b")
	joined(t, b)
	await(t, "the text arrives", func() string {
		take(t, a) // it is asked for what was lost
		if got := b.text(t); got != "before" {
			return got
		}
		return ""
	}, b)
}

// What Redis refuses for one Django process doesn't hold up the others, and is sent once Redis
// takes it.
func TestRefused(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	d.do(t, 0, "SET", "asgi"+b.process, "no sorted set")
	b.join(t)
	testkit.Eventually(t, "the refusal is reported", func() string {
		if err := d.layer.Ready(); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
			return fmt.Sprint(err)
		}
		return ""
	})
	a.write(t, "goes on")
	a.awaitText(t, "goes on")
	if s := d.layer.Stats(); s.Refused == 0 {
		t.Errorf("%+v, want refused messages", s)
	}
	d.do(t, 0, "DEL", "asgi"+b.process)
	d.advance(refusePause)
	b.awaitText(t, "goes on")
	testkit.Eventually(t, "the layer is ready", func() string {
		if err := d.layer.Ready(); err != nil {
			return err.Error()
		}
		return ""
	})
}

// While a host of Redis doesn't answer, the connections of the others are served.
func TestHostConnects(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	a, err := parse("django+redis://"+silent.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBus(a, testkit.Logger(t), time.Now)
	connected := make(chan error, 1)
	go func() {
		_, err := b.hosts[0].connect()
		connected <- err
	}()
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	posted := make(chan bool, 1)
	go func() { posted <- b.post(post{done: func(result) {}}) }()
	select {
	case <-posted:
	case err := <-connected:
		t.Errorf("a post waits for the connection: %v", err)
		connected <- err
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := <-connected; err == nil {
		t.Error("a closed connection was taken for Redis")
	}
	b.close(t.Context())
}

// A message that was taken is handled although Redis fails then, and only once although it
// comes again.
func TestRedisFails(t *testing.T) {
	d := start(t, "")
	s := d.socket("room", "a")
	connect := entry(s.message("connect"))
	testkit.Eventually(t, "the worker waits for a message", func() string {
		if info, err := d.do(t, 0, "INFO", "clients").ToString(); err != nil || !strings.Contains(info, "blocked_clients:1") {
			return fmt.Sprint(info, err)
		}
		return ""
	})
	d.do(t, 0, "ACL", "SETUSER", "default", "-eval", "-evalsha")
	d.push(t, connect)
	testkit.Eventually(t, "the failure is reported", func() string {
		if err := d.layer.Ready(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			return fmt.Sprint(err)
		}
		return ""
	})
	if s := d.layer.Stats(); s.Conns != 1 || s.Received != 1 {
		t.Errorf("%+v, want the message handled", s)
	}
	d.do(t, 0, "ZADD", "asgiyroom$inflight", "1", string(connect))
	d.do(t, 0, "ACL", "SETUSER", "default", "+@all")
	testkit.Eventually(t, "the message has come again", func() string {
		if s := d.layer.Stats(); s.Conns != 1 || s.Received != 1 || s.Repeated != 1 {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
}

// A worker that ends takes no more messages, however many wait.
func TestEndsUnderLoad(t *testing.T) {
	d := start(t, "")
	args := []string{"ZADD", "asgiother"}
	for i := range 3 * popMost {
		args = append(args, strconv.Itoa(i), fmt.Sprintf("%012d", i))
	}
	d.do(t, 0, args...)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := d.layer.bus.hosts[0].pop(ended, d.hosts[0], "other", d.layer.proxy, newRecent(popMost), func(bool) {}); err != nil {
		t.Fatal(err)
	}
	left, err := d.do(t, 0, "ZCARD", "asgiother").AsInt64()
	handled, err2 := d.do(t, 0, "EXISTS", "asgiother$inflight").AsInt64()
	if err != nil || err2 != nil || left != 2*popMost || handled != 0 {
		t.Errorf("%d messages are left, %v, want %d; %d keys of messages being handled, %v", left, err, 2*popMost, handled, err2)
	}
}

// A client can't fill the queue of its host with requests for the document, and has the
// document in the end.
func TestRequests(t *testing.T) {
	const requests, size = 100, 1 << 20
	d := start(t, "&capacity=1")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	joined(t, b)
	text := strings.Repeat("x", size)
	b.write(t, text)
	for range requests {
		a.send(t, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
	}
	c := d.socket("room", "c") // its answer follows those to a
	joined(t, c)
	h := d.layer.bus.hosts[0]
	h.mu.Lock()
	waits := h.waits["specific.a!"]
	h.mu.Unlock()
	if waits > 3*size {
		t.Errorf("%d bytes wait for the client", waits)
	}
	a.awaitText(t, text)
}

// Where nothing waits, a document of any size may; otherwise, each destination has a share.
func TestShares(t *testing.T) {
	none, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := parse("django+redis://"+none.Addr().String(), nil)
	if err := errors.Join(err, none.Close()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		sizes []int // of posts to destinations a, b, a, b, …
		want  []bool
	}{
		{"large document", []int{queueBytes + 1, 1, 1}, []bool{true, false, false}},
		{"share", []int{destinationBytes + 1, 1, 1, destinationBytes - 1, 0, 1}, []bool{true, true, false, true, false, false}},
	} {
		b := newBus(a, testkit.Logger(t), time.Now)
		for i, size := range test.sizes {
			p := post{destination: string(rune('a' + i%2)), entry: make([]byte, size), keep: true, done: func(result) {}}
			if got := b.post(p); got != test.want[i] {
				t.Errorf("%s: post %d is taken: %v", test.name, i, got)
			}
		}
		b.close(t.Context())
	}
}
