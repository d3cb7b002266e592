package djangolayer

import (
	"cmp"
	"strconv"
	"testing"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/protocol"
)

// handleDue makes the proxy handle messages of a socket whose connection has to join again.
func (s *socket) handleDue(t *testing.T, messages ...message) {
	t.Helper()
	p := s.layer.proxy
	p.mu.Lock()
	defer p.unlock()
	p.due[p.rooms[s.room].channels[s.name]] = true
	for _, m := range messages {
		m.typ, m.room, m.channel = cmp.Or(m.typ, typeMessage), s.room, s.name
		if err := p.handle(m); err != nil {
			t.Fatal(err)
		}
	}
}

// edit returns an edit, which the document of the socket doesn't get.
func edit(t *testing.T, d *django, text string) []byte {
	t.Helper()
	other := d.socket("", "")
	root, err := other.doc.Text("text")
	if err != nil {
		t.Fatal(err)
	}
	update, err := other.doc.Transact(func() error { return root.Insert(0, text, nil) })
	if err != nil {
		t.Fatal(err)
	}
	return protocol.Plain{}.Append(nil, protocol.Message{Type: protocol.Update, Data: update})
}

// A client that may only read from now on writes nothing, also if its connection has to join
// again first.
func TestAccessWhileDue(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	joined(t, b)
	a.handleDue(t, message{payload: edit(t, d, "forbidden"), hasAccess: true, access: event.AccessPresent})
	b.write(t, "b")
	a.awaitText(t, "b")
	c := d.socket("room", "c")
	joined(t, c)
	c.awaitText(t, "b")
}

// What a client sends while its connection has to join again is not lost.
func TestWriteWhileDue(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	joined(t, b)
	frame := edit(t, d, "kept")
	m, _, _, err := protocol.Plain{}.Next(frame)
	if err != nil {
		t.Fatal(err)
	}
	a.receive(t, received{payloads: [][]byte{frame}}) // its document has the edit, as that of a client that sends it
	a.handleDue(t, message{payload: protocol.Plain{}.Append(nil, m)})
	await(t, "the edit arrives", func() string {
		take(t, b)
		return b.lacks(t, "kept")
	}, a)
}

// A connection that has to join again does so even if its connect arrives meanwhile: what its
// client has requested was dropped.
func TestConnectWhileDue(t *testing.T) {
	d := start(t, "")
	a := d.socket("room", "a")
	joined(t, a)
	step := protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}}
	a.handleDue(t, message{payload: protocol.Plain{}.Append(nil, step)}, message{typ: typeConnect})
	await(t, "the answer to the SyncStep1", func() string {
		if a.steps < 2 {
			return "none"
		}
		return ""
	}, a)
}

// A tick rests until something waits for it.
func TestRest(t *testing.T) {
	p := &proxy{wake: make(chan struct{}, 1), due: make(map[*conn]bool), resting: true}
	p.mu.Lock()
	p.unlock()
	if len(p.wake) > 0 || !p.resting {
		t.Error("the rest ends though nothing waits")
	}
	p.mu.Lock()
	p.due[new(conn)] = true
	p.unlock()
	if len(p.wake) == 0 || p.resting {
		t.Error("the tick rests while a connection has to join again")
	}
}

// The worker bounds how fast rooms are opened, also when connections try again.
func TestRoomsPerSecond(t *testing.T) {
	const rooms, burst = 100, 5
	d := &django{clock: new(clock), roomsPerSecond: 1}
	d.work(t, "django+"+redis.Start(t, redis.Options{}).URL())
	p := d.layer.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range rooms {
		s := d.socket("room"+strconv.Itoa(i), "a")
		m := message{typ: typeConnect, room: s.room, channel: s.name}
		if i%2 == 0 { // the worker before knew the connection
			m.typ, m.payload = typeMessage, protocol.Plain{}.Append(nil, protocol.Message{Type: protocol.QueryAwareness})
		}
		if err := p.handle(m); err != nil {
			t.Fatal(err)
		}
	}
	p.joinDue()
	if opened := rooms - len(p.due); opened > 2*burst {
		t.Errorf("%d rooms were opened at once, and %d are allowed", opened, burst)
	}
}
