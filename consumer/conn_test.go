package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, strings.Split(got, "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestConversation(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		a, ida := h.join("/doc")
		b, idb := h.join("/doc")
		other, _ := h.join("/other")
		if ida == idb {
			t.Fatal("two connections with one id")
		}
		h.worker.output("doc", ida, 3, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
		a.want("00000100")
		h.worker.output("doc", event.Everyone, 4, protocol.Message{Type: protocol.Update, Data: []byte{7, 7}})
		a.want("0002020707")
		b.want("0002020707")
		h.worker.output("other", ida, 1, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}}) // another room's
		h.worker.output("doc", 1, 1, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})     // no connection
		h.worker.output("nowhere", event.Everyone, 1, protocol.Message{Type: protocol.Update, Data: []byte{0}})
		h.worker.output("doc", ida, 0, protocol.Message{Type: 200}) // a type that the dialect doesn't have
		h.worker.output("doc", ida, 0, protocol.Message{Type: protocol.Awareness, Data: []byte{0}})
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
		a.close()
		b.close()
		other.close()
		wantLines(t, h.worker.lines(),
			"join", "join", "join", "leave", "leave", // for the two connections that the consumer doesn't have in that room
			"message 1 00", "message 3 0506", "message 4 00",
			"leave", "leave", "leave")
		for _, in := range h.worker.inputs {
			if in.Conn == 0 || in.Kind == event.InputJoin && in.Access != event.AccessWrite|event.AccessPresent {
				t.Errorf("input %+v", in)
			}
		}
		if other, none := h.worker.inputs[3], h.worker.inputs[4]; other.Room != "other" || other.Conn != ida || none.Room != "doc" || none.Conn != 1 {
			t.Errorf("left with %+v and %+v", other, none)
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
		return Settings{Greeting: event.GreetingClient, MessageSize: len(name)}
	}
	withHarness(t, Config{Settings: set}, func(t *testing.T, h *harness) {
		c, _ := h.join("/four")
		if in := h.worker.inputs[0]; in.Greeting != event.GreetingClient {
			t.Errorf("joined with %+v", in)
		}
		c.send(ws.OpBinary, []byte{0, 2, 1, 5})
		c.send(ws.OpBinary, []byte{0, 2, 1, 5, 5})
		c.wantClose(protocol.CloseTooBig, "larger than the limit")
		if !strings.Contains(h.worker.lines(), "message 3 05") {
			t.Error("the message of four bytes did not arrive")
		}
	})
}

func TestHooksInOrder(t *testing.T) {
	var h *harness
	note := func(c *Conn, what string) { h.worker.note(what + " " + c.Room() + " " + c.User().(string)) }
	hooks := Hooks{
		Admit: func(_ context.Context, r Request) (Admission, error) {
			h.worker.note("admit " + r.HTTP.URL.Path + " " + r.Room + " " + r.Token)
			return Admission{Room: "doc", Access: event.AccessWrite, User: "ann"}, nil
		},
		PreConnect:  func(c *Conn, _ *http.Request) error { note(c, "pre-connect"); return nil },
		PostConnect: func(c *Conn) { note(c, "post-connect") },
		PreReceive: func(c *Conn, m protocol.Message) error {
			note(c, fmt.Sprintf("pre-receive %d %x", m.Type, m.Data))
			if m.Type == protocol.Awareness && string(m.Data) == "drop" {
				return ErrDrop
			}
			return nil
		},
		PostReceive: func(c *Conn, m protocol.Message) { note(c, fmt.Sprintf("post-receive %d %x", m.Type, m.Data)) },
		PreDisconnect: func(c *Conn, e protocol.CloseError) {
			note(c, "pre-disconnect "+e.Error())
			if c.ID() == 0 || c.Access() != event.AccessWrite {
				t.Errorf("the connection is %+v", c)
			}
		},
		PostDisconnect: func(c *Conn, _ protocol.CloseError) { note(c, "post-disconnect") },
	}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, in *harness) {
		h = in
		c, _ := h.join("/x?token=secret")
		c.send(ws.OpBinary, []byte{0, 0, 1, 0})
		c.send(ws.OpBinary, append([]byte{1, 4}, "drop"...))
		c.send(ws.OpText, []byte("hi"))                                  // is ignored
		c.send(ws.OpBinary, append([]byte{1, 4, 'd', 'r', 'o', 'p'}, 3)) // one of two messages in a frame is dropped
		c.send(ws.OpClose, ws.NewCloseFrameBody(4001, "enough"))
		c.wantClose(4001, "")
		synctest.Wait()
		wantLines(t, h.worker.lines(),
			"admit /x x secret", "pre-connect doc ann", "join", "post-connect doc ann",
			"pre-receive 1 00 doc ann", "message 1 00", "post-receive 1 00 doc ann",
			"pre-receive 4 64726f70 doc ann",
			"pre-receive 4 64726f70 doc ann", "pre-receive 5  doc ann", "message 5 ", "post-receive 5  doc ann",
			"pre-disconnect closed with 4001: enough doc ann", "leave", "post-disconnect doc ann")
		if strings.Contains(h.logs.String(), "secret") {
			t.Errorf("a secret is in the log:\n%s", h.logs)
		}
	})
}

