// Package wstest is a WebSocket client for tests.
package wstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gobwas/ws"
)

// patience is how long a Client may be used, so that no test hangs.
const patience = 20 * time.Second

// Client is one end of a WebSocket connection. It answers nothing by itself.
type Client struct {
	conn net.Conn
	in   io.Reader
}

// Dial connects. Where the server answers with another HTTP status than 101,
// the error is a ws.StatusError.
func Dial(ctx context.Context, url string, header http.Header) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	dialer := ws.Dialer{Header: ws.HandshakeHeaderHTTP(header)}
	conn, early, _, err := dialer.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if early != nil { // it holds frames that came with the answer to the upgrade
		return &Client{conn, early}, nil
	}
	return &Client{conn, conn}, nil
}

// Send sends a binary message.
func (c *Client) Send(message []byte) error {
	return ws.WriteFrame(c.conn, ws.MaskFrame(ws.NewBinaryFrame(message)))
}

// Read reads the next frame. The caller owns the payload.
func (c *Client) Read() (ws.OpCode, []byte, error) {
	h, err := ws.ReadHeader(c.in)
	if err != nil {
		return 0, nil, err
	}
	payload := make([]byte, h.Length)
	_, err = io.ReadFull(c.in, payload)
	return h.OpCode, payload, err
}

// Await reads until want arrives.
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

// AwaitClose reads until the server closes, gives its code, and closes.
func (c *Client) AwaitClose() (ws.StatusCode, error) {
	for {
		op, got, err := c.Read()
		if err != nil {
			return 0, fmt.Errorf("waiting for a close frame: %w", err)
		}
		if op == ws.OpClose {
			code, _ := ws.ParseCloseFrameData(got)
			return code, c.Close()
		}
	}
}

// Close cuts the line.
func (c *Client) Close() error { return c.conn.Close() }
