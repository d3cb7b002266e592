package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/protocol"
)

// member connects a user to a room, and returns when the room knows the connection.
func (p *apiPlace) member(room, user string) *wsclient.Client {
	p.t.Helper()
	c := wsclient.Connect(p.t, p.web.URL+"/ws/"+room+"?token="+user, nil)
	c.MustAwait(p.t, newcomer)
	return c
}

// counted fails the test unless a request has found so many connections.
func (p *apiPlace) counted(want int, address, body string, header ...string) {
	p.t.Helper()
	a := p.want(http.StatusOK, post, address, body, header...)
	var got counted
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Connections != want {
		p.t.Errorf("%s %s: %s (%v), want %d connections", address, body, a.body, err, want)
	}
}

func (p *apiPlace) testControl(t *testing.T) {
	const room = "/api/rooms/control%2F1"
	ada, bob := p.member("control/1", "ada"), p.member("control/1", "")
	elsewhere := p.member("control/2", "ada")
	ada.MustSend(t, testkit.Awareness(testkit.Present(1<<20, 1, "{}")))
	bob.MustAwait(t, testkit.Awareness(testkit.Present(1<<20, 1, "{}")))

	a := p.want(http.StatusOK, get_, room+"/connections", "")
	p.want(http.StatusNotModified, get_, room+"/connections", "", "If-None-Match", a.header.Get("ETag"))
	var got Connections
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || len(got.Connections) != 2 {
		t.Fatalf("%s (%v)", a.body, err)
	}
	id := ""
	byUser := map[string]Connection{}
	for _, c := range got.Connections {
		if c.User == "" {
			id = c.ID
		}
		c.ID = ""
		byUser[c.User] = c
	}
	want := map[string]Connection{"ada": {User: "ada", Access: "write", Clients: []uint64{1 << 20}}, "": {Access: "write", Clients: []uint64{}}}
	if diff := cmp.Diff(want, byUser); diff != "" {
		t.Errorf("connections (-want +got)\n%s", diff)
	}

	p.counted(1, room+"/access", `{"user": "ada", "access": "read"}`, "Content-Type", "application/json")
	p.counted(1, room+"/access", `{"connection": "`+id+`", "access": "hidden"}`)
	p.counted(2, "/api/access", `{"user": "ada", "access": "read"}`)
	if a := p.want(http.StatusOK, get_, room+"/connections", ""); strings.Contains(a.body, "write") || !strings.Contains(a.body, `"hidden"`) {
		t.Errorf("after the change: %s", a.body)
	}
	p.counted(2, room+"/stateless", "saved", "Content-Type", "text/plain")
	p.counted(2, room+"/stateless", `{"saved": true}`, "Content-Type", "application/json")
	p.counted(1, room+"/expel", `{"connection": "`+id+`"}`, "Content-Type", "application/json")
	if code, _, err := bob.AwaitClose(); protocol.CloseCode(code) != protocol.CloseForbidden {
		t.Errorf("closed with %d (%v)", code, err)
	}
	p.counted(2, "/api/expel", `{"user": "ada", "reason": "bye"}`, "Content-Type", "application/json")
	for _, c := range []*wsclient.Client{ada, elsewhere} {
		if code, reason, err := c.AwaitClose(); protocol.CloseCode(code) != protocol.CloseForbidden || reason != "bye" {
			t.Errorf("closed with %d %q (%v)", code, reason, err)
		}
	}
	p.counted(0, "/api/rooms/control%2Fnothing/expel", `{"user": "ada"}`)
	p.counted(0, "/api/access", `{"user": "ada", "access": "read"}`, "Content-Type", "application/json")
	p.wantProblem(http.StatusNotFound, "no-such-room", get_, "/api/rooms/control%2Fnothing/connections", "")
	p.make("control.stored")
	p.make("quick.control")
	testkit.Eventually(t, "the room leaves memory", func() string {
		if a := p.ask(get_, "/api/rooms/quick.control/connections", ""); a.body != `{"connections":[]}` {
			return a.body
		}
		return ""
	})
}

