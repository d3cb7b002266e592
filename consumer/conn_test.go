package consumer

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConversation(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		a, ida := h.join("/doc")
		b, idb := h.join("/doc")
		other, _ := h.join("/other")
		if ida == idb {
			t.Fatal("two connections with one id")
		}
		h.layer.tell("doc", ida, 3, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
		a.want("00000100")
		h.layer.tell("doc", room.Everyone, 4, protocol.Message{Type: protocol.Update, Data: []byte{7, 7}})
		a.want("0002020707")
		b.want("0002020707")
		h.layer.tell("other", ida, 1, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}}) // not this room's
		h.layer.tell("doc", 1, 1, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})     // nobody's
		h.layer.tell("nowhere", room.Everyone, 1, protocol.Message{Type: protocol.Update, Data: []byte{0}})
		h.layer.tell("doc", ida, 0, protocol.Message{Type: 200}) // nothing that the dialect has
		h.layer.tell("doc", ida, 0, protocol.Message{Type: protocol.Awareness, Data: []byte{0}})
		a.want("010100")

		a.send(ws.OpBinary, []byte{0, 0, 1, 0, 0, 2, 2, 5, 6, 1, 1, 0}) // three messages in one frame
		a.send(ws.OpText, []byte("hello"))
		a.send(ws.OpBinary, nil)
		a.send(ws.OpBinary, []byte{102, 1, 1}) // an unknown type
		a.send(ws.OpPing, []byte("are you there"))
		if op, payload := a.read(); op != ws.OpPong || string(payload) != "are you there" {
			t.Errorf("the ping was answered with %d %q", op, payload)
		}
		a.send(ws.OpPong, nil)
		a.bye()
		b.bye()
		other.bye()
		wantLines(t, h.layer.lines(),
			"port join doc", "send join", "send join", "port join other", "send join",
			"send message 1 00", "send message 3 0506", "send message 4 00",
			"send leave", "send leave", "port leave doc", "send leave", "port leave other")
		for _, in := range h.layer.inputs {
			if in.At.IsZero() || in.Kind == room.Join && in.Access != room.Write|room.Present {
				t.Errorf("input %+v", in)
			}
		}
		if n := strings.Count(h.logs.String(), "msg=disconnected"); n != 3 {
			t.Errorf("%d lines about 3 disconnects:\n%s", n, h.logs)
		}
		if !strings.Contains(h.logs.String(), "code=1000") || strings.Contains(h.logs.String(), "level=WARN") {
			t.Errorf("log:\n%s", h.logs)
		}
	})
}

func TestSettings(t *testing.T) {
	set := func(name string) Settings {
		return Settings{Open: room.ClientStarts, MessageSize: len(name)}
	}
	inHouse(t, Config{Settings: set}, func(t *testing.T, h *house) {
		c, _ := h.join("/four")
		if in := h.layer.inputs[0]; in.Open != room.ClientStarts {
			t.Errorf("joined with %+v", in)
		}
		c.send(ws.OpBinary, []byte{0, 2, 1, 5})
		c.send(ws.OpBinary, []byte{0, 2, 1, 5, 5})
		c.wantClose(protocol.CloseTooBig, "too big")
		if !strings.Contains(h.layer.lines(), "send message 3 05") {
			t.Error("the message of four bytes did not arrive")
		}
	})
}

