package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// How a document ends: alone, with a frame that the version of the provider understands, or
// with its socket, after which the client comes back.
func TestHocuspocusEnds(t *testing.T) {
	type row struct {
		code   protocol.CloseCode
		synced bool // the document was synchronized
		others bool // there are other documents on the socket
		alone  bool
	}
	for _, c := range []row{
		{protocol.CloseMalformed, true, true, true},
		{protocol.ClosePolicy, true, true, true},
		{protocol.ClosePolicy, false, false, true},
		{protocol.CloseUnauthorized, true, true, true},
		{protocol.CloseForbidden, true, true, true},
		{protocol.CloseDeleted, true, false, true},
		{protocol.CloseCut, true, true, true},
		{4999, true, true, true}, // of a program
		{protocol.CloseInternal, true, true, false},
		{protocol.CloseRestart, true, true, false},
		{protocol.CloseTryLater, true, true, false},
		{protocol.CloseTryLater, false, false, false},
		{protocol.CloseReset, true, true, false},
	} {
		for version, frames := range map[string][]string{"4.8.0": {closed("why")}, "": {denied("why"), closed("why")}} {
			t.Run(fmt.Sprintf("%+v, version %q", c, version), func(t *testing.T) {
				withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
					p.put("doc", auth("in", strings.Fields(version)...))
					p.get("doc", bodyWrites)
					id := h.worker.conns()[0]
					if c.others {
						p.put("other", auth("reader"))
						p.get("other", bodyReads)
					}
					if c.synced {
						h.worker.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep2, Data: []byte{0, 0}})
						p.get("doc", bodyStep2)
					}
					h.worker.sends("doc", id, (&protocol.CloseError{Code: c.code, Reason: "why"}).Message())
					if !c.alone {
						p.wantClose(c.code, "why")
						return
					}
					for _, frame := range frames {
						p.get("doc", frame)
					}
					p.put("doc", bodyUpdate) // waits for a token
					p.works("third")
					p.put("doc", auth("in"))
					p.get("doc", bodyWrites)
					p.close()
				})
			})
		}
	}
}

// A document that can't be opened doesn't cut off the others at once.
func TestHocuspocusResetLater(t *testing.T) {
	for _, version := range []string{"", "4.8.0"} {
		withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
			p.put("good", auth("in", strings.Fields(version)...))
			p.get("good", bodyWrites)
			p.put("bad", auth("in", strings.Fields(version)...))
			p.get("bad", bodyWrites)
			start := time.Now()
			h.worker.sends("bad", h.worker.conns()[1], (&protocol.CloseError{Code: protocol.CloseTryLater, Reason: "later"}).Message())
			if version != "" {
				p.get("bad", closed("later"))
			}
			p.put("good", bodyUpdate)
			if in := h.worker.inputs[len(h.worker.inputs)-1]; in.Room != "good" || in.Kind != event.InputMessage {
				t.Errorf("the last input is %+v", in)
			}
			p.wantCloseAnswering(protocol.CloseTryLater)
			if took := time.Since(start); took < resetPause || took > resetPause+sweepEvery {
				t.Errorf("the socket was closed after %v", took)
			}
		})
	}
}

// A client whose token can't be checked tries again on another socket.
func TestHocuspocusUndecided(t *testing.T) {
	cfg := Config{Hooks: Hooks{Admit: func(ctx context.Context, r Request) (Admission, error) {
		if r.Room == "down" {
			return Admission{}, &StatusError{Status: 503, Reason: "The login is down."}
		}
		return tokens(ctx, r)
	}}}
	for others, pause := range map[bool]time.Duration{false: againPause, true: resetPause} {
		withProvider(t, cfg, func(t *testing.T, _ *harness, p provider) {
			if others {
				p.put("doc", auth("in"))
				p.get("doc", bodyWrites)
			}
			start := time.Now()
			p.put("down", auth("in"), bodyUpdate)
			if others {
				p.works("another") // which doesn't change that
			}
			p.wantCloseAnswering(protocol.CloseTryLater)
			if took := time.Since(start); took < pause || took > pause+sweepEvery {
				t.Errorf("closed after %v", took)
			}
		})
	}
}