// A hook ends its own connection and no other with what it returns, or by a panic.
func TestHooksThatEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		hooks  Hooks
		code   protocol.CloseCode
		reason string
		log    string
	}{
		"refused":        {Hooks{PreReceive: func(*Conn, protocol.Message) error { return &protocol.CloseError{Code: 4403, Reason: "not you"} }}, 4403, "not you", "4403"},
		"failed":         {Hooks{PreReceive: func(*Conn, protocol.Message) error { return errors.New("inner words") }}, 1011, "could not be processed", "inner words"},
		"bad code":       {Hooks{PreReceive: func(*Conn, protocol.Message) error { return &protocol.CloseError{Code: 1006} }}, 1011, "", ""},
		"PreReceive":     {Hooks{PreReceive: func(*Conn, protocol.Message) error { panic("boo") }}, 1011, "mistake", "conn_test.go"},
		"PostReceive":    {Hooks{PostReceive: func(*Conn, protocol.Message) { panic("boo") }}, 1011, "mistake", "panic=boo"},
		"PostConnect":    {Hooks{PostConnect: func(*Conn) { panic("boo") }}, 1011, "mistake", "panic=boo"},
		"PreDisconnect":  {Hooks{PreDisconnect: func(*Conn, protocol.CloseError) { panic("boo") }}, 1000, "", "panic=boo"},
		"PostDisconnect": {Hooks{PostDisconnect: func(*Conn, protocol.CloseError) { panic("boo") }}, 1000, "", "panic=boo"},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, Config{Hooks: tc.hooks}, func(t *testing.T, h *harness) {
				c := h.dial("/bad")
				if name != "PostConnect" {
					c.send(ws.OpBinary, []byte{0, 2, 1, 9})
				}
				if tc.code == 1000 {
					c.close()
				} else {
					c.wantClose(tc.code, tc.reason)
				}
				synctest.Wait()
				if !strings.Contains(h.worker.lines(), "leave") {
					t.Errorf("the room was not left:\n%s", h.worker.lines())
				}
				if tc.log != "" && !strings.Contains(h.logs.String(), tc.log) {
					t.Errorf("the log lacks %q:\n%s", tc.log, h.logs)
				}
			})
		})
	}
}

func TestMalformed(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		good, _ := h.join("/doc")
		c, _ := h.join("/doc")
		c.send(ws.OpBinary, []byte{0, 0, 1, 0, 0, 2, 9, 1})
		c.wantClose(protocol.CloseMalformed, "malformed")
		synctest.Wait()
		if lines := h.worker.lines(); strings.Count(lines, "message") != 1 || !strings.HasSuffix(lines, "message 1 00\nleave") {
			t.Errorf("want what came before the bad message and no more:\n%s", lines)
		}
		if n := strings.Count(h.logs.String(), "code=1007"); n != 1 {
			t.Errorf("%d lines about it:\n%s", n, h.logs)
		}
		h.worker.output("doc", event.Everyone, 1, protocol.Message{Type: protocol.Update, Data: []byte{1}})
		good.want("00020101")
		good.close()
	})
}