func TestHooksInOrder(t *testing.T) {
	var h *house
	note := func(c *Conn, what string) { h.layer.note(what + " " + c.Room() + " " + c.User().(string)) }
	hooks := Hooks{
		Admit: func(r *http.Request) (Admission, error) {
			h.layer.note("admit " + r.URL.Path)
			return Admission{Room: "doc", Access: room.Write, User: "ann"}, nil
		},
		PreConnect:  func(c *Conn) error { note(c, "pre-connect"); return nil },
		PostConnect: func(c *Conn) { note(c, "post-connect") },
		PreReceive: func(c *Conn, f Frame) error {
			note(c, "pre-receive "+hex.EncodeToString(f.Data))
			if f.Text && string(f.Data) == "drop" {
				return ErrDrop
			}
			return nil
		},
		PostReceive: func(c *Conn, f Frame) { note(c, "post-receive "+hex.EncodeToString(f.Data)) },
		PreDisconnect: func(c *Conn, e protocol.CloseError) {
			note(c, "pre-disconnect "+e.Error())
			if c.ID() == 0 || c.Access() != room.Write || c.Request().URL.Path != "/x" {
				t.Errorf("the connection is %+v", c)
			}
		},
		PostDisconnect: func(c *Conn, _ protocol.CloseError) { note(c, "post-disconnect") },
	}
	inHouse(t, Config{Hooks: hooks}, func(t *testing.T, in *house) {
		h = in
		c, _ := h.join("/x?token=secret")
		c.send(ws.OpBinary, []byte{0, 0, 1, 0})
		c.send(ws.OpText, []byte("drop"))
		c.send(ws.OpText, []byte("hi"))
		c.send(ws.OpClose, ws.NewCloseFrameBody(4001, "enough"))
		c.wantClose(4001, "")
		synctest.Wait()
		wantLines(t, h.layer.lines(),
			"admit /x", "pre-connect doc ann", "port join doc", "send join", "post-connect doc ann",
			"pre-receive 00000100 doc ann", "send message 1 00", "post-receive 00000100 doc ann",
			"pre-receive 64726f70 doc ann",
			"pre-receive 6869 doc ann", "post-receive 6869 doc ann",
			"pre-disconnect closed with 4001: enough doc ann", "send leave", "port leave doc", "post-disconnect doc ann")
		if strings.Contains(h.logs.String(), "secret") {
			t.Errorf("the log tells secrets:\n%s", h.logs)
		}
	})
}

// What a hook returns, or that it panics, ends its own connection and no other.
func TestHooksThatEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		hooks  Hooks
		code   protocol.CloseCode
		reason string
		log    string
	}{
		"refused":        {Hooks{PreReceive: func(*Conn, Frame) error { return &protocol.CloseError{Code: 4403, Reason: "not you"} }}, 4403, "not you", "4403"},
		"failed":         {Hooks{PreReceive: func(*Conn, Frame) error { return errors.New("inner words") }}, 1011, "could not be processed", "inner words"},
		"bad code":       {Hooks{PreReceive: func(*Conn, Frame) error { return &protocol.CloseError{Code: 1006} }}, 1011, "", ""},
		"PreReceive":     {Hooks{PreReceive: func(*Conn, Frame) error { panic("boo") }}, 1011, "mistake", "conn_test.go"},
		"PostReceive":    {Hooks{PostReceive: func(*Conn, Frame) { panic("boo") }}, 1011, "mistake", "panic=boo"},
		"PostConnect":    {Hooks{PostConnect: func(*Conn) { panic("boo") }}, 1011, "mistake", "panic=boo"},
		"PreDisconnect":  {Hooks{PreDisconnect: func(*Conn, protocol.CloseError) { panic("boo") }}, 1000, "", "panic=boo"},
		"PostDisconnect": {Hooks{PostDisconnect: func(*Conn, protocol.CloseError) { panic("boo") }}, 1000, "", "panic=boo"},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, Config{Hooks: tc.hooks}, func(t *testing.T, h *house) {
				c := h.dial("/bad")
				if name != "PostConnect" {
					c.send(ws.OpBinary, []byte{0, 2, 1, 9})
				}
				if tc.code == 1000 {
					c.bye()
				} else {
					c.wantClose(tc.code, tc.reason)
				}
				synctest.Wait()
				if !strings.Contains(h.layer.lines(), "send leave\nport leave bad") {
					t.Errorf("the room was not left:\n%s", h.layer.lines())
				}
				if tc.log != "" && !strings.Contains(h.logs.String(), tc.log) {
					t.Errorf("the log lacks %q:\n%s", tc.log, h.logs)
				}
			})
		})
	}
}

func TestMalformed(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		good, _ := h.join("/doc")
		c, _ := h.join("/doc")
		c.send(ws.OpBinary, []byte{0, 0, 1, 0, 0, 2, 9, 1})
		c.wantClose(protocol.CloseMalformed, "malformed")
		synctest.Wait()
		if lines := h.layer.lines(); strings.Count(lines, "message") != 1 || !strings.Contains(lines, "send message 1 00\nsend leave") {
			t.Errorf("want what came before the bad message and no more:\n%s", lines)
		}
		if n := strings.Count(h.logs.String(), "code=1007"); n != 1 {
			t.Errorf("%d lines about it:\n%s", n, h.logs)
		}
		h.layer.tell("doc", room.Everyone, 1, protocol.Message{Type: protocol.Update, Data: []byte{1}})
		good.want("00020101")
		good.bye()
	})
}

