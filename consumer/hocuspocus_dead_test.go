package consumer

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// fill admits the client to the document "a", denies it "b", and sends as many frames for
// "b" as may wait for a token.
func (p provider) fill() {
	p.t.Helper()
	p.put("a", auth("in"))
	p.get("a", bodyWrites)
	p.put("b", auth("no"))
	p.get("b", denied("not in"))
	for range mostQueued {
		p.send(ws.OpBinary, p.frame("b", bodyUpdate))
	}
	synctest.Wait()
}

// Tokens are read even if the frames of a document that the client may not open fill the
// queue.
func TestHocuspocusTokensPastTheLimit(t *testing.T) {
	for name, f := range map[string]func(p provider){
		"of an open document": func(p provider) {
			p.put("a", auth("no"))
			p.get("a", denied("not in"))
			p.get("a", closed("not in"))
			p.close()
		},
		"of another": func(p provider) {
			p.put("c", auth("in"))
			p.get("c", bodyWrites)
			p.close()
		},
		"of the document": func(p provider) {
			p.send(ws.OpBinary, p.frame("b", auth("in")))
			p.wantClose(protocol.CloseReset, "Reset Connection")
		},
	} {
		t.Run(name, func(t *testing.T) {
			withProvider(t, withTokens, func(_ *testing.T, _ *harness, p provider) {
				p.fill()
				f(p)
			})
		})
	}
}

// What the program says about an earlier token has no effect once the client has sent a
// newer one.
func TestHocuspocusRenewalIsOvertaken(t *testing.T) {
	for name, late := range map[string]func() (Admission, error){
		"by less": func() (Admission, error) {
			return Admission{Room: "doc", Access: event.AccessWrite | event.AccessPresent}, nil
		},
		"after the former has expired": func() (Admission, error) {
			return Admission{}, &StatusError{Status: http.StatusUnauthorized, Reason: "The token has expired."}
		},
		"in an outage": func() (Admission, error) { return Admission{}, errors.New("down") },
	} {
		t.Run(name, func(t *testing.T) {
			var answer chan struct{}
			renewed := 0
			cfg := Config{Hooks: Hooks{Admit: func(ctx context.Context, r Request) (Admission, error) {
				a, err := tokens(ctx, r)
				if r.Token == "in" {
					a.RenewAt = time.Now()
					a.Renew = func(context.Context) (Admission, error) {
						renewed++
						<-answer
						return late()
					}
				}
				return a, err
			}}}
			withProvider(t, cfg, func(t *testing.T, h *harness, p provider) {
				answer = make(chan struct{})
				p.put("doc", auth("in", "4.8.0"))
				p.get("doc", bodyWrites)
				time.Sleep(sweepEvery)
				synctest.Wait()
				p.put("doc", auth("reader", "4.8.0"))
				p.get("doc", bodyReads)
				close(answer)
				time.Sleep(2 * sweepEvery)
				synctest.Wait()
				conn := h.conn("doc", h.worker.conns()[0])
				switch {
				case conn == nil:
					t.Fatal("the connection has ended")
				case conn.Access() != event.AccessPresent || renewed != 1:
					t.Errorf("after %d renewals, the access is %v", renewed, conn.Access())
				}
				p.put("doc", bodyClose)
				p.get("doc", closed("provider_initiated"))
				p.close()
			})
		})
	}
}

// A document that can't be opened now isn't forgotten when another one is admitted
// meanwhile.
func TestHocuspocusUndecidedBeforeTheFirst(t *testing.T) {
	var decide chan struct{}
	cfg := Config{Hooks: Hooks{Admit: func(ctx context.Context, r Request) (Admission, error) {
		if r.Room == "down" {
			return Admission{}, &StatusError{Status: http.StatusServiceUnavailable, Reason: "The login is down."}
		}
		<-decide
		return tokens(ctx, r)
	}}}
	withProvider(t, cfg, func(t *testing.T, _ *harness, p provider) {
		decide = make(chan struct{})
		p.put("doc", auth("in"))
		p.put("down", auth("in"))
		close(decide)
		p.get("doc", bodyWrites)
		start := time.Now()
		p.wantCloseAnswering(protocol.CloseTryLater)
		if took := time.Since(start); took > againPause+sweepEvery {
			t.Errorf("closed after %v", took)
		}
	})
}

// Frames that wait for a token don't keep memory from the messages of others for long.
func TestHocuspocusHoarding(t *testing.T) {
	cfg := withTokens
	cfg.MessageMemory = 1 << 20
	withProvider(t, cfg, func(t *testing.T, h *harness, p provider) {
		p.put("a", auth("in"))
		p.get("a", bodyWrites)
		p.put("b", auth("no"))
		p.get("b", denied("not in"))
		for range 2 {
			p.send(ws.OpBinary, append(p.frame("b", "00 02"), make([]byte, 300<<10)...))
		}
		p.idle(incomingGrace - sweepEvery)
		if h.incoming.used.Load() < 600<<10 {
			t.Error("the frames don't wait")
		}
		p.idle(2 * sweepEvery)
		if n := h.incoming.used.Load(); n != 0 {
			t.Errorf("%d bytes are still reserved", n)
		}
		p.put("a", bodyUpdate)
		p.send(ws.OpBinary, p.frame("b", auth("in"))) // it lacks the frames
		p.wantClose(protocol.CloseReset, "Reset Connection")
	})
}

// A client can't fill the disk with what is logged about its documents.
func TestHocuspocusDenialsAreLogged(t *testing.T) {
	withProvider(t, withTokens, func(t *testing.T, h *harness, p provider) {
		p.put("a", auth("in"))
		p.get("a", bodyWrites)
		for range 2000 {
			p.put("b", "02 00 05") // a token of five bytes that is not there
			if _, frame := p.read(); !bytes.HasPrefix(frame, p.frame("b", "02 01")) {
				t.Fatalf("got %x", frame)
			}
		}
		if n := strings.Count(h.logs.String(), "document denied"); n == 0 || n > 1000 {
			t.Errorf("%d denials are logged", n)
		}
		p.close()
	})
}

// A client is told that it may not write any more, even while its room has no worker.
func TestHocuspocusAccessBeforeTheJoin(t *testing.T) {
	var admitted *Conn
	cfg := withTokens
	cfg.Hooks.PreConnect = func(c *Conn, _ *http.Request) error { admitted = c; return nil }
	withProvider(t, cfg, func(_ *testing.T, h *harness, p provider) {
		h.worker.handle = func(layer.Input) error { return layer.ErrNoOwner }
		p.put("doc", auth("in"))
		p.get("doc", bodyWrites)
		admitted.SetAccess(event.AccessPresent)
		p.get("doc", bodyReads)
		p.close()
	})
}