// A frame of very many messages takes no memory for each of them. Once the connection
// has ended, the remaining messages are not sent.
func TestManyMessagesInAFrame(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		sent := 0
		h.worker.handle = func(in layer.Input) error {
			if in.Kind == event.InputMessage {
				if sent++; sent == 3 {
					h.worker.end(id)
				}
			}
			return nil
		}
		frame := wsclient.Frame(ws.OpBinary, true, bytes.Repeat([]byte{3}, 1<<20))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := c.Write(frame); err != nil {
			t.Fatal(err)
		}
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

// A small message doesn't keep the large frame in which it arrived in memory; a large
// message is not copied.
func TestMessagesKeepNoFrame(t *testing.T) {
	var received []byte
	hooks := Hooks{PreReceive: func(_ *Conn, m protocol.Message) error { received = m.Data; return nil }}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
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
			data = append(append(data, 102), make([]byte, tc.junk)...) // 102: an unknown type
			c.send(ws.OpBinary, data)
			synctest.Wait()
			in := h.worker.inputs[len(h.worker.inputs)-1]
			if got := &in.Message.Data[0] != &received[0]; len(in.Message.Data) != tc.data || got != tc.copied {
				t.Errorf("%+v: %d bytes, copied: %v", tc, len(in.Message.Data), got)
			}
		}
		c.close()
	})
}

func TestFullRoom(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		full := time.Now().Add(2 * time.Second)
		tries := 0
		h.worker.handle = func(in layer.Input) error {
			if in.Kind == event.InputMessage && time.Now().Before(full) {
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
		if got := h.worker.lines(); !strings.HasSuffix(got, "message 3 01\nmessage 3 02") {
			t.Errorf("the worker got:\n%s", got)
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
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		full := time.Now().Add(time.Minute)
		h.worker.handle = func(in layer.Input) error {
			if in.Kind == event.InputLeave && time.Now().Before(full) {
				return layer.ErrFull
			}
			return nil
		}
		c, _ := h.join("/doc")
		c.close()
		time.Sleep(2 * time.Minute)
		if got := h.worker.lines(); !strings.HasSuffix(got, "leave") {
			t.Errorf("the worker got:\n%s", got)
		}
	})
}

func TestNoRoom(t *testing.T) {
	for name, tc := range map[string]struct {
		send   error
		code   protocol.CloseCode
		reason string
		wait   time.Duration
	}{
		"no worker serves it":  {layer.ErrNoOwner, 1013, "no server runs the room", 10 * time.Second},
		"the room is full":     {layer.ErrFull, 1013, "too much to do", 5 * time.Second},
		"the layer ends":       {layer.ErrClosed, 1012, "restarts", 0},
		"the layer has failed": {errors.New("inner words"), 1013, "can't be reached", 0},
	} {
		t.Run(name, func(t *testing.T) {
			ended := 0
			hooks := Hooks{
				PostConnect:    func(*Conn) { t.Error("PostConnect ran") },
				PreDisconnect:  func(*Conn, protocol.CloseError) { t.Error("PreDisconnect ran") },
				PostDisconnect: func(*Conn, protocol.CloseError) { ended++ },
			}
			withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
				h.worker.handle = func(layer.Input) error { return tc.send }
				start := time.Now()
				h.dial("/doc").wantClose(tc.code, tc.reason)
				if took := time.Since(start); took < tc.wait || took > tc.wait+time.Second {
					t.Errorf("closed after %v, want %v", took, tc.wait)
				}
				synctest.Wait()
				if got := h.worker.lines(); got != "" {
					t.Errorf("the worker got:\n%s", got)
				}
				if n := len(h.rooms) + len(h.conns); n != 0 {
					t.Errorf("%d rooms and connections are left", n)
				}
				if ended != 1 {
					t.Errorf("PostDisconnect ran %d times", ended)
				}
			})
		})
	}
}