// A frame of very many messages takes no memory for each, and ends where the
// connection does.
func TestManyMessagesInAFrame(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		c, id := h.join("/doc")
		sent := 0
		h.layer.send = func(in layer.Input) error {
			if in.Kind == room.Message {
				if sent++; sent == 3 {
					h.end(id)
				}
			}
			return nil
		}
		frame := clientFrame(ws.OpBinary, true, bytes.Repeat([]byte{3}, 1<<20))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c.raw(frame)
		c.wantClose(protocol.ClosePolicy, "")
		synctest.Wait()
		runtime.ReadMemStats(&after)
		if sent != 3 {
			t.Errorf("%d messages were sent to the room", sent)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("%d bytes were allocated for a frame of %d", n, len(frame))
		}
	})
}

// A small message doesn't keep the large frame that it came in; a large one is
// not copied.
func TestMessagesKeepNoFrame(t *testing.T) {
	var frame []byte
	hooks := Hooks{PreReceive: func(_ *Conn, f Frame) error { frame = f.Data; return nil }}
	inHouse(t, Config{Hooks: hooks}, func(t *testing.T, h *house) {
		c, _ := h.join("/doc")
		for _, tc := range []struct {
			data, junk int
			copied     bool
		}{
			{1, 0, false},
			{1, 100 << 10, true},
			{100 << 10, 0, false},
			{100 << 10, 50 << 10, false},
		} {
			data := protocol.Plain{}.Append(nil, protocol.Message{Type: protocol.Update, Data: make([]byte, tc.data)})
			start := len(data) - tc.data
			data = append(append(data, 102), make([]byte, tc.junk)...) // 102: an unknown type
			c.send(ws.OpBinary, data)
			synctest.Wait()
			in := h.layer.inputs[len(h.layer.inputs)-1]
			if got := &in.Msg.Data[0] != &frame[start]; len(in.Msg.Data) != tc.data || got != tc.copied {
				t.Errorf("%+v: %d bytes, copied: %v", tc, len(in.Msg.Data), got)
			}
		}
		c.bye()
	})
}

func TestFullRoom(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		full := time.Now().Add(2 * time.Second)
		tries := 0
		h.layer.send = func(in layer.Input) error {
			if in.Kind == room.Message && time.Now().Before(full) {
				tries++
				return layer.ErrFull
			}
			return nil
		}
		c, _ := h.join("/doc")
		c.send(ws.OpBinary, []byte{0, 2, 1, 1})
		read := make(chan struct{})
		go func() {
			defer close(read)
			c.send(ws.OpBinary, []byte{0, 2, 1, 2})
		}()
		time.Sleep(time.Second)
		select {
		case <-read:
			t.Error("the connection was read from while the room was full")
		default:
		}
		<-read
		c.send(ws.OpPing, nil)
		c.read()
		if got := h.layer.lines(); !strings.HasSuffix(got, "send message 3 01\nsend message 3 02") {
			t.Errorf("layer:\n%s", got)
		}
		if tries < 5 || tries > 100 {
			t.Errorf("%d tries in two seconds", tries)
		}
		full = time.Now().Add(time.Hour)
		start := time.Now()
		c.send(ws.OpBinary, []byte{0, 2, 1, 3})
		c.wantClose(protocol.CloseTryLater, "too much to do")
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestLeaveIsNotLost(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		full := time.Now().Add(time.Minute)
		h.layer.send = func(in layer.Input) error {
			if in.Kind == room.Leave && time.Now().Before(full) {
				return layer.ErrFull
			}
			return nil
		}
		c, _ := h.join("/doc")
		c.bye()
		time.Sleep(2 * time.Minute)
		if got := h.layer.lines(); !strings.HasSuffix(got, "send leave\nport leave doc") {
			t.Errorf("layer:\n%s", got)
		}
	})
}

func TestNoRoom(t *testing.T) {
	for name, tc := range map[string]struct {
		send, join error
		code       protocol.CloseCode
		reason     string
		layer      string
	}{
		"nobody serves it": {layer.ErrNoOwner, nil, 1013, "nobody serves", "port join doc\nport leave doc"},
		"the layer ends":   {layer.ErrClosed, nil, 1012, "restarts", "port join doc\nport leave doc"},
		"the line is down": {errors.New("inner words"), nil, 1013, "can't be reached", "port join doc\nport leave doc"},
		"no joining":       {nil, errors.New("inner words"), 1013, "can't be reached", ""},
	} {
		t.Run(name, func(t *testing.T) {
			ended := 0
			hooks := Hooks{
				PostConnect:    func(*Conn) { t.Error("PostConnect ran") },
				PreDisconnect:  func(*Conn, protocol.CloseError) { t.Error("PreDisconnect ran") },
				PostDisconnect: func(*Conn, protocol.CloseError) { ended++ },
			}
			inHouse(t, Config{Hooks: hooks}, func(t *testing.T, h *house) {
				h.layer.send = func(layer.Input) error { return tc.send }
				h.layer.join = func(string) error { return tc.join }
				h.dial("/doc").wantClose(tc.code, tc.reason)
				synctest.Wait()
				if got := h.layer.lines(); got != tc.layer {
					t.Errorf("layer:\n%s", got)
				}
				if ended != 1 {
					t.Errorf("PostDisconnect ran %d times", ended)
				}
			})
		})
	}
}

