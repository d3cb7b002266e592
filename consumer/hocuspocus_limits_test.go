package consumer

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// tokens is a Hooks.Admit for which "in" admits, "reader" admits without the right to
// write, and anything else is refused.
func tokens(_ context.Context, r Request) (Admission, error) {
	switch r.Token {
	case "in":
		return Admission{Room: r.Room, Access: event.AccessWrite | event.AccessPresent}, nil
	case "reader":
		return Admission{Room: r.Room, Access: event.AccessPresent}, nil
	}
	return Admission{}, &StatusError{Status: 403, Reason: "not in"}
}

var withTokens = Config{Hooks: Hooks{Admit: tokens}}

// works checks that a document can be opened, and closes it.
func (p provider) works(address string) {
	p.t.Helper()
	p.put(address, auth("in", "4.8.0"), bodyStep1)
	p.get(address, bodyWrites)
	p.put(address, bodyClose)
	p.get(address, closed("provider_initiated"))
}

// Frames that no provider sends, or that come at a wrong time: each has its reply, and
// other documents of the socket go on, unless it ends.
func TestHocuspocusFrames(t *testing.T) {
	const badName = "A room name is 1 to 255 bytes of UTF-8, not blank and without control or invisible characters."
	in := auth("in", "4.8.0")
	for name, c := range map[string]struct {
		address string
		bodies  []string // sent one after another
		replies []string
	}{
		"no token":             {"doc", []string{bodyStep1, bodyUpdate, bodyAwareness}, nil},
		"another token":        {"doc", []string{auth(""), bodyStep1, bodyUpdate}, []string{denied("not in")}},
		"then a good one":      {"doc", []string{auth(""), bodyStep1, in}, []string{denied("not in"), bodyWrites}},
		"a token, cut":         {"doc", []string{"02 00 05 61"}, []string{denied("permission-denied")}},
		"no name":              {"", []string{in, bodyStep1}, []string{denied(badName)}},
		"a blank name":         {" \t", []string{in}, []string{denied(badName)}},
		"a session of no name": {"\x00s", []string{in, bodyUpdate}, []string{denied(badName)}},
		"a control character":  {"a\x01", []string{in}, []string{denied(badName)}},
		"a long name":          {strings.Repeat("a", 3000), []string{in}, []string{denied(badName)}},
		"__proto__":            {"__proto__", []string{in, bodyStep1}, []string{bodyWrites}},
		"two NULs":             {"doc\x00a\x00b", []string{in}, []string{bodyWrites}},
		"close, never opened":  {"doc", []string{bodyClose, bodyClose}, nil},
		"after a close":        {"doc", []string{in, bodyClose, bodyUpdate, bodyClose}, []string{bodyWrites, closed("provider_initiated")}},
		"again after a close":  {"doc", []string{in, bodyClose, bodyUpdate, in}, []string{bodyWrites, closed("provider_initiated"), bodyWrites}},
		"a broadcast":          {"doc", []string{in, "06 01 61", bodyUpdate}, []string{bodyWrites, closed("Reset Connection")}},
		"an unknown sync":      {"doc", []string{in, "00 03 00", bodyUpdate}, []string{bodyWrites, closed("Reset Connection")}},
		"a sync, cut":          {"doc", []string{in, "00 02 05 00"}, []string{bodyWrites, closed("Reset Connection")}},
		"an unknown type":      {"doc", []string{in, "7f 01", "", "08 01", "02 01 00"}, []string{bodyWrites}},
		"of an old provider":   {"doc", []string{auth("in"), "06 01 61"}, []string{bodyWrites, denied("Reset Connection"), closed("Reset Connection")}},
	} {
		t.Run(name, func(t *testing.T) {
			withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
				p.works("other")
				p.put("open", in)
				p.get("open", bodyWrites)
				for _, body := range c.bodies {
					p.put(c.address, body)
				}
				// A denial and a close of the same document are written at once.
				var want, got strings.Builder
				for _, reply := range c.replies {
					fmt.Fprintf(&want, "%x\n", p.frame(c.address, reply))
				}
				for range c.replies {
					_, frame := p.read()
					fmt.Fprintf(&got, "%x\n", frame)
				}
				if got.String() != want.String() {
					t.Errorf("replies:\n%swant:\n%s", &got, &want)
				}
				p.works("other")
				n := len(h.worker.inputs)
				p.put("open", bodyUpdate)
				if in := h.worker.inputs[n:]; len(in) != 1 || in[0].Room != "open" {
					t.Errorf("an open document is cut off: %+v", in)
				}
				p.close()
			})
		})
	}
}