func TestRoomCloses(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		for i := range 3 {
			h.worker.output("doc", event.Everyone, uint64(i), protocol.Message{Type: protocol.Update, Data: []byte{byte(i)}})
		}
		reason := strings.Repeat("ä", 100)
		h.worker.output("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy, Reason: reason}).Message())
		h.worker.output("doc", id, 0, (&protocol.CloseError{Code: protocol.CloseInternal, Reason: "late"}).Message())
		h.worker.output("doc", event.Everyone, 9, protocol.Message{Type: protocol.Update, Data: []byte{9}})
		c.want("00020100")
		c.want("00020101")
		c.want("00020102")
		c.wantClose(protocol.ClosePolicy, strings.Repeat("ä", 61))
		synctest.Wait()
		h.worker.output("doc", id, 0, (&protocol.CloseError{Code: protocol.CloseInternal, Reason: "late"}).Message())

		mute, id := h.join("/doc") // reads the close frame, and doesn't answer
		h.worker.output("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy}).Message())
		mute.read()
		start := time.Now()
		mute.send(ws.OpBinary, []byte{0, 2, 1, 1})
		if _, _, err := mute.Read(); err == nil || time.Since(start) != closeWait {
			t.Errorf("the socket was closed after %v: %v", time.Since(start), err)
		}

		stuck, id := h.join("/doc") // doesn't read
		h.worker.output("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy}).Message())
		time.Sleep(closeWait)
		synctest.Wait()
		if err := stuck.Write([]byte{0}); err == nil {
			t.Error("a client that doesn't read was not cut off")
		}
	})
}

// A long reason of the room is truncated in the log and in the close frame.
func TestLongReason(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		reason := strings.Repeat("so ", 10_000)
		go h.worker.output("doc", id, 0, (&protocol.CloseError{Code: protocol.ClosePolicy, Reason: reason}).Message())
		c.wantClose(protocol.ClosePolicy, reason[:maxReason])
		synctest.Wait()
		if got := h.logs.String(); !strings.Contains(got, reason[:maxLogged]) || len(got) > 4*maxLogged {
			t.Errorf("%d bytes in the log", len(got))
		}
	})
}

// Messages that a client sends after its connection has ended reach no hook.
func TestNoHooksAfterTheEnd(t *testing.T) {
	hooks := Hooks{PreReceive: func(*Conn, protocol.Message) error { t.Error("PreReceive ran"); return nil }}
	withHarness(t, Config{Hooks: hooks}, func(_ *testing.T, h *harness) {
		c, id := h.join("/doc")
		h.worker.end(id)
		c.send(ws.OpBinary, []byte{0, 2, 1, 1})
		c.wantClose(protocol.ClosePolicy, "")
	})
}

func TestNetworkFails(t *testing.T) {
	var why protocol.CloseError
	hooks := Hooks{PreDisconnect: func(_ *Conn, e protocol.CloseError) { why = e }}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		c, _ := h.join("/doc")
		_ = c.Close()
		synctest.Wait()
		if why.Code != 1006 || !strings.HasSuffix(h.worker.lines(), "leave") {
			t.Errorf("ended with %v:\n%s", why, h.worker.lines())
		}
		c, _ = h.join("/doc")
		_ = c.Close()
		h.worker.output("doc", event.Everyone, 1, protocol.Message{Type: protocol.Update, Data: []byte{1}})
		synctest.Wait()
		if why.Code != 1006 {
			t.Errorf("ended with %v", why)
		}
	})
}

func TestLiveness(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
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
				t.Errorf("nothing arrived for %v", waited)
			}
		}
		if pings < 16 || pings > 20 || keepalives < 24 || keepalives > 30 {
			t.Errorf("%d pings, %d keepalives in ten minutes", pings, keepalives)
		}
		last := time.Now()
		for {
			if _, _, err := c.Read(); err != nil {
				break
			}
		}
		if silent := time.Since(last); silent < 55*time.Second || silent > 70*time.Second {
			t.Errorf("a dead client was kept for %v", silent)
		}
		synctest.Wait()
		if !strings.Contains(h.logs.String(), "the client sent nothing") {
			t.Errorf("log:\n%s", h.logs)
		}

		// A client that neither reads nor writes doesn't block the writer for ever.
		h.join("/doc")
		h.worker.output("doc", event.Everyone, 1, protocol.Message{Type: protocol.Update, Data: make([]byte, 1<<20)})
		time.Sleep(70 * time.Second)
		if n := len(h.all(nil)); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Config{})
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
				_, _, _ = c.Read()
				_ = c.Close()
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
		if lines := h.worker.lines(); strings.Count(lines, "leave") != n || !strings.HasSuffix(lines, "leave\ngone") {
			t.Errorf("the worker got:\n%s", lines)
		}
	})
}