func TestRoomCloses(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		c, id := h.join("/doc")
		for i := range 3 {
			h.layer.tell("doc", room.Everyone, uint64(i), protocol.Message{Type: protocol.Update, Data: []byte{byte(i)}})
		}
		reason := strings.Repeat("ä", 100)
		h.layer.tell("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy, Reason: reason}).Message())
		h.layer.tell("doc", id, 0, (&protocol.CloseError{Code: protocol.CloseInternal, Reason: "late"}).Message())
		h.layer.tell("doc", room.Everyone, 9, protocol.Message{Type: protocol.Update, Data: []byte{9}})
		c.want("00020100")
		c.want("00020101")
		c.want("00020102")
		c.wantClose(protocol.ClosePolicy, strings.Repeat("ä", 61))
		synctest.Wait()
		h.layer.tell("doc", id, 0, (&protocol.CloseError{Code: protocol.CloseInternal, Reason: "late"}).Message())

		mute, id := h.join("/doc") // reads the close frame, and doesn't answer
		h.layer.tell("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy}).Message())
		mute.read()
		start := time.Now()
		mute.send(ws.OpBinary, []byte{0, 2, 1, 1})
		if _, _, err := mute.tryRead(); err == nil || time.Since(start) != closeWait {
			t.Errorf("the socket was closed after %v: %v", time.Since(start), err)
		}

		deaf, id := h.join("/doc") // doesn't read
		h.layer.tell("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy}).Message())
		time.Sleep(closeWait)
		synctest.Wait()
		if _, err := deaf.conn.Write([]byte{0}); err == nil {
			t.Error("a client that doesn't read was not cut off")
		}
	})
}

// However long a reason the room gives, the log and the close frame hold its beginning.
func TestLongReason(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		c, id := h.join("/doc")
		reason := strings.Repeat("so ", 10_000)
		go h.layer.tell("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy, Reason: reason}).Message())
		c.wantClose(protocol.ClosePolicy, reason[:maxReason])
		synctest.Wait()
		if got := h.logs.String(); !strings.Contains(got, reason[:maxLogged]) || len(got) > 4*maxLogged {
			t.Errorf("%d bytes in the log", len(got))
		}
	})
}

// What a client still says when its connection has ended reaches no hook.
func TestNoHooksAfterTheEnd(t *testing.T) {
	hooks := Hooks{PreReceive: func(*Conn, Frame) error { t.Error("PreReceive ran"); return nil }}
	inHouse(t, Config{Hooks: hooks}, func(_ *testing.T, h *house) {
		c, id := h.join("/doc")
		h.end(id)
		c.send(ws.OpBinary, []byte{0, 2, 1, 1})
		c.wantClose(protocol.ClosePolicy, "")
	})
}

func TestLineBreaks(t *testing.T) {
	var why protocol.CloseError
	hooks := Hooks{PreDisconnect: func(_ *Conn, e protocol.CloseError) { why = e }}
	inHouse(t, Config{Hooks: hooks}, func(t *testing.T, h *house) {
		c, _ := h.join("/doc")
		_ = c.conn.Close()
		synctest.Wait()
		if why.Code != 1006 || !strings.HasSuffix(h.layer.lines(), "send leave\nport leave doc") {
			t.Errorf("ended with %v:\n%s", why, h.layer.lines())
		}
		c, _ = h.join("/doc")
		_ = c.conn.Close()
		h.layer.tell("doc", room.Everyone, 1, protocol.Message{Type: protocol.Update, Data: []byte{1}})
		synctest.Wait()
		if why.Code != 1006 {
			t.Errorf("ended with %v", why)
		}
	})
}