// A client counts the acks, of which some may be lost with a worker. So it has to begin
// again.
func TestHocuspocusLost(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, h *harness){
		"the room":   func(_ *testing.T, h *harness) { h.worker.outputRejoin("doc", h.worker.conns()[0]) },
		"the worker": func(t *testing.T, h *harness) { h.worker.stop(t) },
	} {
		t.Run(name, func(t *testing.T) {
			withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
				p.put("doc", auth("in"), bodyUpdate)
				p.get("doc", bodyWrites)
				lose(t, h)
				p.wantClose(protocol.CloseReset, "Reset Connection")
				if strings.Contains(h.worker.lines(), "rejoin") {
					t.Error("the connection has joined again")
				}
			})
		})
	}
}

// When a client sends SyncStep1 again, it forgets the updates whose acks it waits for.
func TestHocuspocusForceSync(t *testing.T) {
	withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
		p.put("doc", auth("in"), bodyStep1, bodyUpdate, bodyUpdate, bodyStep1, bodyStep2, bodyUpdate)
		p.get("doc", bodyWrites)
		id := h.worker.conns()[0]
		h.worker.sends("doc", id, protocol.Message{Type: protocol.Ack, Count: 1}, protocol.Message{Type: protocol.Ack, Count: 2})
		p.get("doc", bodyAck) // of the SyncStep2
		h.worker.sends("doc", id, protocol.Message{Type: protocol.Ack, Count: 1})
		p.get("doc", bodyAck)
		p.close()
	})
}

func TestHocuspocusHooks(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, fmt.Sprintf(format, args...))
	}
	hooks := Hooks{
		Admit: func(_ context.Context, r Request) (Admission, error) {
			note("admit %s as %q from %s", r.Room, r.Token, r.HTTP.Header.Get("Origin"))
			if r.Token == "panic" {
				panic("in Admit")
			}
			return Admission{Room: "tenant." + r.Room, Access: event.AccessWrite}, nil
		},
		PreConnect: func(c *Conn, r *http.Request) error {
			note("pre connect %s by %s", c.Room(), r.URL.Query().Get("by"))
			if c.Room() == "tenant.closed" {
				return &StatusError{Status: 403, Reason: "closed"}
			}
			return nil
		},
		PostConnect: func(c *Conn) { note("post connect %s", c.Room()) },
		PreReceive: func(_ *Conn, m protocol.Message) error {
			if bytes.Equal(m.Data, []byte("drop")) {
				return ErrDrop
			}
			note("receive %d %q", m.Type, m.Data)
			return nil
		},
		Stateless:      func(c *Conn, payload string) { note("stateless %q", payload); c.SendStateless("re: " + payload) },
		PreDisconnect:  func(c *Conn, e protocol.CloseError) { note("pre disconnect %s: %d %s", c.Room(), e.Code, e.Reason) },
		PostDisconnect: func(c *Conn, _ protocol.CloseError) { note("post disconnect %s", c.Room()) },
	}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		h.handler = h.Hocuspocus()
		p := provider{h.dial("/?by=query&token=url")}
		p.put("doc", auth("tok"), bodyStep1)
		p.get("doc", bodyWrites)
		p.put("doc", "05 02 796f")
		p.get("doc", "05 06 72653a20796f")
		p.put("doc", "00 02 04 64726f70")
		p.get("doc", bodyReject)
		p.put("closed", auth(""))
		p.get("closed", denied("closed"))
		p.put("bad", auth("panic"))
		p.get("bad", denied("The server made a mistake."))
		h.worker.output("tenant.doc", event.Everyone, 0, protocol.Message{Type: protocol.Stateless, Data: []byte("all")})
		p.get("doc", "05 03 616c6c")
		p.put("doc", bodyClose)
		p.get("doc", closed("provider_initiated"))
		p.close()
	})
	want := []string{
		`admit doc as "tok" from `, "pre connect tenant.doc by query", "post connect tenant.doc", `receive 1 "\x00"`,
		`receive 9 "yo"`, `stateless "yo"`,
		`admit closed as "url" from `, "pre connect tenant.closed by query",
		`admit bad as "panic" from `,
		"pre disconnect tenant.doc: 1000 provider_initiated", "post disconnect tenant.doc",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// A client without an Auth is admitted by what its request carries, as one of version 2
// without a token.
func TestHocuspocusWithoutAuth(t *testing.T) {
	for name, c := range map[string]struct {
		cfg     Config
		path    string
		replies []string
	}{
		"no login":       {Config{}, "/", []string{bodyWrites}},
		"by its request": {withTokens, "/?token=reader", []string{bodyReads}},
		"refused":        {withTokens, "/?token=no", nil},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, c.cfg, func(_ *testing.T, h *harness) {
				h.handler = h.Hocuspocus()
				p := provider{h.dial(c.path)}
				p.put("doc", bodyStep1, bodyAwareness)
				for _, reply := range c.replies {
					p.get("doc", reply)
				}
				p.put("two", auth("in"))
				p.get("two", bodyWrites)
				p.close()
			})
		})
	}
}

