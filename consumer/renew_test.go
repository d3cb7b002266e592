package consumer

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// renewing returns hooks that admit u1 to read and write, and renew this after a minute by
// renew.
func renewing(renew func() (Admission, error)) Hooks {
	return Hooks{Admit: func(_ context.Context, r Request) (Admission, error) {
		return Admission{
			Room: r.Room, Access: event.AccessWrite | event.AccessPresent, User: "u1",
			RenewAt: time.Now().Add(time.Minute),
			Renew:   func(context.Context) (Admission, error) { return renew() },
		}, nil
	}}
}

// answerPings answers pings of the server until the connection ends, and returns the
// close frame.
func answerPings(c *client) (closed chan ws.StatusCode) {
	closed = make(chan ws.StatusCode, 1)
	go func() {
		for {
			op, payload, err := c.Read()
			if err != nil {
				closed <- 0
				return
			}
			switch op {
			case ws.OpPing:
				c.send(ws.OpPong, payload)
			case ws.OpClose:
				code, _ := ws.ParseCloseFrameData(payload)
				closed <- code
				c.send(ws.OpClose, payload)
				return
			}
		}
	}()
	return closed
}

func TestRenew(t *testing.T) {
	again := time.Hour
	var renewed int
	hooks := renewing(func() (Admission, error) {
		renewed++
		a := Admission{Room: "doc", Access: event.AccessPresent, User: "u1", Expires: time.Now().Add(again)}
		return a, nil
	})
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		closed := answerPings(c)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		last := h.worker.inputs[len(h.worker.inputs)-1]
		if renewed != 1 || last.Kind != event.InputAccess || last.Conn != id || last.Access != event.AccessPresent {
			t.Errorf("renewed %d times; the last input is %+v", renewed, last)
		}
		if got := h.Consumer.conn("doc", id).Access(); got != event.AccessPresent {
			t.Errorf("the access is %v", got)
		}
		time.Sleep(again)
		if code := <-closed; code != ws.StatusCode(protocol.CloseUnauthorized) {
			t.Errorf("closed with %d after the new expiry", code)
		}
	})
}

func TestRenewRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		a    Admission
		err  error
		want protocol.CloseCode
	}{
		"forbidden":    {err: &StatusError{Status: http.StatusForbidden, Reason: "no longer"}, want: protocol.CloseForbidden},
		"unauthorized": {err: &StatusError{Status: http.StatusUnauthorized, Reason: "log in"}, want: protocol.CloseUnauthorized},
		"other code":   {err: &protocol.CloseError{Code: 4499}, want: 4499},
		"other room":   {a: Admission{Room: "other", User: "u1"}, want: protocol.CloseForbidden},
		"other user":   {a: Admission{Room: "doc", User: "u2"}, want: protocol.CloseForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			hooks := renewing(func() (Admission, error) { return tc.a, tc.err })
			withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
				c, _ := h.join("/doc")
				closed := answerPings(c)
				time.Sleep(time.Minute + 2*sweepEvery)
				select {
				case code := <-closed:
					if code != ws.StatusCode(tc.want) {
						t.Errorf("closed with %d, want %d", code, tc.want)
					}
				default:
					t.Error("not closed")
				}
			})
		})
	}
}

// A renewal that fails is tried again, and the connection goes on meanwhile. If it fails
// for too long, hangs or panics, the connection is closed.
func TestRenewFails(t *testing.T) {
	for name, tc := range map[string]struct {
		renew func(now time.Time, began time.Time) (Admission, error)
		want  ws.StatusCode // 0: not closed
	}{
		"for a while": {func(now, began time.Time) (Admission, error) {
			if now.Sub(began) < 90*time.Second {
				return Admission{}, &StatusError{Status: http.StatusServiceUnavailable, Reason: "later"}
			}
			return Admission{Room: "doc", User: "u1"}, nil
		}, 0},
		"for too long": {func(time.Time, time.Time) (Admission, error) {
			return Admission{}, errors.New("down")
		}, ws.StatusCode(protocol.CloseTryLater)},
		"with a panic": {func(time.Time, time.Time) (Admission, error) { panic("oops") }, ws.StatusCode(protocol.CloseTryLater)},
	} {
		t.Run(name, func(t *testing.T) {
			var began time.Time
			hooks := renewing(func() (Admission, error) { return tc.renew(time.Now(), began) })
			withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
				began = time.Now()
				c, _ := h.join("/doc")
				closed := answerPings(c)
				time.Sleep(100 * time.Second)
				synctest.Wait()
				if len(h.all(nil)) != 1 {
					t.Fatal("closed too early")
				}
				time.Sleep(time.Minute)
				select {
				case code := <-closed:
					if code != tc.want {
						t.Errorf("closed with %d, want %d", code, tc.want)
					}
				default:
					if tc.want != 0 {
						t.Error("not closed")
					}
				}
			})
		})
	}
}

// The states of a client carry the name of its admission, whatever the client writes.
func TestName(t *testing.T) {
	hooks := Hooks{Admit: func(_ context.Context, r Request) (Admission, error) {
		return Admission{Room: r.Room, Access: event.AccessPresent, Name: "Ada"}, nil
	}}
	withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
		c, _ := h.join("/doc")
		state := `{"user":{"name":"Bob"}}`
		c.send(ws.OpBinary, append([]byte{1, byte(len(state) + 4), 1, 7, 1, byte(len(state))}, state...))
		synctest.Wait()
		if got := h.worker.inputs[len(h.worker.inputs)-1].Message.Data; !bytes.Contains(got, []byte(`{"user":{"name":"Ada"}}`)) {
			t.Errorf("the room got %q", got)
		}
		c.send(ws.OpBinary, []byte{1, 5, 1, 7, 2, 1, '{'})
		c.wantClose(protocol.CloseMalformed, "")
	})
}