func TestHocuspocusSocketFrames(t *testing.T) {
	withProvider(t, withTokens, func(t *testing.T, _ *harness, p provider) {
		p.send(ws.OpBinary, []byte{protocol.HocuspocusPong})
		p.send(ws.OpText, []byte("hello"))
		p.send(ws.OpBinary, []byte{protocol.HocuspocusPing})
		p.want("0a")
		p.works("doc")
		p.close()
	})
	for name, c := range map[string]struct {
		frame []byte
		code  protocol.CloseCode
	}{
		"empty":            {nil, protocol.CloseMalformed},
		"no address":       {[]byte{5, 'a'}, protocol.CloseMalformed},
		"not UTF-8":        {[]byte{1, 0xff, 3}, protocol.CloseMalformed},
		"an endless name":  {append([]byte{0xff, 0x3f}, make([]byte, 8191)...), protocol.CloseReset},
		"too much at once": {append([]byte{1, 'a', 0, 2}, make([]byte, mostQueuedSize)...), protocol.CloseTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			withProvider(t, withTokens, func(_ *testing.T, _ *harness, p provider) {
				p.wantCloseDuring(c.code, func() { p.offer(c.frame) })
			})
		})
	}
}

// What a socket may send before a document is admitted is bounded.
func TestHocuspocusQueueLimits(t *testing.T) {
	for name, flood := range map[string]func(p provider){
		"messages": func(p provider) {
			for range mostQueued + 1 {
				p.offer(p.frame("doc", bodyUpdate))
			}
		},
		"bytes": func(p provider) {
			for range 6 {
				p.offer(append(p.frame("doc", "00 02"), make([]byte, 1<<20)...))
			}
		},
		"documents": func(p provider) {
			for i := range defaultDocumentsPerSocket + 1 {
				p.offer(p.frame(fmt.Sprint(i), auth("slow")))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Hooks: Hooks{Admit: func(ctx context.Context, _ Request) (Admission, error) {
				<-ctx.Done()
				return Admission{}, ctx.Err()
			}}}
			withProvider(t, cfg, func(t *testing.T, h *harness, p provider) {
				p.wantCloseDuring(protocol.CloseReset, func() { flood(p) })
				time.Sleep(closeWait) // while the server drops what has arrived
				synctest.Wait()
				if n := h.incoming.used.Load(); n != 0 {
					t.Errorf("%d bytes are still reserved", n)
				}
			})
		})
	}
}

// offer sends a frame, which the server may not read any more.
func (p provider) offer(frame []byte) { _ = p.Write(wsclient.Frame(ws.OpBinary, true, frame)) }

// wantCloseDuring expects a close frame with this code while f sends.
func (p provider) wantCloseDuring(code protocol.CloseCode, f func()) {
	p.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.wantCloseAnswering(code)
	}()
	f()
	<-done
}

// A client that isn't admitted to any document is closed after a while.
func TestHocuspocusAuthTime(t *testing.T) {
	for name, c := range map[string]struct {
		bodies   []string
		from, to time.Duration
	}{
		"silent":          {nil, tokenTime, tokenTime + sweepEvery},
		"without a token": {[]string{bodyStep1}, tokenTime, tokenTime + sweepEvery},
		"denied":          {[]string{auth("no")}, admitTime, admitTime + sweepEvery},
	} {
		t.Run(name, func(t *testing.T) {
			withProvider(t, withTokens, func(t *testing.T, _ *harness, p provider) {
				start := time.Now()
				p.put("doc", c.bodies...)
				p.wantCloseAnswering(protocol.CloseLateAuth)
				if took := time.Since(start); took < c.from || took > c.to {
					t.Errorf("closed after %v", took)
				}
			})
		})
	}
	withProvider(t, withTokens, func(t *testing.T, _ *harness, p provider) {
		p.works("doc") // once is enough
		p.idle(10 * time.Minute)
		p.works("doc")
		p.close()
	})
}