// testControlRefusals tests the problems of requests that change connections.
func (p *apiPlace) testControlRefusals(t *testing.T) {
	type problem struct {
		status int
		name   string
	}
	badContent := problem{http.StatusUnprocessableEntity, "bad-content"}
	large := strings.Repeat("x", 1<<20+1)
	addresses := map[string]string{ // with a body that is right
		"/api/access": `{"user": "ownerless", "access": "read"}`, "/api/expel": `{"user": "ownerless"}`,
		"/api/rooms/moody.control/access": `{"user": "ada", "access": "read"}`, "/api/rooms/moody.control/expel": `{"user": "ada"}`,
		"/api/rooms/moody.control/stateless": "hi",
	}
	for address, body := range addresses {
		p.wantProblem(http.StatusUnauthorized, "unauthorized", post, address, body, "Authorization", "-")
		p.wantProblem(http.StatusBadRequest, "bad-parameter", post, address+"?user=ada", body)
		p.wantProblem(http.StatusBadRequest, "bad-precondition", post, address, body, "If-Match", "*")
		p.wantProblem(http.StatusRequestEntityTooLarge, "too-large", post, address, large)
		p.wantProblem(http.StatusUnsupportedMediaType, "wrong-media-type", post, address, body, "Content-Type", "application/x-www-form-urlencoded")
		p.wantProblem(http.StatusUnsupportedMediaType, "wrong-media-type", post, address, body, "Content-Encoding", "gzip")
		p.wantProblem(http.StatusMethodNotAllowed, "wrong-method", put, address, body)
		if strings.HasSuffix(address, "stateless") {
			p.wantProblem(badContent.status, badContent.name, post, address, "\xff")
			continue
		}
		for _, bad := range []string{
			"", "ada", `["ada"]`, `{}`, `{"user": "ada", "connection": "1"}`, `{"user": "ada", "users": "all"}`, `{"connection": 1}`,
			`{"connection": "0"}`, `{"connection": "-1"}`, `{"user": "ada", "access": "read", "reason": "x"}`, `{"user": "ada"} {}`,
		} {
			p.wantProblem(badContent.status, badContent.name, post, address, bad)
		}
	}
	for _, bad := range []string{`{"user": "ada"}`, `{"user": "ada", "access": "Write"}`} {
		p.wantProblem(badContent.status, badContent.name, post, "/api/access", bad)
	}
	p.wantProblem(http.StatusUnauthorized, "unauthorized", get_, "/api/rooms/control/connections", "", "Authorization", "-")
	p.wantProblem(http.StatusBadRequest, "bad-parameter", get_, "/api/rooms/control/connections?limit=1", "")

	p.patience.Store(int64(50 * time.Millisecond))
	defer p.patience.Store(0)
	for address, body := range addresses { // no worker
		p.wantProblem(http.StatusServiceUnavailable, "no-worker", post, strings.Replace(address, "moody", "ownerless", 1), body)
	}
	p.wantProblem(http.StatusServiceUnavailable, "outcome-unknown", post, "/api/rooms/lossy.control/stateless", "hi")
	p.wantProblem(http.StatusServiceUnavailable, "no-worker", get_, "/api/rooms/ownerless.control/connections", "")

	gate := faulty.NewGate() // a room that is being loaded
	p.store.Set(gate.Wait, faulty.Load)
	waiting := wsclient.Connect(t, p.web.URL+"/ws/moody.control", nil)
	<-gate.Reached
	for address, body := range addresses {
		p.wantProblem(http.StatusGatewayTimeout, "timed-out", post, address, strings.Replace(body, "ownerless", "ada", 1))
	}
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", get_, "/api/rooms/moody.control/connections", "")
	p.store.Set(nil)
	close(gate.Release)
	waiting.MustAwait(t, newcomer)
}