func TestLiveness(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		start := time.Now()
		c, _ := h.join("/doc")
		var pings, keepalives int
		for time.Since(start) < 10*time.Minute {
			last := time.Now()
			op, payload := c.read()
			switch {
			case op == ws.OpPing:
				pings++
				c.send(ws.OpPong, payload)
			case bytes.Equal(payload, []byte{1, 1, 0}):
				keepalives++
			default:
				t.Fatalf("got opcode %d with %x", op, payload)
			}
			if waited := time.Since(last); waited > 25*time.Second {
				t.Errorf("nothing came for %v", waited)
			}
		}
		if pings < 16 || pings > 20 || keepalives < 24 || keepalives > 30 {
			t.Errorf("%d pings, %d keepalives in ten minutes", pings, keepalives)
		}
		heard := time.Now()
		for {
			if _, _, err := c.tryRead(); err != nil {
				break
			}
		}
		if silent := time.Since(heard); silent < 55*time.Second || silent > 70*time.Second {
			t.Errorf("a dead client was kept for %v", silent)
		}
		synctest.Wait()
		if !strings.Contains(h.logs.String(), "nothing came from the client") {
			t.Errorf("log:\n%s", h.logs)
		}

		// A client that neither reads nor writes doesn't hold the writer for ever.
		h.join("/doc")
		h.layer.tell("doc", room.Everyone, 1, protocol.Message{Type: protocol.Update, Data: make([]byte, 1<<20)})
		time.Sleep(70 * time.Second)
		if n := len(h.all(nil)); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		const n = 50
		times := make(chan time.Time, n)
		for range n {
			c, _ := h.join("/doc")
			go func() {
				op, payload := c.read()
				if code, _ := ws.ParseCloseFrameData(payload); op != ws.OpClose || code != 1012 {
					t.Errorf("got opcode %d with %x", op, payload)
				}
				times <- time.Now()
				c.send(ws.OpClose, payload)
				_, _, _ = c.tryRead()
				_ = c.conn.Close()
			}()
		}
		h.shutdown()
		if err := h.Shutdown(context.Background()); err != nil {
			t.Errorf("again: %v", err)
		}
		close(times)
		seen := map[time.Time]int{}
		for at := range times {
			seen[at]++
			if seen[at] > 2 {
				t.Error("many were closed in one instant")
			}
		}
		if lines := h.layer.lines(); strings.Count(lines, "send leave") != n || !strings.HasSuffix(lines, "port leave doc\nport close") {
			t.Errorf("layer:\n%s", lines)
		}
	})
}

// Shutdown ends when its context does, also where a client and a room are deaf.
func TestShutdownCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Config{})
		_, _ = h.join("/doc")
		h.layer.mu.Lock()
		h.layer.send = func(layer.Input) error { return layer.ErrFull }
		h.layer.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if err := h.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		if !h.layer.closed {
			t.Error("the port is open")
		}
		_ = h.http.Close()
		<-h.ended
	})
}

// Shutdown begins while a connection joins its room at the layer.
func TestShutdownDuringJoin(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		joined := make(chan struct{})
		h.layer.join = func(string) error { <-joined; return nil }
		first, second := h.dial("/doc"), h.dial("/doc")
		synctest.Wait()
		done := make(chan struct{})
		go func() {
			h.shutdown()
			close(done)
		}()
		synctest.Wait()
		close(joined)
		first.wantClose(protocol.CloseRestart, "restarts")
		second.wantClose(protocol.CloseRestart, "restarts")
		<-done
		wantLines(t, h.layer.lines(), "port join doc", "port leave doc", "port close")
		if n := len(h.rooms); n != 0 {
			t.Errorf("%d rooms are left", n)
		}
	})
}

// While one connection leaves a room as its last, the next one joins it.
func TestLeaveAndJoinDoNotCross(t *testing.T) {
	inHouse(t, Config{}, func(t *testing.T, h *house) {
		done := make(chan struct{})
		for range 20 {
			go func() {
				for range 20 {
					c := h.dial("/doc")
					c.send(ws.OpClose, nil)
					c.wantClose(0, "")
				}
				done <- struct{}{}
			}()
		}
		for range 20 {
			<-done
		}
		synctest.Wait()
		joined := false
		people := 0
		for i, line := range strings.Split(h.layer.lines(), "\n") {
			switch line {
			case "port join doc":
				if joined {
					t.Fatalf("line %d joins twice", i)
				}
				joined = true
			case "port leave doc":
				if !joined || people != 0 {
					t.Fatalf("line %d leaves with %d people", i, people)
				}
				joined = false
			case "send join":
				if people++; !joined {
					t.Fatalf("line %d: somebody is in a room that was not joined", i)
				}
			case "send leave":
				people--
			}
		}
		if joined || people != 0 {
			t.Errorf("joined %v, %d people at the end", joined, people)
		}
	})
}