// wantCloseAnswering reads up to a close frame with this code. It answers pings.
func (p provider) wantCloseAnswering(code protocol.CloseCode) {
	p.t.Helper()
	for {
		op, payload, err := p.Read()
		if err != nil {
			p.t.Errorf("no close frame: %v", err)
			return
		}
		switch op {
		case ws.OpPing:
			p.send(ws.OpPong, payload)
		case ws.OpClose:
			if got, _ := ws.ParseCloseFrameData(payload); protocol.CloseCode(got) != code {
				p.t.Errorf("closed with %d, want %d", got, code)
			}
			_ = p.Close()
			return
		}
	}
}

// idle reads for a time. It answers pings, of providers too, and returns how often each
// other frame has arrived, by its hexadecimal form.
func (p provider) idle(d time.Duration) map[string]int {
	p.t.Helper()
	frames := make(map[string]int)
	for start := time.Now(); time.Since(start) < d; {
		op, payload := p.read()
		switch op {
		case ws.OpPing:
			p.send(ws.OpPong, payload)
		case ws.OpBinary:
			frames[fmt.Sprintf("%x", payload)]++
			if len(payload) == 1 {
				p.send(ws.OpBinary, []byte{protocol.HocuspocusPong})
			}
		default:
			p.t.Fatalf("got opcode %d with %x", op, payload)
		}
	}
	p.send(ws.OpBinary, []byte{protocol.HocuspocusPing}) // what is before its answer has arrived at the same time
	for {
		if _, payload := p.read(); len(payload) == 1 && payload[0] == protocol.HocuspocusPong {
			return frames
		}
	}
}

// Providers of all versions close a connection on which nothing arrives for 30 seconds.
// A ping of the protocol makes those before version 4 throw.
func TestHocuspocusKeepalive(t *testing.T) {
	for version, want := range map[string]string{"": "00010100", "4.8.0": "09"} {
		withProvider(t, withTokens, func(t *testing.T, _ *harness, p provider) {
			p.put("doc", auth("in", strings.Fields(version)...))
			p.get("doc", bodyWrites)
			got := p.idle(10 * time.Minute)
			if n := got[want]; len(got) != 1 || n < 24 || n > 30 {
				t.Errorf("version %q: %v arrived in ten minutes", version, got)
			}
			p.close()
		})
	}
}

// Past the limit of documents on a socket, further ones are denied while others go on.
func TestHocuspocusManyDocuments(t *testing.T) {
	withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
		go func() {
			p.put("0", auth("in"))
			for i := range 200 {
				p.send(ws.OpBinary, p.frame(fmt.Sprint(i), auth("in", "4.8.0")))
				p.send(ws.OpBinary, p.frame(fmt.Sprint(i), bodyStep1))
			}
		}()
		var opened, refused int
		for opened+refused < 200 {
			switch _, frame := p.read(); {
			case strings.HasSuffix(string(frame), "read-write"):
				opened++
			case strings.HasSuffix(string(frame), errDocuments.Reason):
				refused++
			default:
				t.Fatalf("got %x", frame)
			}
		}
		synctest.Wait()
		if opened != 100 || h.worker.joined("99") != 1 || h.worker.joined("100") != 0 {
			t.Errorf("%d documents are open", opened)
		}
		if h.gate.open != 100 {
			t.Errorf("they count as %d connections", h.gate.open)
		}
		p.put("5", bodyClose)
		p.get("5", closed("provider_initiated"))
		p.put("new", auth("in"))
		p.get("new", bodyWrites)
		p.close()
		if h.gate.open != 0 {
			t.Errorf("%d connections are counted after the end", h.gate.open)
		}
	})
}