// The room tells of another access, and the client of another token.
func TestHocuspocusAccess(t *testing.T) {
	outage := false
	cfg := Config{Hooks: Hooks{Admit: func(ctx context.Context, r Request) (Admission, error) {
		switch r.Token {
		case "elsewhere":
			return Admission{Room: "elsewhere"}, nil
		case "wrong":
			return Admission{}, errors.New("an error that clients don't see")
		}
		if outage {
			return Admission{}, &StatusError{Status: 503, Reason: "down"}
		}
		return tokens(ctx, r)
	}}}
	withProvider(t, cfg, func(t *testing.T, h *harness, p provider) {
		p.put("doc", auth("in", "4.8.0"))
		p.get("doc", bodyWrites)
		id := h.worker.conns()[0]
		h.worker.deliver([]layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
			Kind: event.OutputAccess, To: id, AccessSeq: 1, Access: event.AccessPresent,
		}}})
		p.get("doc", bodyReads)
		p.put("doc", auth("in")) // what a program has decided last holds until now
		p.get("doc", bodyWrites)
		h.conn("doc", id).RequestToken()
		p.get("doc", "02 00")
		p.put("doc", auth("reader"), bodyUpdate)
		p.get("doc", bodyReads)
		n := len(h.worker.inputs)
		if last := h.worker.inputs[n-2:]; last[0].Kind != event.InputAccess || last[0].Access != event.AccessPresent || last[1].Message.Type != protocol.Update {
			t.Errorf("the last inputs are %+v", last)
		}
		outage = true
		p.put("doc", auth("in")) // that can not be decided: all stays as it is
		outage = false
		p.put("doc", auth("wrong"), bodyUpdate)
		p.get("doc", closed("permission-denied"))
		p.put("doc", auth("in"))
		p.get("doc", bodyWrites)
		p.put("doc", auth("elsewhere"))
		p.get("doc", closed("the new authorization is for another room or user"))
		p.close()
	})
}

// Before its authorization expires, a client is asked for a new token.
func TestHocuspocusExpires(t *testing.T) {
	cfg := Config{Hooks: Hooks{Admit: func(_ context.Context, r Request) (Admission, error) {
		a := Admission{Room: r.Room, Access: event.AccessWrite}
		if seconds, err := time.ParseDuration(r.Token); err == nil {
			a.Expires = time.Now().Add(seconds)
		}
		return a, nil
	}}}
	withProvider(t, cfg, func(t *testing.T, _ *harness, p provider) {
		start := time.Now()
		p.put("other", auth("never"))
		p.get("other", bodyWrites)
		p.put("doc", auth("60s", "4.8.0"))
		p.get("doc", bodyWrites)
		p.awaitAnswering("doc", "02 00")
		if took := time.Since(start); took < 30*time.Second || took > 35*time.Second {
			t.Errorf("asked after %v", took)
		}
		p.put("doc", auth("10m"))
		p.awaitAnswering("doc", "02 00")
		p.awaitAnswering("doc", closed("the authorization has expired"))
		if took := time.Since(start); took < 630*time.Second || took > 640*time.Second {
			t.Errorf("closed after %v", took)
		}
		p.works("third")
		p.close()
	})
}

