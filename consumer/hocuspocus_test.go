package consumer

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/protocol"
)

// provider is the client of a Hocuspocus socket.
type provider struct{ *client }

// withProvider runs f in a bubble, with a consumer that serves Hocuspocus providers.
func withProvider(t *testing.T, cfg Config, f func(t *testing.T, h *harness, p provider)) {
	t.Helper()
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		h.handler = h.Hocuspocus()
		f(t, h, provider{h.dial("/hocuspocus")})
	})
}

// frame returns a frame for an address, whose body is hexadecimal.
func (p provider) frame(address, body string) []byte {
	p.t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(body, " ", ""))
	if err != nil {
		p.t.Fatal(err)
	}
	return append(lib0.AppendString(nil, address), b...)
}

// put sends a frame for each body to an address, and waits until they are handled.
func (p provider) put(address string, bodies ...string) {
	p.t.Helper()
	for _, body := range bodies {
		p.send(ws.OpBinary, p.frame(address, body))
	}
	synctest.Wait()
}

// get reads a frame for an address.
func (p provider) get(address, body string) {
	p.t.Helper()
	p.want(hex.EncodeToString(p.frame(address, body)))
}

// The bodies of frames.
const (
	bodyStep1     = "00 00 01 00"
	bodyStep2     = "00 01 02 00 00"
	bodyUpdate    = "00 02 02 00 00"
	bodyAwareness = "01 06 01 07 00 02 7b7d"
	bodyClose     = "07"
	bodyWrites    = "02 02 0a 726561642d7772697465"
	bodyReads     = "02 02 08 726561646f6e6c79"
	bodyAck       = "08 01"
	bodyReject    = "08 00"
)

// auth returns the body of an Auth.
func auth(token string, version ...string) string {
	b := lib0.AppendString([]byte{2, 0}, token)
	for _, v := range version {
		b = lib0.AppendString(b, v)
	}
	return hex.EncodeToString(b)
}

func denied(reason string) string {
	return hex.EncodeToString(lib0.AppendString([]byte{2, 1}, reason))
}

func closed(reason string) string {
	return hex.EncodeToString(lib0.AppendString([]byte{7}, reason))
}

// sends delivers messages of a room to one of its connections.
func (w *fakeWorker) sends(room string, to event.ConnID, messages ...protocol.Message) {
	for _, m := range messages {
		w.output(room, to, 0, m)
	}
	synctest.Wait()
}

func TestHocuspocusTranscript(t *testing.T) {
	withProvider(t, Config{}, func(t *testing.T, h *harness, p provider) {
		p.put("doc", auth("tok", "4.8.0"), bodyStep1, bodyAwareness)
		p.get("doc", bodyWrites)
		wantLines(t, h.worker.lines(), "join", "message 1 00", "message 4 010700027b7d")
		join := h.worker.inputs[0]
		if join.Room != "doc" || !join.Acks || !join.V1 || join.Greeting != event.GreetingClient {
			t.Errorf("the join is %+v", join)
		}
		id := h.worker.conns()[0]
		h.worker.sends("doc", id, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
		p.get("doc", bodyStep1)
		h.worker.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep2, Data: []byte{0, 0}})
		p.get("doc", bodyStep2)
		p.put("doc", bodyStep2)
		h.worker.sends("doc", id, protocol.Message{Type: protocol.Ack, Count: 1})
		p.get("doc", bodyAck)
		p.put("doc", bodyUpdate, bodyUpdate, bodyUpdate)
		h.worker.sends("doc", id, protocol.Message{Type: protocol.Ack, Count: 2}, protocol.Message{Type: protocol.Reject, Count: 1})
		p.get("doc", bodyAck)
		p.get("doc", bodyAck)
		p.get("doc", bodyReject)
		h.worker.output("doc", event.Everyone, 2, update('1'))
		p.get("doc", "00 02 01 31")
		p.put("doc", bodyClose)
		p.get("doc", closed("provider_initiated"))
		p.put("doc", auth(""), bodyStep1) // at once again
		p.get("doc", bodyWrites)
		wantLines(t, h.worker.lines(), "join", "message 1 00", "message 4 010700027b7d", "message 2 0000",
			"message 3 0000", "message 3 0000", "message 3 0000", "leave", "join", "message 1 00")
		p.close()
	})
}

// While one document waits for its admission, others go on, and its frames wait.
func TestHocuspocusAdmission(t *testing.T) {
	var slow chan struct{}
	cfg := Config{Hooks: Hooks{Admit: func(ctx context.Context, r Request) (Admission, error) {
		switch r.Token {
		case "slow":
			select {
			case <-slow:
			case <-ctx.Done():
				return Admission{}, ctx.Err()
			}
		case "reader":
			return Admission{Room: r.Room}, nil
		case "":
			return Admission{}, &StatusError{Status: 401, Reason: "no token"}
		case "wrong":
			return Admission{}, &StatusError{Status: 403, Reason: "wrong token"}
		}
		return Admission{Room: r.Room, Access: event.AccessWrite}, nil
	}}}
	withProvider(t, cfg, func(t *testing.T, h *harness, p provider) {
		slow = make(chan struct{}) // in the bubble
		p.put("a", bodyUpdate, auth("slow"), bodyStep1)
		p.put("b", auth("reader"), bodyStep1)
		p.get("b", bodyReads)
		p.put("c", auth("wrong"), bodyStep1, bodyUpdate)
		p.get("c", denied("wrong token"))
		wantLines(t, h.worker.lines(), "join", "message 1 00")
		close(slow)
		p.get("a", bodyWrites)
		synctest.Wait()
		wantLines(t, h.worker.lines(), "join", "message 1 00", "join", "message 3 0000", "message 1 00")
		p.put("c", auth("right"), bodyStep1)
		p.get("c", bodyWrites)
		p.close()
	})
}