// A document that is open has no goroutine.
func TestHocuspocusGoroutines(t *testing.T) {
	withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
		p.works("first")
		before := runtime.NumGoroutine()
		for i := range 50 {
			p.put(fmt.Sprint(i), auth("in"), bodyStep1, bodyAwareness)
			p.get(fmt.Sprint(i), bodyWrites)
		}
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 2 {
			t.Errorf("50 documents have %d goroutines", n)
		}
		if n := len(h.worker.conns()); n != 51 {
			t.Errorf("%d documents have joined", n)
		}
		p.close()
	})
}

// Documents count as joins, which wait until one more is allowed, and as connections.
func TestHocuspocusGate(t *testing.T) {
	cfg := withTokens
	cfg.Limits = Limits{Connections: 3, JoinsPerSecond: 1}
	withProvider(t, cfg, func(t *testing.T, h *harness, p provider) { // the gate allows five at first
		start := time.Now()
		for i := range 3 {
			p.put(fmt.Sprint(i), auth("in"))
			p.get(fmt.Sprint(i), bodyWrites)
		}
		p.put("3", auth("in")) // one too many: it is to come back on another socket
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("the first joins took %v", took)
		}
		p.put("0", bodyClose)
		p.get("0", closed("provider_initiated"))
		p.put("3", auth("in"))
		p.get("3", bodyWrites)
		if took := time.Since(start); took < 900*time.Millisecond || took > 1100*time.Millisecond {
			t.Errorf("a join that had to wait took %v", took)
		}
		p.put("2", bodyClose)
		p.get("2", closed("provider_initiated"))
		h.gate.joins.Take(time.Now().Add(time.Hour)) // no other join is allowed until then
		p.put("4", auth("in"))
		p.wantClose(protocol.CloseTryLater, "Too many")
		synctest.Wait()
		if h.gate.open != 0 {
			t.Errorf("%d connections are counted after the end", h.gate.open)
		}
	})
}

// Frames for a document that the client may not open are kept for a later token within the
// limits. Past them they are dropped; the client synchronizes again on another socket.
func TestHocuspocusDeadDocument(t *testing.T) {
	withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
		p.put("a", auth("in"))
		p.get("a", bodyWrites)
		p.put("b", auth("no"))
		p.get("b", denied("not in"))
		for range mostQueued {
			p.send(ws.OpBinary, p.frame("b", bodyUpdate))
		}
		synctest.Wait()
		if h.worker.joined("b") != 0 || h.incoming.used.Load() == 0 {
			t.Error("the frames don't wait")
		}
		p.put("b", bodyUpdate, bodyUpdate)
		if n := h.incoming.used.Load(); n != 0 {
			t.Errorf("%d bytes still wait", n)
		}
		n := len(h.worker.inputs)
		p.put("a", bodyUpdate)
		if len(h.worker.inputs) != n+1 {
			t.Error("the other document is cut off")
		}
		p.put("b", auth("no"))
		p.get("b", denied("not in"))
		p.send(ws.OpBinary, p.frame("b", auth("in")))
		p.wantClose(protocol.CloseReset, "Reset Connection")
	})
}

// While a document is being opened, its frames wait, however many they are.
func TestHocuspocusSlowOpening(t *testing.T) {
	withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
		p.works("first")
		release := make(chan struct{})
		h.worker.handle = func(layer.Input) error {
			select {
			case <-release:
				return nil
			default:
				return layer.ErrNoOwner
			}
		}
		p.put("doc", auth("in"))
		p.get("doc", bodyWrites)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for range 3 * mostQueued {
				p.send(ws.OpBinary, p.frame("doc", bodyUpdate))
			}
		}()
		time.Sleep(time.Second)
		close(release)
		<-sent
		synctest.Wait()
		if n := len(h.worker.inputs) - 3; n != 3*mostQueued+1 { // three are of the first
			t.Errorf("%d inputs have arrived", n)
		}
		p.close()
	})
}