// awaitAnswering reads up to a frame. It answers pings.
func (p provider) awaitAnswering(address, body string) {
	p.t.Helper()
	want := p.frame(address, body)
	for {
		switch op, payload := p.read(); {
		case op == ws.OpPing:
			p.send(ws.OpPong, payload)
		case bytes.Equal(payload, want):
			return
		case len(payload) != 1 && len(payload) != 4:
			p.t.Errorf("got %x, want %x", payload, want)
		}
	}
}

// A client that doesn't read is closed once what can't be dropped is too much.
func TestHocuspocusReadsNothing(t *testing.T) {
	cfg := withTokens
	cfg.Settings = func(string) Settings { return Settings{OutboxSize: 4 << 10} }
	withProvider(t, cfg, func(_ *testing.T, h *harness, p provider) {
		p.put("doc", auth("in"))
		p.get("doc", bodyWrites)
		for range 100 {
			h.worker.output("doc", event.Everyone, 0, protocol.Message{Type: protocol.Stateless, Data: make([]byte, 100)})
		}
		p.wantClose(protocol.CloseReset, "too slowly")
	})
}

// A header is kept as long as the socket, so it has a bound.
func TestHocuspocusHeader(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		many := make([]string, 0, 2*5000)
		for i := range 5000 {
			many = append(many, fmt.Sprintf("%x", 0x10000+i), "")
		}
		for name, c := range map[string]struct {
			path    string
			header  []string
			refused bool
		}{
			"a small header": {"/", []string{"Cookie", strings.Repeat("a", 1<<10)}, false},
			"a large header": {"/", []string{"Cookie", strings.Repeat("a", maxHeader+1)}, true},
			"many fields":    {"/", many, true}, // which take much more memory than they have bytes
			"a long address": {"/?" + strings.Repeat("a", maxHeader+1), nil, true},
		} {
			w := httptest.NewRecorder()
			r := upgradeRequest(c.path, c.header...)
			h.Hocuspocus().ServeHTTP(w, r)
			if refused := w.Code == errHeaderSize.Status; refused != c.refused {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		synctest.Wait()
		if h.gate.open != 0 {
			t.Errorf("%d connections are counted", h.gate.open)
		}
	})
}

// getFromBoth reads a frame for each of two addresses of the room doc, in any order.
func (p provider) getFromBoth(body string) {
	p.t.Helper()
	var got []string
	for range 2 {
		_, payload := p.read()
		got = append(got, string(payload))
	}
	slices.Sort(got)
	want := []string{string(p.frame("doc", body)), string(p.frame("doc\x00session", body))}
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("-want +got:\n%s", diff)
	}
}

// Connections of both dialects in a room are sent the same, each in its own frames.
func TestTwoDialects(t *testing.T) {
	withProvider(t, withTokens, func(_ *testing.T, h *harness, p provider) {
		p.put("doc", auth("reader"))
		p.get("doc", bodyReads)
		p.put("doc\x00session", auth("reader"))
		p.get("doc\x00session", bodyReads)
		h.handler = nil
		plain, _ := h.join("/doc?token=reader")
		h.worker.output("doc", event.Everyone, 1, update('1'))
		plain.want("00020131")
		p.getFromBoth("00 02 01 31")
		for reach, data := range map[event.Reach]byte{event.ReachV1: '2', event.ReachOthers: '3'} {
			h.worker.deliver([]layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
				Kind: event.OutputMessage, Reach: reach, Mark: event.Mark{Epoch: 1, Seq: 2}, Message: update(data),
			}}})
		}
		plain.want("00020133")
		p.getFromBoth("00 02 01 32")
		plain.close()
		p.close()
	})
}
