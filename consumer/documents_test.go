package consumer

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// addressed is a dialect whose frames begin with a byte that is the address of a
// document. Unlike the plain dialect it has messages that close a document and tell of
// access.
type addressed struct {
	protocol.Plain

	address byte
}

func (d addressed) AppendHead(dst []byte, m protocol.Message) []byte {
	switch m.Type {
	case protocol.Close:
		return append(append(dst, d.address, 'X'), m.Reason...)
	case protocol.ReadWrite:
		return append(dst, d.address, 'W')
	case protocol.ReadOnly:
		return append(dst, d.address, 'R')
	}
	return d.Plain.AppendHead(append(dst, d.address), m)
}

// serveDocuments serves one socket with one document per room.
func serveDocuments(c *Consumer, rooms ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.begin() {
			return
		}
		defer c.done()
		s := c.newSocket(r.RemoteAddr, defaultMessageSize)
		conns := map[byte]*Conn{}
		for _, room := range rooms {
			a := Admission{Room: room, Access: event.AccessWrite}
			conns[room[0]] = s.newConn(addressed{address: room[0]}, a, c.settings(room))
			s.attach(conns[room[0]])
		}
		s.handle = func(data []byte) error {
			conn := conns[data[0]]
			if err := conn.receive(data[1:]); err != nil && !errors.Is(err, errEnding) {
				conn.end(causeOf(err))
			}
			return nil
		}
		if s.upgrade(w, r) != nil {
			return
		}
		s.serve(func() error {
			for _, room := range rooms {
				if err := conns[room[0]].open(); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// A document on a socket can end without the socket: it is closed by a message of its
// dialect, its hooks run and it leaves its room, while the others continue.
func TestDocumentEndsAlone(t *testing.T) {
	var mu sync.Mutex
	var ended []string
	var connected atomic.Int64
	note := func(what string) func(*Conn, protocol.CloseError) {
		return func(c *Conn, e protocol.CloseError) {
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, what+" "+c.Room()+" "+e.Error())
		}
	}
	cfg := Config{
		Hooks: Hooks{PreDisconnect: note("pre"), PostDisconnect: note("post")},
		Events: Events{
			Closed:    note("closed"),
			Connected: func(*Conn) { connected.Add(1) },
		},
	}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		h.handler = serveDocuments(h.Consumer, "a", "b", "c")
		c, _ := h.join("/")
		other, _ := h.join("/") // a second socket in the same rooms
		ids := h.worker.conns()
		if n := connected.Load(); len(ids) != 6 || n != 6 {
			t.Fatalf("%d documents have joined, %d are connected", len(ids), n)
		}
		text := func(c *client, want string) {
			t.Helper()
			if op, got := c.read(); op != ws.OpBinary || string(got) != want {
				t.Errorf("got opcode %d with %q, want %q", op, got, want)
			}
		}
		h.worker.output("a", event.Everyone, 1, update('1'))
		text(c, "a\x00\x02\x011")
		text(other, "a\x00\x02\x011")
		c.send(ws.OpBinary, []byte{'b', 0, 2, 1, 5})
		synctest.Wait()
		if in := h.worker.inputs[len(h.worker.inputs)-1]; in.Room != "b" || in.Conn != ids[1] {
			t.Errorf("the message arrived as %+v", in)
		}

		// The room ends a; frames that wait are written before.
		h.worker.output("a", ids[0], 2, update('2'))
		h.worker.output("a", ids[0], 0, (&protocol.CloseError{Code: protocol.CloseDeleted, Reason: "gone"}).Message())
		h.worker.output("a", ids[0], 3, update('3'))
		text(c, "a\x00\x02\x012")
		text(c, "aXgone")
		synctest.Wait()
		want := []string{"pre a closed with 4404: gone", "closed a closed with 4404: gone", "post a closed with 4404: gone"}
		if !slices.Equal(ended, want) {
			t.Errorf("ended: %q, want %q", ended, want)
		}
		if in := h.worker.inputs[len(h.worker.inputs)-1]; in.Kind != event.InputLeave || in.Room != "a" || in.Conn != ids[0] {
			t.Errorf("the last input is %+v", in)
		}

		// A mistake of the client ends b; what the client sends for b afterwards is ignored.
		c.send(ws.OpBinary, []byte{'b', 0, 2, 9, 5})
		text(c, "bXprotocol: malformed message: update: input ends too early")
		synctest.Wait() // it has left
		n := len(h.worker.inputs)
		c.send(ws.OpBinary, []byte{'a', 0, 2, 1, 5})
		c.send(ws.OpBinary, []byte{'b', 0, 2, 1, 5})
		c.send(ws.OpBinary, []byte{'c', 0, 2, 1, 6})
		synctest.Wait()
		if got := h.worker.inputs[n:]; len(got) != 1 || got[0].Room != "c" {
			t.Errorf("%+v arrived after the end of a and b", got)
		}
		h.worker.output("c", event.Everyone, 1, update('4'))
		text(c, "c\x00\x02\x014")
		text(other, "c\x00\x02\x014")

		// The end of the socket ends the others.
		c.close()
		if len(ended) != 9 || !strings.HasPrefix(ended[8], "post c closed with 1000") {
			t.Errorf("ended: %q", ended)
		}
		if len(h.conns) != 3 || len(h.rooms) != 3 {
			t.Errorf("%d connections in %d rooms are left", len(h.conns), len(h.rooms))
		}
		other.close()
		if n := len(h.conns) + len(h.rooms) + len(h.sockets); n != 0 {
			t.Errorf("%d connections, rooms and sockets are left", n)
		}
	})
}

// A document that ends at the same time as its socket leaves its room once.
func TestDocumentEndsWithItsSocket(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		h.handler = serveDocuments(h.Consumer, "a", "b")
		c, _ := h.join("/")
		ids := h.worker.conns()
		h.worker.output("a", ids[0], 1, update('1')) // the client doesn't read it
		synctest.Wait()
		h.worker.output("a", ids[0], 0, (&protocol.CloseError{Code: protocol.CloseDeleted}).Message())
		_ = c.Close()
		synctest.Wait()
		wantLines(t, h.worker.lines(), "join", "join", "leave", "leave")
	})
}
