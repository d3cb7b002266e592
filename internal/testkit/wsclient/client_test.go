package wsclient_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// echo returns each binary message, and closes with 4000 after an empty one.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Cookie") == "" {
		http.Error(w, "no cookie", http.StatusUnauthorized)
		return
	}
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		message, err := wsutil.ReadClientBinary(conn)
		if err != nil {
			return
		}
		if len(message) == 0 {
			_ = ws.WriteFrame(conn, ws.NewCloseFrame(ws.NewCloseFrameBody(4000, "empty")))
			continue
		}
		_ = wsutil.WriteServerBinary(conn, message)
	}
}

func TestClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	header := http.Header{"Cookie": {"a=b"}}
	over := func(ctx context.Context) (*wsclient.Client, error) {
		return wsclient.DialOver(ctx, func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, server.Listener.Addr().String())
		}, "ws://example.test/room", header)
	}
	elsewhere, err := over(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*wsclient.Client{wsclient.Connect(t, server.URL, header), elsewhere} {
		c.MustSend(t, []byte("one"), []byte("two"))
		c.MustAwait(t, []byte("two"))
		half := wsclient.Frame(ws.OpBinary, false, []byte("thr"))
		if err := errors.Join(c.Write(half), c.Write(wsclient.Frame(ws.OpContinuation, true, []byte("ee")))); err != nil {
			t.Fatal(err)
		}
		c.MustAwait(t, []byte("three"))
		c.MustSend(t, nil)
		if code, reason, err := c.AwaitClose(); code != 4000 || reason != "empty" || err != nil {
			t.Errorf("closed with %d %q (%v)", code, reason, err)
		}
		if err := c.Send([]byte("late")); err == nil {
			t.Error("a message was sent after the end")
		}
	}
}

func TestDialIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	_, err := wsclient.Dial(t.Context(), server.URL, nil)
	if status, ok := errors.AsType[ws.StatusError](err); !ok || status != http.StatusUnauthorized {
		t.Errorf("the error is %v, want status 401", err)
	}
}
