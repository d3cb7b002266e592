// Package wsclient is a WebSocket client for tests.
package wsclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
)

// patience is how long a Client of Dial or Connect can be used, so that no test
// waits forever.
const patience = 20 * time.Second

// A Client is one end of a WebSocket connection. It answers nothing by itself.
// One goroutine can read while another writes.
type Client struct {
	conn net.Conn
	in   io.Reader
}

// Dial connects to url, whose scheme is ws or http. The client can be used for
// 20 seconds. If the server answers with a
// status other than 101, the error is a ws.StatusError.
func Dial(ctx context.Context, url string, header http.Header) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := DialOver(ctx, nil, url, header)
	if err != nil {
		return nil, err
	}
	return c, c.conn.SetDeadline(time.Now().Add(patience))
}

// DialOver is Dial on a connection that dial makes, or on one of the network if
// dial is nil. It sets no time limit, so it works in a bubble of testing/synctest. What the
// client doesn't do itself is inflating, if header offers that to the server.
func DialOver(
	ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), url string, header http.Header,
) (*Client, error) {
	const extensions = "Sec-WebSocket-Extensions"
	dialer := ws.Dialer{NetDial: dial}
	dialer.Extensions, _ = httphead.ParseOptions([]byte(header.Get(extensions)), nil)
	header = header.Clone()
	header.Del(extensions) // the dialer sends them itself, because it checks those of the response
	dialer.Header = ws.HandshakeHeaderHTTP(header)
	if rest, ok := strings.CutPrefix(url, "http"); ok {
		url = "ws" + rest
	}
	conn, early, _, err := dialer.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	if early != nil { // the reader holds frames that arrived with the response to the upgrade
		return &Client{conn, early}, nil
	}
	return &Client{conn, conn}, nil
}

// Connect is Dial for a test that fails if it can't connect. The client is closed
// when the test ends.
func Connect(t testing.TB, url string, header http.Header) *Client {
	t.Helper()
	c, err := Dial(t.Context(), url, header)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the test may have closed it
	return c
}

// Status returns the HTTP status with which a connection is refused, or 101 if it is opened.
// Then it is closed again.
func Status(t testing.TB, url string, header http.Header) int {
	t.Helper()
	c, err := Dial(t.Context(), url, header)
	if refused, ok := errors.AsType[ws.StatusError](err); ok {
		return int(refused)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	return http.StatusSwitchingProtocols
}

// Write writes bytes as they are, which may be part of a frame.
func (c *Client) Write(b []byte) error {
	_, err := c.conn.Write(b)
	return err
}

// Send sends a binary message.
func (c *Client) Send(message []byte) error { return c.Write(Frame(ws.OpBinary, true, message)) }

// Frame returns a frame as a client sends it, masked.
func Frame(op ws.OpCode, fin bool, payload []byte) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(op, fin, payload)))
}

// Read reads the next frame. The caller owns the payload.
func (c *Client) Read() (ws.OpCode, []byte, error) {
	h, payload, err := c.ReadFrame()
	return h.OpCode, payload, err
}

// ReadFrame reads the next frame with its header. The caller owns the payload.
func (c *Client) ReadFrame() (h ws.Header, payload []byte, err error) {
	if h, err = ws.ReadHeader(c.in); err != nil {
		return h, nil, err
	}
	payload = make([]byte, h.Length)
	_, err = io.ReadFull(c.in, payload)
	return h, payload, err
}

// Skip reads n bytes as they are, which may be part of a frame.
func (c *Client) Skip(n int64) error {
	_, err := io.CopyN(io.Discard, c.in, n)
	return err
}

// Await reads frames until the binary message want arrives.
func (c *Client) Await(want []byte) error {
	for {
		op, got, err := c.Read()
		if err != nil {
			return fmt.Errorf("waiting for %x: %w", want, err)
		}
		if op == ws.OpBinary && bytes.Equal(got, want) {
			return nil
		}
	}
}

// AwaitClose reads frames until the server closes, and returns what the server's
// close frame says. It closes the network connection without an answer.
func (c *Client) AwaitClose() (code ws.StatusCode, reason string, err error) {
	for {
		op, got, err := c.Read()
		if err != nil {
			return 0, "", fmt.Errorf("waiting for a close frame: %w", err)
		}
		if op == ws.OpClose {
			code, reason = ws.ParseCloseFrameData(got)
			return code, reason, c.Close()
		}
	}
}

// MustSend sends binary messages. The test fails if one can't be sent.
func (c *Client) MustSend(t testing.TB, messages ...[]byte) {
	t.Helper()
	for _, m := range messages {
		if err := c.Send(m); err != nil {
			t.Fatal(err)
		}
	}
}

// MustAwait reads frames until the binary message want arrives. The test fails if
// it does not.
func (c *Client) MustAwait(t testing.TB, want []byte) {
	t.Helper()
	if err := c.Await(want); err != nil {
		t.Fatal(err)
	}
}

// Close closes the network connection without a close frame.
func (c *Client) Close() error { return c.conn.Close() }