// The time in which connections are closed grows with their number, and fits into that of
// the shutdown.
func TestShutdownIsPaced(t *testing.T) {
	for name, tc := range map[string]struct {
		conns         int
		timeout, want time.Duration
	}{
		"few":                 {5, time.Minute, 8 * time.Millisecond},
		"many":                {100, time.Minute, 198 * time.Millisecond},
		"many in little time": {100, 300 * time.Millisecond, 99 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Config{})
				var closed sync.WaitGroup
				for range tc.conns {
					c, _ := h.join("/doc")
					closed.Go(func() { c.wantClose(protocol.CloseRestart, "restarts") })
				}
				ctx, cancel := context.WithTimeout(t.Context(), tc.timeout)
				defer cancel()
				start := time.Now()
				if err := h.Shutdown(ctx); err != nil {
					t.Error(err)
				}
				if took := time.Since(start); took != tc.want {
					t.Errorf("it took %v, want %v", took, tc.want)
				}
				closed.Wait()
				_ = h.http.Close()
				<-h.ended
			})
		})
	}
}

// Shutdown returns when its context ends, even if a client doesn't read and a room
// accepts nothing.
func TestShutdownCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Config{})
		_, _ = h.join("/doc")
		h.worker.mu.Lock()
		h.worker.handle = func(layer.Input) error { return layer.ErrFull }
		h.worker.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if err := h.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
		if got := h.worker.lines(); !strings.HasSuffix(got, "gone") {
			t.Errorf("the consumer is still attached:\n%s", got)
		}
		_ = h.http.Close()
		<-h.ended
	})
}

// Shutdown begins while connections join their room.
func TestShutdownDuringJoin(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		h.worker.handle = func(in layer.Input) error {
			if in.Kind == event.InputJoin {
				return layer.ErrFull
			}
			return nil
		}
		first, second := h.dial("/doc"), h.dial("/doc")
		synctest.Wait()
		done := make(chan struct{})
		go func() {
			h.shutdown()
			close(done)
		}()
		first.wantClose(protocol.CloseRestart, "restarts")
		second.wantClose(protocol.CloseRestart, "restarts")
		<-done
		wantLines(t, h.worker.lines(), "gone")
		if n := len(h.rooms) + len(h.conns) + len(h.sockets); n != 0 {
			t.Errorf("%d rooms, connections and sockets are left", n)
		}
	})
}

// The next connection joins a room while the last one leaves it.
func TestLeaveAndJoinDoNotCross(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
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
		joined := map[event.ConnID]int{}
		for i, in := range h.worker.inputs {
			switch in.Kind {
			case event.InputJoin:
				joined[in.Conn]++
			case event.InputLeave:
				if joined[in.Conn]--; joined[in.Conn] != 0 {
					t.Fatalf("input %d: connection %d leaves, and has not joined", i, in.Conn)
				}
				delete(joined, in.Conn)
			}
		}
		if len(joined) != 0 || strings.Count(h.worker.lines(), "leave") != 400 {
			t.Errorf("%d connections have not left", len(joined))
		}
		if n := len(h.rooms) + len(h.conns); n != 0 {
			t.Errorf("%d rooms and connections are left", n)
		}
	})
}

// Of pings, pongs and keepalives only the newest waits, and it is written before other
// frames.
func TestOnlyTheNewestControlFrames(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		h.worker.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
		synctest.Wait() // the writer waits for the client to read it
		s := h.conn("doc", id).socket
		h.worker.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep1, Data: []byte{1}})
		for i := range 1000 {
			s.addControl(controlPing, pingFrame)
			s.addControl(controlKeepalive, keepaliveFrame)
			s.addControl(controlPong, &outbox.Frame{Head: encode(ws.OpPong, []byte{byte(i)})})
		}
		c.want("00000100")
		if op, _ := c.read(); op != ws.OpPing {
			t.Errorf("got opcode %d, want a ping", op)
		}
		if op, payload := c.read(); op != ws.OpPong || payload[0] != 999%256 {
			t.Errorf("got opcode %d with %x, want the last pong", op, payload)
		}
		c.want("010100")
		c.want("00000101")
		c.close()
	})
}
